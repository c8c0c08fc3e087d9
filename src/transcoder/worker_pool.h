// The codec workers of one loop: a warm spare for whoever needs one next, and the machine's room for all of them.
//
// A spare has started, loaded its libraries and said Hello; taking it costs nothing. Another is started when it has
// been taken. Room is counted in cores, for all loops of the machine together.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "net/loop.h"
#include "transcoder/transcoder.h"
#include "transcoder/worker.h"

namespace klieg::transcoder {

// What of the machine is for transcoding. Safe from any thread; one for all loops.
class Room {
 public:
  explicit Room(double cores) : cores_(cores) {}
  // Takes `more` than before (less, where it is negative: that is always granted).
  Admission take(double more);
  double taken() const { return taken_; }

 private:
  const double cores_;
  std::atomic<double> taken_{0};
};

struct WorkerMetrics {
  explicit WorkerMetrics(Metrics& metrics);
  prometheus::Counter& ends(WorkerEnd how) { return *ends_[static_cast<size_t>(how)]; }

  prometheus::Gauge& running;  // with a broadcast
  prometheus::Counter& shed;
  prometheus::Counter& taken_back;
  prometheus::Counter& rests;
  prometheus::Counter& no_room;      // for a ladder
  prometheus::Counter& undecodable;  // sources
  prometheus::Histogram& lag;        // of what came out behind what was fed, at each frame

 private:
  prometheus::Counter* ends_[6];
};

class WorkerPool final : private WorkerHandler {
 public:
  // Starts a spare. `command` is the program and its arguments. `room` and `metrics`
  // outlive the pool, and the pool what it serves.
  WorkerPool(net::Loop& loop, std::vector<std::string> command, Room& room, Metrics& metrics);
  ~WorkerPool() override;

  // The spare, or one that is started now. Null: it cannot be; the log says why.
  std::unique_ptr<Worker> take();

  net::Loop& loop() { return loop_; }
  Room& room() { return room_; }
  WorkerMetrics& metrics() { return metrics_; }

 private:
  void on_worker_message(wire::codec::FromWorker) override {}  // nobody asked it anything
  void on_worker_gone(WorkerEnd how, const std::string& words) override;
  void start_spare();

  net::Loop& loop_;
  const std::vector<std::string> command_;
  Room& room_;
  WorkerMetrics metrics_;
  std::unique_ptr<Worker> spare_;
  Backoff backoff_;  // of spares that die before anybody took them
  net::Timer restart_;
};

}  // namespace klieg::transcoder
