#include "broadcaster/rtmp_url.h"

#include <fmt/format.h>

#include <charconv>

namespace klieg::broadcaster {

namespace {

Result<void> parse_authority(std::string_view text, RtmpUrl& url) {
  // The last colon separates the port, unless it lies inside the brackets of an IPv6 address.
  const size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && text.find(']', colon) == std::string_view::npos) {
    const std::string_view port = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || end != port.data() + port.size() || url.port == 0) {
      return fail(fmt::format("\"{}\" is not a port", port));
    }
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (text.empty()) return fail("the address names no host");
  url.host = text;
  return {};
}

std::string authority_of(const RtmpUrl& url) {
  const bool is_ipv6 = url.host.find(':') != std::string::npos;
  const uint16_t usual = url.security == Security::tls ? 443 : 1935;
  std::string out = fmt::format("{}://{}{}{}", url.security == Security::tls ? "rtmps" : "rtmp", is_ipv6 ? "[" : "",
                                url.host, is_ipv6 ? "]" : "");
  if (url.port != usual) out += fmt::format(":{}", url.port);
  return out;
}

}  // namespace

Result<RtmpUrl> RtmpUrl::parse(std::string_view text) {
  RtmpUrl url;
  if (text.starts_with("rtmps://")) {
    url.security = Security::tls;
    url.port = 443;
    text.remove_prefix(8);
  } else if (text.starts_with("rtmp://")) {
    text.remove_prefix(7);
  } else {
    return fail("an address to publish to begins with rtmp:// or rtmps://");
  }

  const size_t slash = text.find('/');
  if (auto outcome = parse_authority(text.substr(0, slash), url); !outcome) return std::unexpected(outcome.error());
  const std::string_view path = slash == std::string_view::npos ? "" : text.substr(slash + 1);
  const std::string_view components = path.substr(0, path.find('?'));
  const size_t last = components.rfind('/');
  if (last == std::string_view::npos) {
    url.application = path;
  } else {
    url.application = path.substr(0, last);
    url.stream_key = path.substr(last + 1);
  }
  if (url.application.empty()) return fail("the address names no application: rtmp://HOST/live/KEY");
  return url;
}

std::string RtmpUrl::tc_url() const { return authority_of(*this) + "/" + application; }

std::string RtmpUrl::shown() const {
  const bool has_more = !stream_key.empty() || application.find('?') != std::string::npos;
  return authority_of(*this) + "/" + application.substr(0, application.find('?')) + (has_more ? "/..." : "");
}

}  // namespace klieg::broadcaster
