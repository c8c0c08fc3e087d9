#include "cli/api_door.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "cli/world.h"
#include "edge/client_address.h"

namespace klieg::cli {
namespace {

constexpr std::string_view prefix = api_prefix.substr(0, api_prefix.size() - 1);

// The one that the nearest sender of it wrote: those before are what it was told.
std::string_view last_of(const http::Request& request, std::string_view field_name) {
  std::string_view last;
  for (const http::HeaderView& field : request.headers) {
    if (field.name == field_name) last = field.value;
  }
  last.remove_prefix(last.find_last_of(',') + 1);  // npos + 1 is 0
  while (last.starts_with(' ')) last.remove_prefix(1);
  return last;
}

bool is_forwarded(const http::Request& request, std::span<const edge::AddressRange> trusted) {
  const auto peer = edge::client_address_of(request.peer);
  return peer && std::ranges::any_of(trusted, [&](const auto& range) { return range.contains(*peer); });
}

bool is_loopback(const edge::ClientAddress& address) {
  static const auto v4 = *edge::AddressRange::parse("127.0.0.0/8"), v6 = *edge::AddressRange::parse("::1");
  return v4.contains(address) || v6.contains(address);
}

bool is_loopback_host(std::string_view authority) {
  const auto address = edge::client_address_of(authority);
  return address ? is_loopback(*address) : authority.substr(0, authority.find(':')) == "localhost";
}

}  // namespace

std::string_view scheme_of(const http::Request& request, std::span<const edge::AddressRange> trusted) {
  return is_forwarded(request, trusted) && last_of(request, "x-forwarded-proto") == "https" ? "https" : request.scheme;
}

studio::Call call_of(const http::Request& request, std::span<const edge::AddressRange> trusted, edge::Trust from) {
  std::string_view path = request.path;
  if (path.starts_with(prefix)) path.remove_prefix(prefix.size());
  studio::Call call = studio::call_of(request, path);
  auto client = edge::client_address_of(request.peer);
  std::string_view scheme = scheme_of(request, trusted), authority = request.authority;
  if (from == edge::Trust::node || is_forwarded(request, trusted)) {
    if (auto said = edge::client_address_of(last_of(request, "x-forwarded-for"))) client = said;
  }
  if (from == edge::Trust::node) {
    if (const auto said = last_of(request, "x-forwarded-proto"); !said.empty()) scheme = said;
    if (const auto said = last_of(request, "x-forwarded-host"); !said.empty()) authority = said;
    call.authority = authority;
  }
  if (client) call.network = client->network().bytes;
  if (scheme == "https") {
    call.line = studio::Line::encrypted;
  } else if (client && is_loopback(*client) && is_loopback_host(authority)) {
    call.line = studio::Line::loopback;
  }
  return call;
}

void ApiDoor::serve(const http::Request& request, http::Responder responder) {
  if (waiting_.size() >= waiting_max) {
    return responder.respond(studio::response_of(
        studio::Problem{503, "overloaded", "too many ask at once; try again in a few seconds", {}, 5s}));
  }
  const uint64_t number = ++last_number_;
  waiting_.emplace(number, std::move(responder));
  studio::Call call = call_of(request, config_.trusted_addresses, gatekeeper_.trust_in(request));
  call.rtmp_port = rtmp_port_;
  world_.on_studio([&world = world_, index = index_, number, call = std::move(call)](Studio& studio) mutable {
    studio.serve(std::move(call), [&world, index, number](http::Response response) {
      world.on_shard(index, [number, response = std::move(response)](Shard& shard) mutable {
        shard.api().answer(number, std::move(response));
      });
    });
  });
}

void ApiDoor::answer(uint64_t number, http::Response response) {
  auto waiting = waiting_.extract(number);
  if (!waiting.empty()) waiting.mapped().respond(std::move(response));
}

}  // namespace klieg::cli
