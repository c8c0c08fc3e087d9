#include <fmt/format.h>

#include <charconv>

#include "net/listener.h"

namespace klieg::net {

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const std::string_view whole = text;
  Endpoint endpoint;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == text.npos || end + 1 >= text.size() || text[end + 1] != ':') {
      return fail(fmt::format("\"{}\": an IPv6 address is written [ADDRESS]:PORT", whole));
    }
    endpoint.host = text.substr(1, end - 1);
    text.remove_prefix(end + 2);
  } else if (const size_t colon = text.rfind(':'); colon != text.npos) {
    endpoint.host = text.substr(0, colon);
    if (endpoint.host.find(':') != std::string::npos) {
      return fail(fmt::format("\"{}\": an IPv6 address needs brackets: [ADDRESS]:PORT", whole));
    }
    text.remove_prefix(colon + 1);
  } else if (text.find_first_not_of("0123456789") != text.npos) {
    return fail(fmt::format("\"{0}\" has no port: write HOST:PORT, for example {0}:8080", whole));
  }
  unsigned port = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || rest != text.data() + text.size() || port > 65535) {
    return fail(fmt::format("\"{}\": \"{}\" is not a port (0 to 65535)", whole, text));
  }
  endpoint.port = static_cast<uint16_t>(port);
  return endpoint;
}

std::string Endpoint::text() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

}  // namespace klieg::net
