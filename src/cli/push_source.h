// What a channel of push/ asks, asked of the loop's cache: as a viewer of this machine would. And what a room posts
// upward, which the cache passes on.
//
// Owner: the loop's shard. Thread: that loop. Outlived by the engine and its server.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "edge/engine.h"
#include "edge/server.h"
#include "net/loop.h"
#include "push/source.h"

namespace klieg::cli {

class PushSource final : public push::Source {
 public:
  PushSource(net::Loop& loop, edge::Engine& engine, edge::Server& server)
      : loop_(loop), engine_(engine), server_(server) {}

  void ask(const std::string& path, std::move_only_function<void(push::Answer)> then) override;
  void after(Duration pause, std::move_only_function<void()> then) override;
  // As ask(), of a POST.
  void post(std::string path, std::string query, Bytes body, std::move_only_function<void(push::Answer)> then);

 private:
  struct Question {
    std::string_view method;
    std::string path;
    std::string query;
    Bytes body;
  };
  void ask(Question question, std::move_only_function<void(push::Answer)> then);
  void ask_now(const Question& question, std::move_only_function<void(push::Answer)> then);

  net::Loop& loop_;
  edge::Engine& engine_;
  edge::Server& server_;                                    // keeps the engine's deadlines
  std::map<uint64_t, std::unique_ptr<net::Timer>> pauses_;  // at most one for each track that is read, and channel
  uint64_t pauses_count_ = 0;
  std::shared_ptr<PushSource*> self_ = std::make_shared<PushSource*>(this);  // for work that is posted
};

}  // namespace klieg::cli
