// This node among the others: says that it is there, hears who else is, and settles whose home a channel is.
//
//   a publisher reached this node --> is it on the air somewhere? ------------------> passed on there
//                                      no: the node that the channel's name falls on (bus/members.h), of those alive
//                                          another --> passed on there
//                                          this one --> takes the lease (ownership.h) --> home, until the broadcast is
//                                          over
//
// Who hears something else than others sends a publisher to the wrong node at worst, which says so: the lease decides.
// What the other homes say of their broadcasts goes to the shards, which ask those nodes for them, and to the studio.
//
// Who may watch or speak is kept in the database, and the bus says only that it changed: who asks the database reads it
// anew, also whenever the bus was away; who does not is subscribed to the revocations of a node that does.
//
// Owner: the world. Thread: the first loop, where the registry is. Made before the loops run; lives until they ended.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "bus/broadcasts.h"
#include "bus/bus.h"
#include "bus/members.h"
#include "cli/config.h"
#include "cli/ownership.h"
#include "cli/registry.h"
#include "media/pass.h"
#include "net/loop.h"
#include "origin/origin.h"
#include "store/worker.h"

namespace klieg::cli {

class World;

class Cluster final : public Homes, private LeaseDesk, private OwnershipHost {
 public:
  // `store`: null where this node is nobody's home and asks no database.
  Cluster(World& world, net::Loop& loop, bus::Bus& bus, store::Worker* store, const Config& config, Metrics& metrics);
  ~Cluster() override;

  // Where other nodes reach this one; "": not at all. From now on it is said that we are there.
  void open(std::string http, std::string rtmp);
  // No new broadcast is for this node. What is here ends by itself.
  void leave();

  // Of a broadcast that lives here.
  void on_status(const std::string& channel, const origin::Status& status, media::Audience audience);
  void on_viewers(const std::string& channel, uint64_t viewers);

  // Whatever is published with an account's key ends, and the channel's broadcast does, wherever its home is.
  void end_carried_by(int64_t key);
  void end(const std::string& channel);
  // Who may watch the channel, or speak in its room, is other than it was, and that is kept: every node is to hear it.
  void admission_changed(const std::string& channel);

  void home_of(const std::string& channel, Hop hop, HomeDone done) override;
  std::optional<Result<RelayTo, ingest::Refusal>> knower_of(std::string_view key) override;
  void over(const std::string& channel) override;

 private:
  struct Told {
    std::string address;  // of its home, over HTTP
    origin::Status status;
    media::Audience audience = media::Audience::everybody;
    bool operator==(const Told&) const = default;
  };

  void attempt(const std::string& name, std::optional<store::Lease> seen, Attempted done) override;
  void renew_all(Renewed done) override;
  void release(const store::Lease& lease, Released done) override;
  void list_held(Listed done) override;
  void take_away(const store::Lease& seen, Released done) override;
  LoopTime now() const override { return loop_.now(); }
  std::string node_of(const std::string& process) const override;
  void on_lost(const std::string& channel, LostLease why) override;

  void settle(const std::string& channel, Hop hop, HomeDone done, Ownership::Claimed claimed);
  void begin_here(const std::string& channel, HomeDone done, int64_t number,
                  store::Outcome<std::optional<studio::RoomLife>> life);
  std::optional<RelayTo> way_to(const std::string& channel, std::string_view node) const;
  void wake();
  void announce(bus::Announcement::Stays stays);
  void say(const bus::BroadcastNews& news);
  void on_announcement(const bus::Message& message);
  void on_news(const bus::Message& message);
  void on_end(const bus::Message& message);
  void tell(const std::string& channel);
  void tell_studio(const std::string& channel, const Told& told);
  void wish(std::string subject, Bytes payload);
  void on_admission(const bus::Message& message);
  void say_admissions();
  void find_knower();
  void end_unheld();

  World& world_;
  net::Loop& loop_;
  bus::Bus& bus_;
  const Config& config_;
  const std::string process_;  // new at every start
  std::string http_, rtmp_;
  bool open_ = false, leaves_ = false;
  uint64_t announcements_ = 0;
  WallTime started_;
  bus::Members members_;
  bus::Broadcasts broadcasts_;
  std::optional<store::Asker> asker_;
  Ownership ownership_;
  std::optional<bus::Certainty> certainty_;         // as it was at the last wake
  std::map<std::string, bus::BroadcastNews> ours_;  // of what this node is the home of
  // What is to be done elsewhere, said more than once: of a message it is not known who heard it.
  struct Wish {
    std::string subject;
    Bytes payload;
    LoopTime until;
  };
  std::vector<Wish> wishes_;
  std::set<std::string> admissions_;  // that changed, until the next wake: a list of guests is many changes
  // From whom this node, which asks no database, hears what was revoked.
  struct Knower {
    std::string node, address;
  };
  Knower knower_;
  std::map<std::string, Told> told_;  // what shards know to be elsewhere
  std::set<std::string> unplaced_;    // whose home has not said yet where it is reached
  prometheus::Gauge& nodes_;
  prometheus::Gauge& homes_;
  prometheus::Counter& taken_;
  prometheus::Counter& expired_;
  prometheus::Counter& beats_by_bus_;
  prometheus::Counter& beats_by_database_;
  net::Timer timer_;
  LoopTime announced_at_ = LoopTime::min();
  LoopTime end_unheld_at_ = LoopTime::min();
  LoopTime woke_at_, listened_;  // the clock of members_ and broadcasts_: it stands while the bus is away
  std::unique_ptr<bus::Subscription> announcements_heard_, news_heard_, ends_heard_, admissions_heard_;
};

}  // namespace klieg::cli
