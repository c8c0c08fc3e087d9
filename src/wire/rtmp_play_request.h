// An RTMP connection at the moment when it asks to play: what was said on it so far, so that whoever serves viewers can
// go on from there. Made by whoever met the connection, whose business is another.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wire/rtmp_chunk.h"
#include "wire/rtmp_message.h"

namespace klieg::wire::rtmp {

struct PlayRequest {
  ConnectRequest connect;
  std::string name;  // as the play command said it
  uint32_t stream_id = 0;
  ChunkReader reader{0};
  ChunkWriter writer;
  std::vector<uint8_t> unread;  // bytes behind the command
};

}  // namespace klieg::wire::rtmp
