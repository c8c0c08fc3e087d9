#include "cli/broadcast_home.h"

#include <algorithm>
#include <utility>

#include "cli/first_run.h"

namespace klieg::cli {
namespace {

// 72 random bits: a year of a thousand new broadcasts a second meets no id twice with odds of ten to one.
constexpr size_t broadcast_id_bytes = 9;

packager::PackagerSettings packager_settings(const Config& config, uint32_t epoch,
                                             const std::optional<studio::RoomLife>& goes_on) {
  return {.broadcast_id = goes_on ? goes_on->broadcast : random_text(broadcast_id_bytes),
          .epoch = goes_on ? goes_on->epoch : epoch,
          .part = std::chrono::milliseconds(config.part_duration_ms)};
}

ingest::BroadcastSettings ingest_settings(const Config& config) {
  return {.rejoin_window = std::chrono::seconds(config.rejoin_window_s)};
}

transcoder::TranscoderSettings transcoder_settings(const Config& config, const std::string& channel) {
  return {.broadcast = channel,
          .rungs = config.ladder_rungs,
          .start = config.ladder_start,
          // A poster fills a phone's width; a tile of the storyboard, the width of a thumb.
          .pictures = {.poster_every = 5s, .poster_height = 360, .thumbnail_every = 5s, .thumbnail_height = 90}};
}

constexpr const char* dropped = "klieg_ingest_dropped_frames_total";
constexpr const char* dropped_help = "frames and configurations that reached no viewer, by reason";

}  // namespace

BroadcastMetrics::BroadcastMetrics(Metrics& metrics)
    : active(metrics.gauge("klieg_broadcasts", "broadcasts that have begun and not ended, paused ones too")),
      samples(metrics.counter("klieg_ingest_samples_total", "frames of audio and video that went on to viewers")),
      malformed(metrics.counter(dropped, dropped_help, {{"reason", "malformed"}})),
      undecodable(metrics.counter(dropped, dropped_help, {{"reason", "undecodable"}})),
      early_audio(metrics.counter(dropped, dropped_help, {{"reason", "early_audio"}})),
      unplaced(metrics.counter(dropped, dropped_help, {{"reason", "unplaced"}})),
      discontinuities(metrics.counter("klieg_ingest_discontinuities_total", "breaks in a broadcast's time or format")) {
}

void BroadcastMetrics::add(const ingest::Broadcast::Counts& before, const ingest::Broadcast::Counts& after) {
  const auto count = [](prometheus::Counter& counter, uint64_t from, uint64_t to) {
    if (to != from) counter.Increment(static_cast<double>(to - from));
  };
  count(samples, before.samples, after.samples);
  count(malformed, before.malformed, after.malformed);
  count(undecodable, before.undecodable, after.undecodable);
  count(early_audio, before.early_audio, after.early_audio);
  count(discontinuities, before.discontinuities, after.discontinuities);
}

std::vector<media::Record> replay_of(const origin::Window& window) {
  struct Collector final : media::RecordSink {
    void on_record(const media::Record& record) override { records.push_back(record); }
    std::vector<media::Record> records;
  } collector;
  window.replay(collector);
  return std::move(collector.records);
}

BroadcastHome::BroadcastHome(net::Loop& loop, origin::Origin& origin, const std::string& channel, const Config& config,
                             uint32_t epoch, const std::optional<studio::RoomLife>& goes_on, BroadcastMetrics& metrics,
                             transcoder::WorkerPool* workers, std::function<void()> on_ended)
    : loop_(loop),
      origin_(origin),
      channel_(channel),
      metrics_(metrics),
      on_ended_(std::move(on_ended)),
      packager_(packager_settings(config, epoch, goes_on), *this),
      ladder_(workers ? make_ladder(*workers, config) : nullptr),
      broadcast_(ingest_settings(config), ladder_ ? static_cast<media::SampleSink&>(ladder_->entrance) : packager_),
      timer_(loop, [this] {
        broadcast_.on_wake(loop_.now());
        settle();
      }) {}

BroadcastHome::Ladder::Ladder(const std::string& channel, const Config& config, packager::Packager& packager,
                              transcoder::WorkerPool& workers)
    : entrance(channel, {.bits_per_second_max = config.ladder_source_kbps_max * 1'000}, packager, packager.rungs()),
      transcoder(workers, transcoder_settings(config, channel), entrance) {}

std::unique_ptr<BroadcastHome::Ladder> BroadcastHome::make_ladder(transcoder::WorkerPool& workers,
                                                                  const Config& config) {
  auto ladder = std::make_unique<Ladder>(channel_, config, packager_, workers);
  packager_.tell_source_to(ladder->entrance);
  ladder->entrance.tell_ladder_to(ladder->transcoder);
  return ladder;
}

BroadcastHome::~BroadcastHome() {
  if (begun_) metrics_.active.Decrement();
}

void BroadcastHome::publisher_began() {
  broadcast_.publisher_began(loop_.now(), loop_.wall_now());
  settle();
}

std::optional<ingest::Refusal> BroadcastHome::on_message(const ingest::MediaMessage& message) {
  auto refusal = broadcast_.on_message(message, loop_.now(), loop_.wall_now());
  settle();
  return refusal;
}

void BroadcastHome::publisher_gone() {
  broadcast_.publisher_gone(loop_.now());
  settle();
}

void BroadcastHome::want_ladder() {
  if (ladder_) ladder_->transcoder.want();
}

void BroadcastHome::end() {
  broadcast_.end();
  settle();
}

// After every input: the next wake-up, or the end.
void BroadcastHome::settle() {
  metrics_.add(counted_, broadcast_.counts());
  counted_ = broadcast_.counts();
  metrics_.unplaced.Increment(static_cast<double>(packager_.unplaced() - counted_unplaced_));
  counted_unplaced_ = packager_.unplaced();
  if (ended()) {
    timer_.cancel();
    send_gathered();  // there may be no further turn
    if (on_ended_) std::exchange(on_ended_, nullptr)();
  } else if (const std::optional<LoopTime> due = broadcast_.wake_at()) {
    timer_.arm(*due);
  } else {
    timer_.cancel();
  }
}

void BroadcastHome::follow(size_t follower, Follower send) {
  send_gathered();  // what is gathered is in the window already: it is for the others
  if (const origin::Window* window = origin_.window(channel_)) send(replay_of(*window));
  followers_.insert_or_assign(follower, std::move(send));
}

void BroadcastHome::on_record(const media::Record& record) {
  if (const auto* begun = std::get_if<media::BroadcastBegun>(&record)) {
    begun_ = true;
    metrics_.active.Increment();
    origin_.begin(channel_, *begun, loop_.wall_now(), loop_.now());
  } else {
    origin_.apply(channel_, record, loop_.now());
  }
  if (const auto* segment = std::get_if<media::SegmentBegun>(&record)) born_to_[segment->track] = segment->start;
  if (const auto* part = std::get_if<media::PartEnded>(&record)) {
    newest_ = std::max(newest_, born_to_[part->track] += part->duration);
  }
  if (!followers_.empty()) {
    if (gathered_.empty()) {
      loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired()) send_gathered();
      });
    }
    gathered_.push_back(record);
  }
}

void BroadcastHome::send_gathered() {
  if (gathered_.empty()) return;
  const std::vector<media::Record> records = std::exchange(gathered_, {});
  for (auto& [_, send] : followers_) send(records);
}

}  // namespace klieg::cli
