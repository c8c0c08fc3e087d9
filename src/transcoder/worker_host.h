// A broadcast's transcoder with its worker, the loop's clock and the operator's counters: what cli/ makes.
//
//   TranscoderHost host(pool, settings, packager);   // packager: the RungSink, outlives the host
//   packager.source_to(host); ... host.want();
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "media/ports.h"
#include "net/loop.h"
#include "transcoder/entrance.h"
#include "transcoder/transcoder.h"
#include "transcoder/worker_pool.h"

namespace klieg::transcoder {

class TranscoderHost final : public LadderPort, private WorkerPort, private WorkerHandler {
 public:
  TranscoderHost(WorkerPool& pool, TranscoderSettings settings, media::RungSink& out);
  ~TranscoderHost() override;

  void set_top(TopRung top) override;
  void on_source_track(const media::Track& track) override;
  void on_source_period(MediaTime start) override;
  void on_source_sample(media::TrackKind kind, const media::Sample& sample) override;
  void on_source_paused() override;
  void on_source_ended() override;

  // Somebody wants to see a rung: see Start::first_viewer.
  void want();

 private:
  Admission admit(double cores) override;
  void give_back() override;
  Taken take_worker() override;
  void tell(const wire::codec::ToWorker& message) override;
  void end_worker(WorkerEnd why) override;
  Duration worker_used() override { return worker_->used(); }

  void on_worker_message(wire::codec::FromWorker message) override;
  void on_worker_gone(WorkerEnd how, const std::string& words) override;

  void drop_worker(WorkerEnd how);
  void settle();  // after everything that may have changed what is waited for or counted
  LoopTime now() const { return pool_.loop().now(); }

  WorkerPool& pool_;
  std::unique_ptr<Worker> worker_;
  double granted_ = 0;
  Transcoder transcoder_;
  Transcoder::Counts counted_;  // what the metrics know already
  net::Timer timer_;
  std::optional<LoopTime> armed_;
};

}  // namespace klieg::transcoder
