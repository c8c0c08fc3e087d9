// A request and its response, whatever version of HTTP carries them (RFC 9110).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "wire/http_field.h"

namespace klieg::http {

enum class Method : uint8_t { get, head, options, post, put, delete_, other };
Method method_of(std::string_view name);  // as sent: methods are case-sensitive
enum class Version : uint8_t { http_1_0, http_1_1, http_2 };

using wire::HeaderView;  // name in lower case, value

// Valid only during Handler::serve(): every view points into the connection's buffer. Who holds a request keeps copies
// of what it needs.
struct Request {
  Method method = Method::get;
  std::string_view method_name;  // as sent
  std::string_view path;         // as sent, percent-encoded, without the query; always begins with '/'
  std::string_view query;        // without the '?'; empty: none
  std::vector<HeaderView> headers;
  Version version = Version::http_1_1;
  std::string_view scheme;     // "http" or "https"
  std::string_view authority;  // Host or :authority
  std::string_view peer;       // address and port
  Bytes body;                  // of a post or put, whole; bounded by Limits::body_size_max

  std::optional<std::string_view> header(std::string_view lower_case_name) const;
};

// The headers of a response, prepared once and shared by every response that sends them: an object's headers are made
// at its birth, not at each hit. Content-Length, Connection and Transfer-Encoding are the server's own; so are Date and
// Server, unless the block says them (a cache passes on those of the origin).
class HeaderBlock {
 public:
  HeaderBlock() = default;
  HeaderBlock(std::initializer_list<std::pair<std::string_view, std::string_view>> headers);
  HeaderBlock& add(std::string_view lower_case_name, std::string_view value);
  const std::vector<std::pair<std::string, std::string>>& all() const { return headers_; }
  std::string_view http1_lines() const { return http1_lines_; }  // "name: value\r\n" of each
  bool says_date() const { return says_date_; }
  bool says_server() const { return says_server_; }

 private:
  std::vector<std::pair<std::string, std::string>> headers_;
  std::string http1_lines_;
  bool says_date_ = false;
  bool says_server_ = false;
};

// A part of a log: [offset, end). With `end` known, or the log complete, the response has a Content-Length; otherwise
// it is sent as it is born (chunked in HTTP/1.1). An aborted log, or one that has forgotten what the response still
// owes, resets the response, never ends it cleanly.
enum class Haste : uint8_t { no, yes };
struct LogRange {
  std::shared_ptr<const Log> log;
  uint64_t offset = 0;
  std::optional<uint64_t> end;
  Bytes before = {};                                // sent first, though it is not in the log
  std::shared_ptr<LogProgress> progress = nullptr;  // of a log that this response alone reads
  // Each piece leaves as it is born; otherwise, the more follow logs, the more is gathered first (server.h).
  Haste haste = Haste::no;
};

struct Response {
  uint16_t status = 200;
  std::shared_ptr<const HeaderBlock> headers;          // null: none
  HeaderBlock own_headers;                             // what only this response says, e.g. Content-Range
  std::variant<std::monostate, Bytes, LogRange> body;  // for HEAD give the body of the GET: only its length is used

  static Response text(uint16_t status, std::string_view message);  // text/plain, no-store
  // 405; `allowed`: what Allow says (RFC 9110 section 15.5.6), "GET, HEAD".
  static Response not_allowed(std::string_view allowed);
};

}  // namespace klieg::http
