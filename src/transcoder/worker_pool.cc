#include "transcoder/worker_pool.h"

#include <utility>

#include "base/logging.h"

namespace klieg::transcoder {
namespace {

// The one who took the spare has the processor first: it has a broadcast to bring back.
constexpr Duration spare_delay = 200ms;

prometheus::Counter& ends_counter(Metrics& metrics, WorkerEnd how) {
  return metrics.counter("klieg_transcoder_worker_ends_total", "codec workers that ended, by how",
                         {{"outcome", std::string(name_of(how))}});
}

prometheus::Counter& refused_counter(Metrics& metrics, const char* why) {
  return metrics.counter("klieg_transcoder_refused_total", "broadcasts of which no ladder was made, by why",
                         {{"outcome", why}});
}

}  // namespace

Admission Room::take(double more) {
  double taken = taken_;
  do {
    if (more > 0 && taken + more > cores_) return Admission::refused;
  } while (!taken_.compare_exchange_weak(taken, taken + more));
  return Admission::granted;
}

WorkerMetrics::WorkerMetrics(Metrics& metrics)
    : running(metrics.gauge("klieg_transcoder_workers_running", "codec workers that have a broadcast")),
      shed(metrics.counter("klieg_transcoder_rungs_shed_total", "rungs given up because the machine did not keep up")),
      taken_back(metrics.counter("klieg_transcoder_rungs_taken_back_total", "rungs made again after they were shed")),
      rests(metrics.counter("klieg_transcoder_rests_total", "times a ladder rested because workers died in a row")),
      no_room(refused_counter(metrics, "no_room")),
      undecodable(refused_counter(metrics, "undecodable")),
      lag(metrics.duration_histogram("klieg_transcoder_lag_seconds",
                                     "how far what came out of a codec worker was behind what was fed")) {
  for (size_t i = 0; i < std::size(ends_); ++i) ends_[i] = &ends_counter(metrics, static_cast<WorkerEnd>(i));
}

WorkerPool::WorkerPool(net::Loop& loop, std::vector<std::string> command, Room& room, Metrics& metrics)
    : loop_(loop), command_(std::move(command)), room_(room), metrics_(metrics), restart_(loop, [this] {
        start_spare();
      }) {
  start_spare();
}

WorkerPool::~WorkerPool() = default;

std::unique_ptr<Worker> WorkerPool::take() {
  std::unique_ptr<Worker> worker = std::move(spare_);
  if (!worker || worker->gone()) {
    worker.reset();
    auto started = Worker::start(loop_, command_);
    if (!started) {
      logging::error("no codec worker", {{"why", started.error().message}});
      metrics_.ends(WorkerEnd::not_started).Increment();
      return nullptr;
    }
    worker = std::move(*started);
  }
  restart_.arm(loop_.now() + spare_delay);
  return worker;
}

void WorkerPool::start_spare() {
  if (spare_) return;
  auto started = Worker::start(loop_, command_);
  if (!started) return on_worker_gone(WorkerEnd::not_started, started.error().message);
  spare_ = std::move(*started);
  spare_->serve(*this);
}

void WorkerPool::on_worker_gone(WorkerEnd how, const std::string& words) {
  spare_.reset();
  metrics_.ends(how).Increment();
  logging::warning("spare codec worker lost", {{"how", name_of(how)}, {"why", words}});
  restart_.arm(loop_.now() + std::max(backoff_.on_death(loop_.now()), spare_delay));
}

}  // namespace klieg::transcoder
