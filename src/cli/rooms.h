// The rooms of a shard of `klieg serve`: those whose broadcasts live here, and the viewers who are on this loop,
// wherever their room lives. Joined to the other shards by posted messages.
//
// What is live is written down (studio/room_life_records.h), so that after a death its room goes on: it is opened when
// its journal has been read back, and who comes meanwhile waits. Of several machines it may go on at another: then
// nothing more is written here, and who is in it here is told that it is over.
//
// Owner: the shard. Thread: its loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audience/server.h"
#include "audience/server_home.h"
#include "base/metrics.h"
#include "cli/config.h"
#include "cli/registry.h"
#include "cli/room_journal.h"
#include "http/server.h"
#include "net/loop.h"
#include "push/server_websocket.h"
#include "store/worker.h"
#include "studio/room_life_records.h"
#include "studio/server_identity.h"

namespace klieg::cli {

class World;

// "/live/ada/x7f.1/room", of "ada" and "x7f.1"; and back, "ada". Empty: it is no room's topic.
std::string room_topic_of(std::string_view channel, std::string_view broadcast);
std::string_view channel_of_room(std::string_view topic);

// Who is not signed in, and what rooms are like, as the settings say.
media::Person nobody_of(const Config& config);
audience::GallerySettings gallery_settings_of(const Config& config);

// What a shard knows of broadcasts.
class RoomPlaces {
 public:
  virtual ~RoomPlaces() = default;
  // "ID.EPOCH" of what is live on the channel, or paused; empty: nothing is.
  virtual std::string broadcast_of(std::string_view channel) const = 0;
  virtual ShardIndex home_of(std::string_view channel) const = 0;
  virtual media::Audience audience_of(std::string_view channel) const = 0;
  // What a request proves that it comes from whom.
  virtual studio::Proof proof_of(const http::Request& request) const = 0;
};

// And who of those who ask to be pushed to follows the broadcaster.
class Rooms final : private audience::Homes, public push::Usher {
 public:
  Rooms(World& world, ShardIndex index, net::Loop& loop, const Config& config, const RoomPlaces& places,
        Metrics& metrics);
  ~Rooms() override;

  // Of broadcasts that live here. `broadcast`: "ID.EPOCH".
  void begin(const std::string& channel, const std::string& broadcast);
  void stamp(const std::string& channel, MediaTime newest);
  void end(const std::string& channel);
  // This node is the channel's home no longer, and its broadcast ends here: the room goes on elsewhere.
  void lose(const std::string& channel);
  // Who may take part in the channel's rooms, or keeps order in them, is other than it was.
  void room_people_changed(const std::string& channel);
  void room_people_changed();  // of whichever
  // The server is going: broadcasts that end now go on where their publishers go.
  void going() { going_ = true; }

  // Of broadcasts that live here: who is in their rooms, and what was said there.
  struct Figures {
    std::string channel;
    uint64_t viewers = 0, comments = 0, hearts = 0;
  };
  std::vector<Figures> figures() const;

  void standing_of(const http::Request& request, const std::string& channel,
                   std::move_only_function<void(push::Standing)> then) override;

  void set_ticket_secret(std::string_view secret) { server_.set_ticket_secret(secret); }
  bool is_its(std::string_view path) const { return audience::Server::is_its(path); }
  void serve(const http::Request& request, std::unique_ptr<media::Pass> pass, http::Responder responder) {
    server_.serve(request, std::move(pass), std::move(responder));
  }
  void stop(std::move_only_function<void()> stopped) { server_.stop(std::move(stopped)); }

  // Who asks for the room of a channel, wherever its home is.
  void identify(const http::Request& request, std::string_view channel,
                std::move_only_function<void(media::Person)> then);

  // `then` with the room, as soon as it is open; a room is opened for who comes first. False: it is not live here.
  using WithRoom = std::move_only_function<void(audience::HomeServer&)>;
  bool at_home(const std::string& topic, WithRoom then);
  // Its log can be subscribed to before it is open. Null: it is not live here.
  media::TopicSource* log_at_home(const std::string& topic);

  // Posted by other shards.
  void on_join(const std::string& topic, const std::string& node, ShardIndex from);
  void on_leave(const std::string& topic, const std::string& node);
  void on_batches(const std::string& topic, const std::vector<media::Batch>& batches);
  void on_told(const std::string& topic, const std::vector<audience::Told>& told) { server_.on_told(topic, told); }

 private:
  // Most broadcasts have nobody who talks: a room is opened for who comes first.
  struct Live {
    std::string topic;
    studio::RoomLife life;
    MediaTime newest;
    bool lost = false;  // to another node
  };
  struct Home {
    std::unique_ptr<RoomJournal> journal;
    std::unique_ptr<audience::HomeServer> room;
    std::string host;  // the account whose room it is; empty: none
    bool restored = false;
    bool open = false;              // all of its journal has been read, and who is barred or keeps order
    std::vector<WithRoom> waiting;  // until it is: what nodes say, each bounded by its Outbox
  };
  class ToHome;
  void admit(const http::Request& request, std::string_view channel, audience::Shown shown, Admit then) override;
  media::Person who_asks(const http::Request& request, std::string_view channel) const;
  using Found = std::move_only_function<void(std::optional<media::Person>)>;
  // Nobody: it is none of an account, or that cannot be found out just now.
  void find_person(const studio::Proof& proof, const std::string& channel, Found then);
  std::unique_ptr<audience::WayUp> join(std::string_view channel, const std::string& topic,
                                        const std::string& node) override;
  Home* home_of(const std::string& topic);
  void at_home_if_there(const std::string& topic, WithRoom then);  // opens none
  Home& open(const Live& live);
  bool is_hosted(const std::string& channel) const;  // by an account of that name
  Figures figures_of(const std::string& channel, const std::string& topic) const;
  void restored(const std::string& topic);
  void ask_for_people(const std::string& topic);
  void opened(const std::string& topic);
  void abandon(const std::string& topic);
  void close_those_over();
  store::Asker& store();
  void write_live();

  World& world_;
  const ShardIndex index_;
  net::Loop& loop_;
  const Config& config_;
  const RoomPlaces& places_;
  std::map<std::string, Live> live_here_;  // by channel
  std::map<std::string, Home> homes_;      // of those whom somebody joined, by topic
  bool going_ = false;
  std::optional<store::Asker> store_;  // there from the first who needs it on: the store is started after us
  std::optional<studio::Identities> identities_;
  net::Timer sweep_;
  net::Timer seen_;
  audience::Server server_;
};

}  // namespace klieg::cli
