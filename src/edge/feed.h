// What this node's children are sent of a topic: one encoded log, read by each with a cursor of its own.
//
// It begins with nothing. A child is first sent what makes it whole (the topic's snapshot, encoded for it alone), then
// reads on from where the log stood at that moment. The log forgets its front: a child that lags too far behind is
// reset, falls back to fetching, and may come again.
//
// Owner: server.*. Thread: the engine's loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "media/push.h"

namespace klieg::edge {

class Feed final : private media::PushSink {
 public:
  // What a child may be behind: 2.5 s of 25 Mbit/s, and more of anything less.
  static constexpr uint64_t behind_max = uint64_t{8} << 20;

  Feed(media::TopicSource& topics, std::string_view topic);
  ~Feed() override;  // children who still read are reset
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  const std::shared_ptr<Log>& log() const { return log_; }
  bool over() const { return !log_->growing(); }
  bool read_by_nobody() const { return log_.use_count() == 1; }

 private:
  void on_push(media::PushRecord record) override;
  void on_topic_end(media::TopicEnd why) override;

  std::shared_ptr<Log> log_ = std::make_shared<Log>();
  std::vector<Bytes> pieces_;
  std::unique_ptr<media::Subscription> subscription_;
};

// The preamble and `records`, as a child that joins is sent them before the log.
Bytes opening_of(const std::vector<media::PushRecord>& records);

}  // namespace klieg::edge
