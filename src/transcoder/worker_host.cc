#include "transcoder/worker_host.h"

#include <utility>
#include <variant>

namespace klieg::transcoder {

TranscoderHost::TranscoderHost(WorkerPool& pool, TranscoderSettings settings, media::RungSink& out)
    : pool_(pool), transcoder_(std::move(settings), *this, out), timer_(pool.loop(), [this] {
        armed_.reset();
        transcoder_.on_time(now());
        settle();
      }) {}

TranscoderHost::~TranscoderHost() {
  if (worker_) drop_worker(WorkerEnd::let_go);
  give_back();
}

void TranscoderHost::set_top(TopRung top) {
  transcoder_.set_top(now(), top);
  settle();
}

void TranscoderHost::on_source_track(const media::Track& track) {
  transcoder_.on_source_track(now(), track);
  settle();
}

void TranscoderHost::on_source_period(MediaTime start) {
  transcoder_.on_source_period(now(), start);
  settle();
}

void TranscoderHost::on_source_sample(media::TrackKind kind, const media::Sample& sample) {
  transcoder_.on_source_sample(now(), kind, sample);
  settle();
}

void TranscoderHost::on_source_paused() {
  transcoder_.on_source_paused(now());
  settle();
}

void TranscoderHost::on_source_ended() {
  transcoder_.on_source_ended(now());
  settle();
}

void TranscoderHost::want() {
  transcoder_.want(now());
  settle();
}

Admission TranscoderHost::admit(double cores) {
  if (pool_.room().take(cores - granted_) == Admission::refused) {
    pool_.metrics().no_room.Increment();
    return Admission::refused;
  }
  granted_ = cores;
  return Admission::granted;
}

void TranscoderHost::give_back() { pool_.room().take(-std::exchange(granted_, 0)); }

WorkerPort::Taken TranscoderHost::take_worker() {
  worker_ = pool_.take();
  if (!worker_) return Taken::none;
  pool_.metrics().running.Increment();
  worker_->serve(*this);
  return Taken::worker;
}

void TranscoderHost::tell(const wire::codec::ToWorker& message) { worker_->tell(message); }

void TranscoderHost::end_worker(WorkerEnd why) { drop_worker(why); }

void TranscoderHost::drop_worker(WorkerEnd how) {
  pool_.metrics().running.Decrement();
  pool_.metrics().ends(how).Increment();
  worker_.reset();
}

void TranscoderHost::on_worker_message(wire::codec::FromWorker message) {
  const bool progress = std::holds_alternative<wire::codec::Progress>(message);
  transcoder_.on_message(now(), std::move(message));
  if (progress) pool_.metrics().lag.Observe(to_seconds(transcoder_.lag()));
  settle();
}

void TranscoderHost::on_worker_gone(WorkerEnd how, const std::string& words) {
  drop_worker(how);
  transcoder_.on_worker_lost(now(), how, words);
  settle();
}

void TranscoderHost::settle() {
  const Transcoder::Counts& counts = transcoder_.counts();
  const auto count = [](prometheus::Counter& counter, uint64_t& known, uint64_t value) {
    if (value != known) counter.Increment(static_cast<double>(value - std::exchange(known, value)));
  };
  count(pool_.metrics().shed, counted_.shed, counts.shed);
  count(pool_.metrics().taken_back, counted_.taken_back, counts.taken_back);
  count(pool_.metrics().rests, counted_.rests, counts.rests);
  count(pool_.metrics().undecodable, counted_.undecodable, counts.undecodable);

  // Mostly the moment moves on with every frame: a timer that comes too early looks again.
  const auto due = transcoder_.wake_at();
  if (!due || (armed_ && *armed_ <= *due)) return;
  armed_ = due;
  timer_.arm(*due);
}

}  // namespace klieg::transcoder
