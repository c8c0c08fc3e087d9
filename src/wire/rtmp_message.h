// What RTMP messages mean: control messages, commands, and the fields that Enhanced RTMP v2 adds to `connect`.
//
// RTMP 1.0 sections 5.4, 6 and 7; Enhanced RTMP v2 (2026-01-31), "Enhancing NetConnection connect Command" and
// "Reconnect Request". The commands are AMF0; a message of type 17 is AMF0 behind one byte, or AMF3 scalars.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "wire/amf0.h"
#include "wire/rtmp_chunk.h"

namespace klieg::wire::rtmp {

// Chunk streams by convention: 2 is prescribed for control, the others are what every server uses.
inline constexpr uint32_t control_chunk_stream = 2;
inline constexpr uint32_t command_chunk_stream = 3;
inline constexpr uint32_t status_chunk_stream = 5;

// --- control ---------------------------------------------------------------------------------------------------------

enum class BandwidthLimit : uint8_t { hard = 0, soft = 1, dynamic = 2 };
enum class UserControl : uint16_t {
  stream_begin = 0,
  stream_eof = 1,
  stream_dry = 2,
  set_buffer_length = 3,
  stream_is_recorded = 4,
  ping_request = 6,
  ping_response = 7,
};

struct UserControlEvent {
  UserControl event = UserControl::stream_begin;  // may hold a value that is not named
  uint32_t value = 0;                             // a stream id, or a ping's time
};

Message set_chunk_size(uint32_t chunk_size);
Message acknowledgement(uint32_t sequence_number);
Message window_acknowledgement_size(uint32_t size);
Message set_peer_bandwidth(uint32_t size, BandwidthLimit limit);
Message user_control(UserControl event, uint32_t value);

Result<uint32_t> parse_control_value(const Message& message);  // of an acknowledgement or a window size
Result<UserControlEvent> parse_user_control(const Message& message);

// --- commands --------------------------------------------------------------------------------------------------------

struct Command {
  std::string name;
  double transaction = 0;  // 0: no answer is expected
  amf0::Value object;      // the "command object": properties, or null
  std::vector<amf0::Value> arguments;

  // "" where there is none or it is no string.
  std::string_view text_argument(size_t index) const;
  // The first argument: of onStatus, _result and _error, what status_info() makes. Null where there is none.
  amf0::Value info() const { return arguments.empty() ? amf0::Value() : arguments[0]; }
  bool operator==(const Command&) const = default;
};

Result<Command> parse_command(const Message& message);  // of type amf0_command or amf3_command
Message command_message(const Command& command, uint32_t stream_id);

// What the _result of a createStream names: a message stream id, which is never 0. Empty: it names none.
std::optional<uint32_t> created_stream(const Command& result);

enum class StatusLevel : uint8_t { status, error };
// The info object of onStatus, _result and _error.
amf0::Value status_info(StatusLevel level, std::string_view code, std::string_view description);
Command on_status(StatusLevel level, std::string_view code, std::string_view description);
// Asks the publisher to connect again, to `tc_url` or ("") to the same address, while it goes on sending here until it
// has. To be sent on message stream 0, and only to a client whose capabilities say reconnect.
Command reconnect_request(std::string_view tc_url, std::string_view description);

// --- capabilities ----------------------------------------------------------------------------------------------------

enum Capability : uint32_t {  // capsEx
  capability_reconnect = 1,
  capability_multitrack = 2,
  capability_mod_ex = 4,
  capability_timestamp_nano_offset = 8,
};
enum FourCcInfo : uint32_t { fourcc_can_decode = 1, fourcc_can_encode = 2, fourcc_can_forward = 4 };

struct FourCc {
  std::string name;   // "hvc1", "Opus"; "*": any
  uint32_t info = 0;  // FourCcInfo
  bool operator==(const FourCc&) const = default;
};

struct Capabilities {
  std::vector<std::string> fourccs;  // fourCcList, deprecated but all that version 1 has
  std::vector<FourCc> video;         // videoFourCcInfoMap
  std::vector<FourCc> audio;         // audioFourCcInfoMap
  uint32_t extended = 0;             // capsEx
  bool empty() const { return fourccs.empty() && video.empty() && audio.empty() && extended == 0; }
  bool operator==(const Capabilities&) const = default;
};

struct ConnectRequest {
  std::string app;
  std::string tc_url;
  std::string flash_version;  // "FMLE/3.0 (compatible; FMSc/1.0)", "FMLE/3.0 (compatible; Lavf59.27.100)"
  double object_encoding = 0;
  Capabilities capabilities;
};

ConnectRequest parse_connect(const Command& command);
Command connect_command(const ConnectRequest& request, double transaction);  // the client's side
// The answer that lets the client in; our capabilities are said only to a client that said some.
//
// `server_time` is our own: what the server's clock says ("serverTimeMs", since 1970), so that a camera can tell how
// far its own is off. Others pass over a property that they do not know.
Command connect_result(const ConnectRequest& request, double transaction, const Capabilities& ours,
                       std::optional<WallTime> server_time = {});
std::optional<WallTime> server_time_in(const Command& connect_result);

}  // namespace klieg::wire::rtmp
