// HTTP/1.1 messages: bytes <-> meaning (RFC 9112), for a server and for a client.
//
//   find_head_end(bytes)        where the head ends, or that more is needed
//   parse_request_head(head)    the head, or the status that refuses it
//   parse_response_head(head)   the same of what a server answers
//   ChunkedDecoder              a chunked body
//   append_status_line(...)     the way back
//
// Two readers who disagree about where a message ends are how requests are smuggled, so whatever RFC 9112 lets a
// recipient refuse is refused: bare LF and CR, folded lines, space before a colon, Content-Length twice or beside
// Transfer-Encoding, codings other than chunked. After a refusal the connection cannot be used again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/http_field.h"

namespace klieg::wire::http1 {

// Why a message is refused: the status to answer with and a sentence for its sender. A response's sender gets neither:
// there the sentence is for our log.
struct Refusal {
  uint16_t status = 400;
  const char* why = "";
};

// How a body is delimited (section 6.3). Without either header a request has none, and a response goes until its
// connection closes.
enum class BodyCoding : uint8_t { none, content_length, chunked, until_close };

enum class Persistence : uint8_t { close, keep_alive };

struct RequestHead {
  std::string_view method;
  std::string_view path;   // begins with '/'; as sent, without the query. "OPTIONS *" has the path "/"
  std::string_view query;  // without '?'
  std::string_view host;   // the authority of an absolute-form target, else the Host field
  uint8_t minor_version = 1;
  std::vector<HeaderView> headers;

  Persistence persistence = Persistence::keep_alive;
  BodyCoding body = BodyCoding::none;
  uint64_t content_length = 0;
  bool expects_continue = false;
};

// What was asked decides whether a body follows the head.
enum class AnswerTo : uint8_t { head, other };

struct ResponseHead {
  uint16_t status = 0;  // 100 to 599; below 200 another head follows
  uint8_t minor_version = 1;
  std::vector<HeaderView> headers;

  Persistence persistence = Persistence::keep_alive;
  BodyCoding body = BodyCoding::none;
  std::optional<uint64_t> content_length;  // as said, also where no body follows
};

constexpr size_t headers_max = 100;  // browsers send about 20; more is 431

// Past the empty line that ends the head at the front of `bytes`; nullopt: more bytes are needed. `searched` bytes are
// known to hold no end, so that a head which comes byte by byte is searched once.
std::optional<size_t> find_head_end(std::string_view bytes, size_t searched = 0);

// Parses a whole head, its empty line included. Field names are lower-cased in place; all views point into `head`.
// `out` is overwritten; its vector's memory is reused.
Result<void, Refusal> parse_request_head(std::span<char> head, RequestHead& out);

// The same of a response's head. Refused besides: a 1xx or 204 that announces a body.
Result<void, Refusal> parse_response_head(std::span<char> head, AnswerTo request, ResponseHead& out);

// Decodes the chunked transfer coding (section 7.1), in any fragmentation. Extensions and trailers are dropped. Who
// hands content on as it comes empties `out` between two calls and gives no_end for its size.
class ChunkedDecoder {
 public:
  static constexpr size_t no_end = SIZE_MAX;

  explicit ChunkedDecoder(size_t body_size_max) : room_(body_size_max) {}

  // Appends content to `out`; returns how much of `bytes` belonged to the body: all of it until done(). More content
  // than body_size_max is 413. What came before a refusal is in `out`.
  Result<size_t, Refusal> feed(ByteView bytes, std::vector<uint8_t>& out);
  bool done() const { return state_ == State::done; }

 private:
  enum class State : uint8_t { size, extension, size_lf, data, data_cr, data_lf, trailer, trailer_lf, done };

  State state_ = State::size;
  size_t room_;
  uint64_t chunk_rest_ = 0;
  uint8_t digits_ = 0;
  size_t dropped_ = 0;       // extensions and trailers, less the content since: bounded
  size_t trailer_line_ = 0;  // bytes of the present trailer line
};

// "HTTP/1.1 200 OK\r\n". An unknown status has an empty reason phrase, which section 4 allows.
std::string_view reason_phrase(uint16_t status);  // RFC 9110 section 15; empty: it has none here
void append_status_line(std::string& out, uint16_t status);
// "name: value\r\n"
void append_field(std::string& out, std::string_view name, std::string_view value);
// The size line of a chunk.
void append_chunk_size(std::string& out, uint64_t size);

}  // namespace klieg::wire::http1
