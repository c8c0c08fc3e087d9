// Where to publish: rtmp[s]://HOST[:PORT]/APP[/MORE]/KEY[?QUERY].
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace klieg::broadcaster {

enum class Security : uint8_t { plain, tls };

struct RtmpUrl {
  Security security = Security::plain;
  std::string host;
  uint16_t port = 1935;     // 443 for rtmps when none is given, as encoders do
  std::string application;  // "live"; of several path components all but the last
  std::string stream_key;   // the last, with its query; empty when there is only one component

  static Result<RtmpUrl> parse(std::string_view text);
  std::string tc_url() const;  // what connect() sends: the address without the key
  std::string shown() const;   // what may be shown: never the key, nor a query that may hold one

  bool operator==(const RtmpUrl&) const = default;
};

}  // namespace klieg::broadcaster
