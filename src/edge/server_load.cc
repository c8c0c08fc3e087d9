#include "edge/server_load.h"

#include <utility>

#include "bus/subject.h"
#include "wire/cmcd.h"

namespace klieg::edge {
namespace {

constexpr std::string_view viewer_cookie = "klieg_viewer=";

// The field in which it stands, of clients that send several.
std::string_view cookies_of(const http::Request& request) {
  for (const auto& [name, value] : request.headers) {
    if (name == "cookie" && value.contains(viewer_cookie)) return value;
  }
  return {};
}

}  // namespace

void LoopLoad::saw(const http::Request& request, std::string_view client_address) {
  const wire::Cmcd told = wire::cmcd_of(request.query, request.headers);
  viewers_.saw({told.session, cookies_of(request), client_address}, loop_.now());
}

NodeLoad::NodeLoad(std::vector<LoopLoad*> loops, std::string node, uint64_t egress_capacity_bits_per_s, bus::Bus& bus,
                   Metrics& metrics)
    : loops_(std::move(loops)),
      shares_(loops_.size()),
      reporter_(node, egress_capacity_bits_per_s, loops_.front()->loop().wall_now()),
      bus_(bus),
      subject_("load." + bus::as_word(node)),
      viewers_(metrics.gauge("klieg_edge_viewers", "Viewers of the last 15 s: sessions, cookies or addresses.")),
      egress_bytes_per_s_(
          metrics.gauge("klieg_edge_egress_bytes_per_second", "Sent to viewers and nodes, mean of 3 s.")),
      requests_in_flight_(
          metrics.gauge("klieg_edge_requests_in_flight", "Requests being answered, held ones included.")),
      headroom_(
          metrics.gauge("klieg_edge_headroom_ratio", "The part of edge.egress_capacity_mbps that is not in use.")),
      timer_(loops_.front()->loop(), [this] { gather(); }) {
  timer_.arm(loops_.front()->loop().now() + load_interval);
}

void NodeLoad::gather() {
  net::Loop& home = loops_.front()->loop();
  timer_.arm(home.now() + load_interval);
  if (awaited_ > 0) say();
  awaited_ = loops_.size();
  for (size_t i = 0; i < loops_.size(); ++i) {
    loops_[i]->loop().post([this, &home, i] {
      home.post([this, i, share = loops_[i]->share()]() mutable { take(i, std::move(share)); });
    });
  }
}

void NodeLoad::take(size_t index, LoadShare share) {
  shares_[index] = std::move(share);
  // One that comes after its time is counted the next time.
  if (awaited_ == 0) return;
  --awaited_;
  if (awaited_ == 0) say();
}

void NodeLoad::say() {
  const LoadReport report = reporter_.report(shares_, loops_.front()->loop().wall_now());
  viewers_.Set(static_cast<double>(report.viewers));
  egress_bytes_per_s_.Set(static_cast<double>(report.egress_bits_per_s) / 8);
  requests_in_flight_.Set(static_cast<double>(report.requests_in_flight));
  headroom_.Set(report.headroom());
  bus_.publish(subject_, Bytes::take(json_of(report)));
}

}  // namespace klieg::edge
