// Finds the stream key in what an encoder was given, in any of the ways people write it down:
//
//   rtmp://host/live  and  KEY               two boxes, as in OBS
//   rtmp://host/live/KEY                     one string; some encoders leave it whole in the first box
//   rtmp://host/live  and  anything?key=KEY  a parameter (key, token or streamkey) of the second box
//   rtmp://host/live?key=KEY                 or of the first
//
// A parameter goes before a path, the second box before the first.
#pragma once

#include <string>
#include <string_view>

namespace klieg::ingest {

struct StreamAddress {
  std::string app;              // "live": without the key, so it may be logged
  std::string key;              // empty: none was given
  std::string parameters = {};  // of the second box, as they stand there; the key may be one
  bool operator==(const StreamAddress&) const = default;
};

// `tc_url` and `app` as the connect command said them, `name` as publish did.
StreamAddress read_stream_address(std::string_view tc_url, std::string_view app, std::string_view name);

}  // namespace klieg::ingest
