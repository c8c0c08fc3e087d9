#include "cli/node.h"

#include <string_view>

#include "base/logging.h"
#include "cli/first_run.h"

namespace klieg::cli {
namespace {

constexpr Duration warn_every = 10s;  // whoever is not believed may ask as often as it likes

}  // namespace

std::string node_name_of(const Config& config) {
  return config.node_name.empty() ? "klieg-" + random_text(4) : config.node_name;
}

Node::Node(const Config& config, net::Loop& loop, Metrics& metrics)
    : name_(config.node_name), secret_(config.node_secret), guests_(config.node_secret), loop_(loop) {
  for (size_t i = 0; i < judged_.size(); ++i) {
    const auto trust = static_cast<edge::NodeTrust>(i);
    if (trust == edge::NodeTrust::absent) continue;
    judged_[i] = &metrics.counter("klieg_node_requests_total", "Requests that claim to come from a node, by belief.",
                                  {{"trust", std::string(edge::name_of(trust))}});
  }
}

edge::Fields Node::prove(std::string_view method, std::string_view target) const {
  std::string token = secret_.token(name_, method, target, loop_.wall_now());
  if (token.empty()) return {};
  return {{std::string(edge::node_header), std::move(token)}};
}

edge::Trust Node::trust_in(const http::Request& request) {
  const auto token = request.header(edge::node_header);
  if (!token) return edge::Trust::viewer;
  std::string target(request.path);
  if (!request.query.empty()) target.append("?").append(request.query);
  const auto judgement = secret_.judge(token, request.method_name, target, loop_.wall_now());
  if (judgement.trust == edge::NodeTrust::absent) return edge::Trust::viewer;
  judged_[static_cast<size_t>(judgement.trust)]->Increment();
  if (judgement.trust == edge::NodeTrust::trusted) return edge::Trust::node;
  if (warned_ == LoopTime::min() || loop_.now() >= warned_ + warn_every) {
    warned_ = loop_.now();
    const std::string why = judgement.trust == edge::NodeTrust::stale
                                ? "its clock differs from ours by more than a minute: set both by NTP"
                                : "give both the same --node-secret";
    logging::warning(
        "a request claims to come from a node, and is not believed",
        {{"from", std::string(request.peer)}, {"trust", std::string(edge::name_of(judgement.trust))}, {"mend", why}});
  }
  return edge::Trust::viewer;
}

}  // namespace klieg::cli
