// What a loop is made of. Included by net/*.cc alone: the one door to Boost.Asio.
//
// Asio runs the loop, keeps timers, carries posted work between threads, accepts and resolves. Connections wait in a
// ReadySet of ours, which Asio watches as one descriptor, and make their system calls themselves. A request then costs
// one recv and one sendmsg, and all connections of a loop share their buffers: one that has nothing to say holds none.
#pragma once

#ifndef BOOST_ASIO_SEPARATE_COMPILATION
#define BOOST_ASIO_SEPARATE_COMPILATION
#endif
#ifndef BOOST_ASIO_NO_DEPRECATED
#define BOOST_ASIO_NO_DEPRECATED
#endif

#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <optional>
#include <thread>
#include <vector>

#include "net/loop.h"
#include "net/ready_set.h"

namespace klieg::net {

namespace asio = boost::asio;

using Descriptor = asio::posix::stream_descriptor;

// 64 KiB: what one recv may bring. A whole RTMP key frame or many pipelined requests in one system call, and still in
// the second-level cache when the handler reads it.
constexpr size_t read_buffer_size = size_t{64} * 1024;

constexpr size_t tls_record_size_max = size_t{16} * 1024;  // RFC 8446 section 5.1

struct Loop::Reactor {
  Reactor() : context(1), work(asio::make_work_guard(context)), ready_watch(context, ::dup(ready.descriptor())) {
    wait_for_ready();
  }

  // Every callback from Asio begins with this: the clocks are read anew when somebody asks.
  void begin_turn() const {
    now.reset();
    wall_now.reset();
  }

  void wait_for_ready() {
    ready_watch.async_wait(Descriptor::wait_read, [this](boost::system::error_code error) {
      if (error) return;
      ready.dispatch([this] { begin_turn(); });
      wait_for_ready();
    });
  }

  ReadySet ready;  // outlives the context, whose last handlers may own streams
  asio::io_context context;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  Descriptor ready_watch;
  std::atomic<std::thread::id> thread;  // of run(); read by dispatch() from any

  // Each is used only from a read event until its handler returns, so one per loop is enough.
  std::array<uint8_t, read_buffer_size> received;
  std::array<uint8_t, tls_record_size_max> decrypted;
  // Used only inside one write().
  std::vector<uint8_t> encrypted;
  std::vector<uint8_t> record;

  mutable std::optional<LoopTime> now;
  mutable std::optional<WallTime> wall_now;
};

}  // namespace klieg::net
