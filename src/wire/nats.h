// The client protocol of NATS (https://docs.nats.io/reference/reference-protocols/nats-protocol): lines of text, and
// payloads of a size that the line before them says.
//
//   server: INFO {json}   MSG SUBJECT ID [REPLY] SIZE   PING   PONG   +OK   -ERR 'words'
//   client: CONNECT {json}   PUB SUBJECT SIZE   SUB SUBJECT ID   UNSUB ID   PING   PONG
//
// Headers (HMSG, HPUB) are not spoken: who says in CONNECT that it knows none is sent none.
//
// Pure. The bytes come over a network: reading trusts nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace klieg::wire::nats {

// The longest is INFO, which names every server of a cluster, some 30 bytes each.
inline constexpr size_t line_size_max = 64 << 10;
// What a server takes of its clients where nobody told it otherwise.
inline constexpr size_t payload_size_max = 1 << 20;

struct Info {
  std::string version;
  bool tls_required = false;
  size_t payload_size_max = nats::payload_size_max;
  bool operator==(const Info&) const = default;
};
struct Delivered {
  uint64_t subscription = 0;
  std::string subject;
  Bytes payload;
  bool operator==(const Delivered&) const = default;
};
struct Ping {
  bool operator==(const Ping&) const = default;
};
struct Pong {
  bool operator==(const Pong&) const = default;
};
struct Okay {
  bool operator==(const Okay&) const = default;
};
struct Complaint {
  std::string words;  // without the quotation marks
  bool operator==(const Complaint&) const = default;
};
using Operation = std::variant<Info, Delivered, Ping, Pong, Okay, Complaint>;

// Cuts what a server sends into operations, however it is fragmented. Holds at most one line, or one payload of which
// as much has really come.
class Decoder {
 public:
  // Appends what is complete. After an error, which says what was wrong, nothing more is decoded and feed() repeats it.
  Result<void> feed(ByteView received, std::vector<Operation>& out);

 private:
  void understand(std::string_view line, std::vector<Operation>& out);
  void begin_payload(std::string_view fields);
  void take_payload(ByteView& received, std::vector<Operation>& out);
  void refuse(std::string why) { error_ = Error{std::move(why)}; }

  std::vector<uint8_t> gathered_;       // of a line, or of a payload and the line end behind it
  std::optional<Delivered> delivered_;  // whose payload comes
  size_t payload_size_ = 0;
  std::optional<Error> error_;
};

struct Credentials {
  std::string user, password;  // user empty: none
  std::string token;           // empty: none
};

// Whoever connects hears nothing of what it published itself.
std::string connect_line(const Credentials& credentials, std::string_view name);
std::string subscribe_line(std::string_view pattern, uint64_t subscription);
std::string unsubscribe_line(uint64_t subscription);
// The payload follows, and line_end.
std::string publish_line(std::string_view subject, size_t payload_size);
inline constexpr std::string_view line_end = "\r\n";
inline constexpr std::string_view ping_line = "PING\r\n";
inline constexpr std::string_view pong_line = "PONG\r\n";

}  // namespace klieg::wire::nats
