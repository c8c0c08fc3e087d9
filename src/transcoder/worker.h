// A codec worker: the process klieg-codec, and its messages.
//
//   born   start(), from the spare's place or for somebody who waits; it says Hello when it is warm
//   lives  tell() it, hear it; it belongs to one broadcast, or to nobody yet
//   dies   told once by on_worker_gone, or killed with its Worker
//
// What is not read by it waits here, at most unsent_max; a worker that does not read has hung.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/child.h"
#include "transcoder/replay.h"
#include "transcoder/transcoder.h"
#include "wire/codec_message.h"

namespace klieg::transcoder {

// klieg-codec in the folder of the program that runs.
std::string codec_program_beside_us();

class WorkerHandler {
 public:
  virtual ~WorkerHandler() = default;
  virtual void on_worker_message(wire::codec::FromWorker message) = 0;
  // The last call, from a turn of the loop. `words` say more than `how`, for the log.
  virtual void on_worker_gone(WorkerEnd how, const std::string& words) = 0;
};

class Worker final : private net::ConnectionHandler {
 public:
  // A replay goes out in one go, and so much again in the time until a worker counts as silent.
  static constexpr size_t unsent_max = 2 * Replay::bytes_max;

  static Result<std::unique_ptr<Worker>> start(net::Loop& loop, const std::vector<std::string>& command);
  ~Worker() override;

  // Whose it is now. Its Hello is heard here, all else by its owner, who may destroy it inside any call.
  void serve(WorkerHandler& handler);
  void tell(const wire::codec::ToWorker& message);
  Duration used() const { return child_->processor_time(); }
  bool gone() const { return gone_ || child_->ended(); }  // and nobody has been told yet

 private:
  explicit Worker(net::Loop& loop) : loop_(loop), farewell_(loop, [this] { say_gone(); }) {}

  void on_bytes(ByteView bytes) override;
  void on_closed(net::Closed why) override;
  void on_exit(net::Exit exit);
  void settle_end();
  void deliver();
  void greet(const wire::codec::Hello& hello);
  void go(WorkerEnd how, std::string words);
  void say_gone();

  struct Gone {
    WorkerEnd how;
    std::string words;
  };
  Gone gone_by_itself() const;

  net::Loop& loop_;
  std::unique_ptr<net::Child> child_;
  WorkerHandler* handler_ = nullptr;
  wire::codec::WorkerReader reader_;
  std::optional<net::Exit> exit_;
  bool closed_ = false;
  std::optional<Gone> gone_;
  net::Timer farewell_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace klieg::transcoder
