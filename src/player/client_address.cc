#include "player/client_address.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace klieg::player {
namespace {

struct KnownScheme {
  std::string_view begin;
  Scheme scheme;
  net::TlsClient tls;
  uint16_t port;
};
constexpr std::array<KnownScheme, 4> known_schemes = {{
    {"http://", Scheme::http, net::TlsClient::none, 80},
    {"https://", Scheme::http, net::TlsClient::verify_peer, 443},
    {"rtmp://", Scheme::rtmp, net::TlsClient::none, 1935},
    {"rtmps://", Scheme::rtmp, net::TlsClient::verify_peer, 443},
}};
constexpr uint16_t http_port = 8080, https_port = 443;
constexpr std::string_view manifest_name = "manifest.mpd";

}  // namespace

Address Address::beside(std::string_view name) const {
  Address other = *this;
  const std::string_view folder = std::string_view(path).substr(0, path.find('?'));
  other.path = std::string(folder.substr(0, folder.rfind('/') + 1)).append(name);
  return other;
}

Result<Address> parse_address(std::string_view url) {
  const auto wrong = [&](std::string_view what) {
    return fail(
        fmt::format("'{}' {}; an address is http://HOST[:PORT]/PATH, https://, rtmp:// or rtmps://", url, what));
  };
  const KnownScheme* scheme = nullptr;
  for (const KnownScheme& known : known_schemes) {
    if (url.starts_with(known.begin)) scheme = &known;
  }
  if (!scheme) return wrong("has no http:// or https:// or rtmp:// or rtmps://");
  Address address{.scheme = scheme->scheme, .peer = {}, .path = {}};
  address.peer.tls = scheme->tls;
  std::string_view rest = url.substr(scheme->begin.size());
  const size_t slash = rest.find('/');
  if (slash == rest.npos) return wrong("names nothing to watch");
  address.path = rest.substr(slash);
  rest = rest.substr(0, slash);
  if (rest.empty()) return wrong("names no host");
  if (rest.find_first_of("?#@") != rest.npos) return wrong("has something before its path that is no host");
  for (const char c : address.path) {
    if (c <= ' ' || c == '#' || c == 127) return wrong("has characters that must be percent-encoded");
  }
  const size_t bracket = rest.find(']');
  const bool has_port = rest.find(':', bracket == rest.npos ? 0 : bracket) != rest.npos;
  auto endpoint = net::Endpoint::parse(has_port ? std::string(rest) : fmt::format("{}:{}", rest, scheme->port));
  if (!endpoint) return std::unexpected(endpoint.error());
  if (endpoint->host.empty()) return wrong("names no host");
  address.peer.authority = rest;
  address.peer.endpoint = std::move(*endpoint);
  if (address.scheme == Scheme::rtmp && address.path.rfind('/') == 0) return wrong("names no application and stream");
  return address;
}

Address manifest_of(const Address& address) {
  if (address.scheme == Scheme::http) return address.beside(manifest_name);
  Address manifest = address;
  manifest.scheme = Scheme::http;
  manifest.peer.endpoint.port = address.peer.tls == net::TlsClient::none ? http_port : https_port;
  manifest.peer.authority = manifest.peer.endpoint.text();
  const std::string_view stream = std::string_view(address.path).substr(0, address.path.find('?'));
  manifest.path = fmt::format("/live/{}/{}", stream.substr(stream.rfind('/') + 1), manifest_name);
  return manifest;
}

}  // namespace klieg::player
