#include "cli/room_gate.h"

#include <optional>
#include <utility>

#include "audience/upward.h"
#include "cli/world.h"
#include "wire/room_record.h"

namespace klieg::cli {

RoomGate::RoomGate(World& world, ShardIndex index, net::Loop& loop, Rooms& rooms, const RoomPlaces& places,
                   edge::Gatekeeper& gatekeeper, media::TopicSource& others)
    : world_(world),
      index_(index),
      loop_(loop),
      rooms_(rooms),
      places_(places),
      gatekeeper_(gatekeeper),
      others_(others) {}

RoomGate::~RoomGate() = default;

std::unique_ptr<media::Subscription> RoomGate::subscribe(std::string_view topic, media::PushSink& sink) {
  const std::string_view channel = channel_of_room(topic);
  // What is no room here is nothing there, either: unknown.
  if (channel.empty() || room_topic_of(channel, places_.broadcast_of(channel)) != topic) {
    return others_.subscribe(topic, sink);
  }
  const ShardIndex home = places_.home_of(channel);
  if (home == index_) {
    media::TopicSource* log = rooms_.log_at_home(std::string(topic));
    return (log ? *log : others_).subscribe(topic, sink);
  }
  std::unique_ptr<edge::LoopParent>& loop = loops_[home];
  if (!loop) {
    loop = std::make_unique<edge::LoopParent>(loop_, [&world = world_, home](auto work) {
      world.post_to_shard(home, [work = std::move(work)](Shard& shard) mutable { shard.on_engine(std::move(work)); });
    });
  }
  return loop->subscribe(topic, sink);
}

bool RoomGate::is_its(std::string_view path) { return audience::topic_of_upward(path).has_value(); }

void RoomGate::serve(const http::Request& request, http::Responder responder) {
  if (gatekeeper_.trust_in(request) != edge::Trust::node) {
    return responder.respond(http::Response::text(403, "rooms are told things by nodes that prove themselves"));
  }
  take(request, std::move(responder));
}

void RoomGate::take(const http::Request& request, http::Responder responder) {
  const auto refuse = [&](uint16_t status, std::string_view words) {
    responder.respond(http::Response::text(status, words));
  };
  if (request.method != http::Method::post) return responder.respond(http::Response::not_allowed("POST"));
  const std::string topic(audience::topic_of_upward(request.path).value_or(""));
  const std::optional<audience::DeskPlace> desk = audience::desk_place_in(request.query);
  std::vector<media::Batch> batches;
  if (!desk) {
    if (!audience::is_digest_of(request.query, topic, request.body)) return refuse(400, "that is not what was proved");
    wire::room::BatchReader reader;
    if (!reader.feed(request.body, batches) || !reader.whole() || batches.empty()) {
      return refuse(400, "that is not understood as batches");
    }
  }
  const std::string_view channel = channel_of_room(topic);
  if (channel.empty() || room_topic_of(channel, places_.broadcast_of(channel)) != topic) {
    return refuse(404, "there is no such room");
  }
  if (waiting_.size() >= requests_max) return refuse(503, "too much waits to be made safe");
  const uint64_t number = ++requests_;
  waiting_.emplace(number, std::move(responder));
  world_.post_to_shard(places_.home_of(channel), [&world = world_, from = index_, number, topic, desk,
                                                  batches = std::move(batches)](Shard& home) {
    const auto reply = [&world, from, number](Bytes body) {
      world.post_to_shard(from,
                          [number, body = std::move(body)](Shard& shard) { shard.room_gate().on_reply(number, body); });
    };
    const bool there = home.rooms().at_home(topic, [desk, batches, reply](audience::HomeServer& room) {
      if (desk) return room.read_desk(*desk, reply);
      room.take(batches, [reply](const std::vector<media::BatchAnswer>& answers) {
        std::vector<Bytes> records;
        for (const media::BatchAnswer& answer : answers) records.push_back(wire::room::record_of(answer));
        reply(Bytes::join(records));
      });
    });
    if (!there) reply({});
  });
}

void RoomGate::on_reply(uint64_t request, Bytes body) {
  auto waiting = waiting_.extract(request);
  if (!waiting) return;
  static const auto headers = std::make_shared<const http::HeaderBlock>(
      http::HeaderBlock{{"content-type", "application/vnd.klieg.room"}, {"cache-control", "no-store"}});
  http::Response response;
  response.headers = headers;
  response.body = std::move(body);
  waiting.mapped().respond(std::move(response));
}

}  // namespace klieg::cli
