// What was revoked of the tokens for private channels, on one loop of `klieg serve`, and how it reaches all others.
//
//   World::revoke() ──kept──► each loop: its guests, and who subscribed to edge::revocations_topic
//                               ├──► nodes, down the tree ──► HeardRevocations ──► their guests
//                               └──► of several machines the others (cluster.h): they read what was kept, and who
//                                    asks no database subscribes to one that does
//
// Whoever subscribes is first told of all that hold. Owner: the shard. Thread: its loop.
// Limit: 100 bytes for each account that was revoked since the server started, or in the day before, and each channel
// of a year.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edge/guests.h"
#include "media/push.h"
#include "net/loop.h"

namespace klieg::cli {

// POST /.klieg/revoke/NAME?issued_until=SECONDS[&viewer=ACCOUNT], of a node or whoever has the nodes' secret.
constexpr std::string_view revocation_prefix = "/.klieg/revoke/";
std::string revocation_target(const media::GuestsRevoked& revoked);
std::optional<media::GuestsRevoked> read_revocation(std::string_view path, std::string_view query);

class Revocations final : public media::TopicSource {
 public:
  // `others`: who offers all other topics.
  Revocations(net::Loop& loop, edge::Guests& guests, media::TopicSource& others)
      : loop_(loop), guests_(guests), others_(others) {}

  std::unique_ptr<media::Subscription> subscribe(std::string_view topic, media::PushSink& sink) override;
  void apply(const media::GuestsRevoked& revoked);  // what is known already is told to nobody

 private:
  struct Subscriber {
    media::PushSink* sink = nullptr;  // null: it unsubscribed
    bool told_all = false;
  };
  class Handle;

  net::Loop& loop_;
  edge::Guests& guests_;
  media::TopicSource& others_;
  using Whose = std::pair<std::string, std::optional<uint64_t>>;  // channel and viewer
  std::map<Whose, int64_t> all_;                                  // issued_until_s
  std::vector<std::shared_ptr<Subscriber>> subscribers_;
};

// On a loop that has it from another node: subscribed for as long as it lives, and again whenever the topic ends.
class HeardRevocations final : private media::PushSink {
 public:
  using Subscribe = std::move_only_function<std::unique_ptr<media::Subscription>(media::PushSink&)>;
  using Hear = std::move_only_function<void(const media::GuestsRevoked&)>;
  HeardRevocations(net::Loop& loop, Subscribe subscribe, Hear hear);

 private:
  void listen();
  void on_push(media::PushRecord record) override;
  void on_topic_end(media::TopicEnd why) override;

  net::Loop& loop_;
  Subscribe subscribe_;
  Hear hear_;
  std::unique_ptr<media::Subscription> subscription_;
  net::Timer again_;
};

}  // namespace klieg::cli
