// The home of one broadcast: where ingest, packager and origin are joined.
//
//   media messages -> ingest::Broadcast -> transcoder::Entrance -> packager::Packager -> records -> this loop's origin
//                                            |         ^                                         -> followers: other
//                                            v         |                                            loops' mirrors
//                                         transcoder::TranscoderHost
//
// Born when a publisher is first let in, dies when the broadcast has ended. Lives on the loop where that publisher
// arrived; a publisher who returns on another loop is heard through posted messages.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "cli/config.h"
#include "ingest/broadcast.h"
#include "media/ports.h"
#include "net/loop.h"
#include "origin/origin.h"
#include "packager/packager.h"
#include "studio/room_life_records.h"
#include "transcoder/worker_host.h"

namespace klieg::cli {

// What the broadcasts of a loop have come to, together. Made once per loop: the same names mean the same counters.
struct BroadcastMetrics {
  explicit BroadcastMetrics(Metrics& metrics);
  void add(const ingest::Broadcast::Counts& before, const ingest::Broadcast::Counts& after);

  prometheus::Gauge& active;  // begun for viewers and not ended; paused ones too
  prometheus::Counter& samples;
  prometheus::Counter& malformed;
  prometheus::Counter& undecodable;
  prometheus::Counter& early_audio;
  prometheus::Counter& unplaced;  // the packager had no place for them
  prometheus::Counter& discontinuities;
};

// The records that make an equal window, from BroadcastBegun on.
std::vector<media::Record> replay_of(const origin::Window& window);

class BroadcastHome final : private media::RecordSink {
 public:
  using Follower = std::function<void(std::vector<media::Record>)>;

  // `epoch`: of its objects' names. `goes_on`: one that a server died of, and is this one, in a later epoch. `workers`:
  // null where no ladder is wished. `on_ended` is called once, also for a broadcast that never began; the owner then
  // destroys the home in a later turn.
  BroadcastHome(net::Loop& loop, origin::Origin& origin, const std::string& channel, const Config& config,
                uint32_t epoch, const std::optional<studio::RoomLife>& goes_on, BroadcastMetrics& metrics,
                transcoder::WorkerPool* workers, std::function<void()> on_ended);
  ~BroadcastHome() override;

  void publisher_began();
  std::optional<ingest::Refusal> on_message(const ingest::MediaMessage& message);
  void publisher_gone();
  void want_ladder();                           // somebody watches a rung, here or at a follower
  void end();                                   // now, not after the rejoin window: the server is stopping
  MediaTime newest() const { return newest_; }  // the end of the newest part
  bool ended() const { return broadcast_.state() == ingest::Broadcast::State::ended; }

  // Sends the window as it stands in one call, if there is one yet, then every record, gathered per turn. Replaces a
  // follower of the same number.
  void follow(size_t follower, Follower send);
  void unfollow(size_t follower) { followers_.erase(follower); }

 private:
  void on_record(const media::Record& record) override;
  void settle();
  void send_gathered();

  net::Loop& loop_;
  origin::Origin& origin_;
  const std::string channel_;
  BroadcastMetrics& metrics_;
  ingest::Broadcast::Counts counted_;            // what metrics_ knows already
  uint64_t counted_unplaced_ = 0;                // by the packager, likewise
  std::map<media::TrackId, MediaTime> born_to_;  // the end of each track's last part
  MediaTime newest_;
  bool begun_ = false;  // it has a BroadcastBegun
  std::function<void()> on_ended_;
  packager::Packager packager_;
  struct Ladder {
    Ladder(const std::string& channel, const Config& config, packager::Packager& packager,
           transcoder::WorkerPool& workers);
    transcoder::Entrance entrance;
    transcoder::TranscoderHost transcoder;
  };
  std::unique_ptr<Ladder> make_ladder(transcoder::WorkerPool& workers, const Config& config);
  std::unique_ptr<Ladder> ladder_;  // null: none is wished
  ingest::Broadcast broadcast_;
  net::Timer timer_;
  std::map<size_t, Follower> followers_;  // at most one per loop
  std::vector<media::Record> gathered_;   // of this turn; empty without followers
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace klieg::cli
