#include "cli/edge_rooms.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "audience/line.h"
#include "base/assert.h"
#include "cli/rooms.h"
#include "wire/hls_reader.h"

namespace klieg::cli {
namespace {

constexpr size_t playlist_bytes_max = 256 * 1024;  // a line of some hundred bytes a rendition
constexpr size_t answers_bytes_max = 1 << 20;      // one to each batch of a request, 20 bytes a record

// "x7f.1/video.m3u8": x7f.1. Empty: it is not ours.
std::string_view broadcast_of(std::string_view playlist_uri) {
  const size_t slash = playlist_uri.find('/');
  if (slash == playlist_uri.npos || playlist_uri.find('/', slash + 1) != playlist_uri.npos) return {};
  return playlist_uri.substr(0, slash);
}

}  // namespace

// A room that viewers of this loop are in.
class EdgeRooms::Way final : public audience::WayUp, private audience::LineHost {
 public:
  Way(EdgeRooms& rooms, std::string_view channel, const std::string& topic)
      : rooms_(rooms), channel_(channel), topic_(topic), timer_(rooms.loop_, [this] { wake(); }), line_(host(), topic) {
    timer_.arm(now() + audience::Line::wake_every);
  }

  void send(std::vector<media::Batch> batches) override { line_.send(batches); }
  void attend(audience::Desk desk) override { line_.attend(desk); }

 private:
  audience::LineHost& host() { return *this; }
  LoopTime now() const override { return rooms_.loop_.now(); }

  void wake() {
    line_.wake();
    if (!line_.over()) timer_.arm(now() + audience::Line::wake_every);
  }

  std::unique_ptr<media::Subscription> subscribe(const std::string& topic, media::PushSink& sink) override {
    auto subscription = rooms_.engine_.subscribe(topic, sink);
    rooms_.cache_.arm();
    return subscription;
  }

  void look(std::move_only_function<void(audience::Looked, const std::string& topic)> then) override {
    rooms_.find(channel_, [weak = std::weak_ptr(self_), then = std::move(then)](Found found) mutable {
      if (!weak.lock()) return;
      if (found.live == Live::unknown) return then(audience::Looked::unknown, "");
      then(found.live == Live::yes ? audience::Looked::live : audience::Looked::absent, found.topic);
    });
  }

  void post(std::string path, std::string query, Bytes body,
            std::move_only_function<void(std::optional<Bytes>)> then) override {
    rooms_.source_.post(std::move(path), std::move(query), std::move(body),
                        [weak = std::weak_ptr(self_), then = std::move(then)](push::Answer answer) mutable {
                          const auto self = weak.lock();
                          if (!self) return;
                          (*self)->rooms_.read(std::move(answer), answers_bytes_max,
                                               [weak, then = std::move(then)](std::optional<Bytes> body) mutable {
                                                 if (weak.lock()) then(std::move(body));
                                               });
                        });
  }

  // In a later turn: a gallery is told of nothing while it speaks.
  void tell(std::vector<audience::Told> told) override {
    rooms_.loop_.post([weak = std::weak_ptr(self_), told = std::move(told)] {
      if (const auto self = weak.lock()) (*self)->rooms_.server_.on_told((*self)->topic_, told);
    });
  }

  EdgeRooms& rooms_;
  const std::string channel_;
  const std::string topic_;
  std::shared_ptr<Way*> self_ = std::make_shared<Way*>(this);
  net::Timer timer_;
  audience::Line line_;
};

EdgeRooms::EdgeRooms(net::Loop& loop, const std::string& node, const Config& config, edge::Engine& engine,
                     edge::Server& cache, Metrics& metrics, Identify identify)
    : loop_(loop),
      config_(config),
      engine_(engine),
      cache_(cache),
      identify_(std::move(identify)),
      source_(loop, engine, cache),
      server_(loop, *this, node, gallery_settings_of(config), metrics) {
  KLIEG_ASSERT(engine.offers_topics(), "a room's log is a topic");
  server_.set_ticket_secret(config.node_secret);
}

EdgeRooms::~EdgeRooms() = default;

void EdgeRooms::admit(const http::Request& request, std::string_view channel, audience::Shown shown, Admit then) {
  auto enter = [this, channel = std::string(channel), invited = shown.invited,
                then = std::move(then)](media::Person person) mutable {
    find(channel, [invited, person = std::move(person), then = std::move(then)](Found found) mutable {
      // Of a room for guests others are told what they are of one that is not there.
      const bool hidden = found.audience == media::Audience::guests && invited == audience::Invited::no;
      if (found.live == Live::yes && hidden) found.live = Live::no;
      if (found.live == Live::yes) return then(audience::Admitted{std::move(found.topic), std::move(person)});
      const bool known = found.live == Live::no;
      then(std::unexpected(
          known ? http::Response::text(404, "not live")
                : http::Response::text(503, "this server has lost its way to the broadcast; ask again")));
    });
  };
  if (shown.person) return enter(std::move(*shown.person));
  identify_ ? identify_(request, channel, std::move(enter)) : enter(nobody_of(config_));
}

std::unique_ptr<audience::WayUp> EdgeRooms::join(std::string_view channel, const std::string& topic,
                                                 const std::string&) {
  return std::make_unique<Way>(*this, channel, topic);
}

void EdgeRooms::find(const std::string& channel, std::move_only_function<void(Found)> then) {
  source_.ask(fmt::format("/live/{}/index.m3u8", channel),
              [weak = std::weak_ptr(self_), channel, then = std::move(then)](push::Answer answer) mutable {
                const auto self = weak.lock();
                if (!self) return;
                if (answer.status == 404) return then({.live = Live::no});
                const media::Audience audience = answer.audience;
                (*self)->read(std::move(answer), playlist_bytes_max,
                              [channel, audience, then = std::move(then)](const std::optional<Bytes>& text) mutable {
                                if (!text) return then({.live = Live::unknown});
                                const auto playlist = wire::hls::read_multivariant_playlist(text->text());
                                if (!playlist || playlist->variants.empty()) return then({.live = Live::no});
                                const std::string_view broadcast = broadcast_of(playlist->variants.front().uri);
                                if (broadcast.empty()) return then({.live = Live::no});
                                then({Live::yes, room_topic_of(channel, broadcast), audience});
                              });
              });
}

void EdgeRooms::read(push::Answer answer, size_t bytes_max, std::move_only_function<void(std::optional<Bytes>)> then) {
  if (answer.status != 200 || !answer.log) return then(std::nullopt);
  const uint64_t number = bodies_count_++;
  bodies_[number].read(std::move(answer), bytes_max,
                       [this, number, then = std::move(then)](Result<Bytes, push::BodyFault> body) mutable {
                         const auto done = bodies_.extract(number);
                         then(body ? std::optional(std::move(*body)) : std::nullopt);
                       });
}

}  // namespace klieg::cli
