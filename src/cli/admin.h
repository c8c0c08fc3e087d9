// The operator's port: /livez, /readyz, /metrics. Meant for localhost; it changes nothing.
#pragma once

#include <atomic>

#include "base/metrics.h"
#include "http/server.h"

namespace klieg::cli {

enum class Readiness { starting, ready, draining };

class Admin final : public http::Handler {
 public:
  Admin(const Metrics& metrics, const std::atomic<Readiness>& readiness) : metrics_(metrics), readiness_(readiness) {}
  void serve(const http::Request& request, http::Responder responder) override;

 private:
  const Metrics& metrics_;
  const std::atomic<Readiness>& readiness_;
};

}  // namespace klieg::cli
