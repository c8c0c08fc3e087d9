// A serving process, whatever it serves: one shard per core, doors that all of them share, certificates, the operator's
// port, the threads, draining. `klieg serve` and `klieg edge` differ in their shards.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "base/result.h"
#include "cli/admin.h"
#include "cli/config.h"
#include "http/server.h"
#include "net/listener.h"
#include "net/loop.h"

namespace klieg::cli {

enum class Door : uint8_t { http, https, rtmp, rtmps };
enum class Drained : uint8_t { completely, out_of_time };

// A loop with what lives on it, as the process sees it.
class LoopHouse {
 public:
  virtual ~LoopHouse() = default;
  virtual net::Loop& loop() = 0;
  // Before the loop runs. Returns the endpoint with its real port.
  virtual Result<net::Endpoint> open(Door door, const net::Endpoint& endpoint, std::shared_ptr<net::TlsServer> tls,
                                     const net::ListenerLimits& limits) = 0;
  // On its loop: closes the doors and lets what is under way finish.
  virtual void drain(std::function<void()> drained) = 0;
};

// How many loops there shall be.
size_t loops_of(const Config& config);

class Process {
 public:
  Process(const Config& config, Metrics& metrics);
  ~Process();  // stops the loops and joins their threads
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Before start(). The houses outlive the process's threads: stop() comes before they die.
  void add(LoopHouse& house) { houses_.push_back(&house); }
  // Opens the doors that are configured among `doors` and starts the loops. Returns the line that says so: "ready
  // http=HOST:PORT rtmp=..."
  Result<std::string> start(const std::vector<Door>& doors);
  // Where a door is, with its real port; nullptr: it is closed.
  const net::Endpoint* place_of(Door door) const;
  void reload_certificates();
  Drained drain(Duration time_max);
  void stop();  // the loops end, their threads are joined

 private:
  Result<void> load_certificates();
  Result<void> open(Door door);
  Result<void> open_admin();

  const Config& config_;
  Metrics& metrics_;
  std::atomic<Readiness> readiness_ = Readiness::starting;
  std::shared_ptr<net::TlsServer> https_certificate_;
  std::shared_ptr<net::TlsServer> rtmps_certificate_;
  std::vector<LoopHouse*> houses_;
  Admin admin_;
  std::unique_ptr<http::Server> admin_http_;
  std::unique_ptr<net::Listener> admin_listener_;
  std::map<Door, net::Endpoint> places_;
  std::string ready_line_ = "ready";
  std::vector<std::thread> threads_;
};

}  // namespace klieg::cli
