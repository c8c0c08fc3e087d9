// What this node is to others: the proof it sends with its requests, and whom it believes.
#pragma once

#include <array>
#include <string>

#include "base/metrics.h"
#include "cli/config.h"
#include "edge/client.h"
#include "edge/guests.h"
#include "edge/node_token.h"
#include "edge/server.h"
#include "net/loop.h"

namespace klieg::cli {

class Node final : public edge::Credentials, public edge::Gatekeeper {
 public:
  Node(const Config& config, net::Loop& loop, Metrics& metrics);

  const edge::NodeSecret& secret() const { return secret_; }

  edge::Fields prove(std::string_view method, std::string_view target) const override;
  edge::Trust trust_in(const http::Request& request) override;
  edge::Guests& guests() override { return guests_; }

 private:
  const std::string name_;
  const edge::NodeSecret secret_;
  edge::Guests guests_;
  net::Loop& loop_;
  std::array<prometheus::Counter*, edge::node_trusts> judged_{};
  LoopTime warned_ = LoopTime::min();
};

// As `node.name` or, where none is given, by chance.
std::string node_name_of(const Config& config);

}  // namespace klieg::cli
