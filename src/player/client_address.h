// What a viewer is told to watch: an address of HTTP or of RTMP.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/client.h"

namespace klieg::player {

enum class Scheme : uint8_t { http, rtmp };

struct Address {
  Scheme scheme = Scheme::http;
  http::Peer peer;   // with or without TLS
  std::string path;  // and query; begins with '/'

  // The same with what stands behind the last '/' of the path replaced, query and all.
  Address beside(std::string_view name) const;
};

// "http://HOST[:PORT]/PATH", https, rtmp or rtmps. The error says what is wrong with the text.
Result<Address> parse_address(std::string_view url);

// Where to ask for a manifest of what is pushed at `address`: beside it, where that is HTTP; where it is RTMP, on the
// HTTP port that servers of ours have when nobody says otherwise.
Address manifest_of(const Address& address);

}  // namespace klieg::player
