// Requests of a loop's connections to /api/v1: taken as values to the loop where accounts live, and their answers back.
//
// Owner: the shard. Thread: its loop.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>

#include "cli/config.h"
#include "cli/registry.h"
#include "edge/client_address.h"
#include "edge/server.h"
#include "http/server.h"
#include "studio/server.h"

namespace klieg::cli {

class World;

constexpr std::string_view api_prefix = "/api/v1/";

// The path behind /api/v1; `line` and `network` as who forwarded it says, if he is in one of the ranges. A node says
// besides as which server it was asked.
studio::Call call_of(const http::Request& request, std::span<const edge::AddressRange> trusted,
                     edge::Trust from = edge::Trust::viewer);

// "https" where the viewer's line is encrypted, as far as who forwarded it is believed.
std::string_view scheme_of(const http::Request& request, std::span<const edge::AddressRange> trusted);

class ApiDoor final : public http::Handler {
 public:
  // The store takes 1,000 questions, and pages that wait for notices are answered in their time; what waits beyond that
  // waits for a loop that stands still.
  static constexpr size_t waiting_max = 2'000 + studio::Server::held_max;

  ApiDoor(World& world, ShardIndex index, const Config& config, edge::Gatekeeper& gatekeeper)
      : world_(world), index_(index), config_(config), gatekeeper_(gatekeeper) {}

  void set_rtmp_port(uint16_t port) { rtmp_port_ = port; }
  void serve(const http::Request& request, http::Responder responder) override;
  // Posted from the loop of accounts.
  void answer(uint64_t number, http::Response response);

 private:
  World& world_;
  const ShardIndex index_;
  const Config& config_;
  edge::Gatekeeper& gatekeeper_;
  std::optional<uint16_t> rtmp_port_;
  uint64_t last_number_ = 0;
  std::map<uint64_t, http::Responder> waiting_;
};

}  // namespace klieg::cli
