// What was revoked of the tokens for private channels, on one loop of `klieg serve`, and how it reaches all others.
//
//   World::revoke() ──kept──► each loop: its guests, and who subscribed to edge::revocations_topic
//                               └──► nodes, down the tree ──► HeardRevocations ──► their guests
//
// Whoever subscribes is first told of all that hold. Owner: the shard. Thread: its loop.
// Limit: 100 bytes for each account that was revoked since the server started, or in the day before, and each channel
// of a year.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edge/engine.h"
#include "edge/guests.h"
#include "edge/server.h"
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
  void apply(const media::GuestsRevoked& revoked);

 private:
  struct Subscriber {
    media::PushSink* sink = nullptr;  // null: it unsubscribed
    bool told_all = false;
  };
  class Handle;

  net::Loop& loop_;
  edge::Guests& guests_;
  media::TopicSource& others_;
  std::vector<media::GuestsRevoked> all_;
  std::vector<std::shared_ptr<Subscriber>> subscribers_;
};

// On a loop of `klieg edge`: subscribed for as long as it lives, and again whenever the topic ends.
class HeardRevocations final : private media::PushSink {
 public:
  HeardRevocations(net::Loop& loop, edge::Engine& engine, edge::Server& server, edge::Guests& guests);

 private:
  void listen();
  void on_push(media::PushRecord record) override;
  void on_topic_end(media::TopicEnd why) override;

  net::Loop& loop_;
  edge::Engine& engine_;
  edge::Server& server_;  // keeps the engine's deadlines
  edge::Guests& guests_;
  std::unique_ptr<media::Subscription> subscription_;
  net::Timer again_;
};

}  // namespace klieg::cli
