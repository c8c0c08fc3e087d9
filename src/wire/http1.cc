#include "wire/http1.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace klieg::wire::http1 {
namespace {

// Extensions and trailers mean nothing to us, so a sender may have few of them: this much more than it has content,
// which a body of any length may go on with.
constexpr size_t dropped_size_max = 4096;

constexpr std::unexpected<Refusal> refuse(uint16_t status, const char* why) {
  return std::unexpected(Refusal{status, why});
}

// The lower case of a token character (RFC 9110 section 5.6.2), 0 for anything else.
constexpr auto token_characters = [] {
  std::array<char, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[c] = static_cast<char>(c);
  for (int c = 'a'; c <= 'z'; ++c) table[c] = table[c - 'a' + 'A'] = static_cast<char>(c);
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<uint8_t>(c)] = c;
  return table;
}();

bool is_token(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return token_characters[static_cast<uint8_t>(c)] != 0; });
}

bool same_ignoring_case(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <class Visit>
void each_in_list(std::string_view list, Visit visit) {
  for (size_t comma; !list.empty(); list.remove_prefix(comma)) {
    comma = std::min(list.find(','), list.size());
    visit(trim(list.substr(0, comma)));
    if (comma < list.size()) ++comma;
  }
}

// A line without its CRLF, taken off the front of `rest`; nullopt: a line end that is not CRLF.
std::optional<std::span<char>> take_line(std::span<char>& rest) {
  const auto* lf = static_cast<char*>(std::memchr(rest.data(), '\n', rest.size()));
  if (!lf) return std::nullopt;
  const auto size = static_cast<size_t>(lf - rest.data());
  if (size == 0 || rest[size - 1] != '\r') return std::nullopt;
  const auto line = rest.first(size - 1);
  rest = rest.subspan(size + 1);
  return line;
}

Result<void, Refusal> parse_target(std::string_view target, RequestHead& out) {
  if (out.method == "CONNECT") return refuse(501, "CONNECT is not offered");
  for (const char c : target) {
    if (static_cast<uint8_t>(c) <= ' ' || c == 0x7f || c == '#') return refuse(400, "bad character in the target");
  }
  if (target == "*" && out.method == "OPTIONS") target = "/";
  if (!target.starts_with('/')) {  // absolute-form
    const size_t scheme = target.find("://");
    if (scheme == target.npos || !(same_ignoring_case(target.substr(0, scheme), "http") ||
                                   same_ignoring_case(target.substr(0, scheme), "https"))) {
      return refuse(400, "the target is neither a path nor an http URL");
    }
    target.remove_prefix(scheme + 3);
    const size_t end = std::min(target.find_first_of("/?"), target.size());
    out.host = target.substr(0, end);
    if (out.host.empty()) return refuse(400, "the target has no host");
    target.remove_prefix(end);
    if (!target.starts_with('/')) {
      out.path = "/";
      out.query = target.empty() ? target : target.substr(1);
      return {};
    }
  }
  const size_t question = std::min(target.find('?'), target.size());
  out.path = target.substr(0, question);
  out.query = target.substr(std::min(question + 1, target.size()));
  return {};
}

Result<void, Refusal> parse_request_line(std::string_view line, RequestHead& out) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == line.npos || last == first) return refuse(400, "a request line has three parts");
  out.method = line.substr(0, first);
  if (!is_token(out.method)) return refuse(400, "the method is not a token");
  const std::string_view version = line.substr(last + 1);
  if (version.size() != 8 || !version.starts_with("HTTP/") || version[6] != '.' || version[7] < '0' ||
      version[7] > '9') {
    return refuse(400, "the request line does not end in an HTTP version");
  }
  if (version[5] != '1') return refuse(505, "this is an HTTP/1.1 server");
  out.minor_version = version[7] == '0' ? 0 : 1;
  return parse_target(line.substr(first + 1, last - first - 1), out);
}

// What is seen of the fields that decide where the message ends; judged when all are known.
struct Framing {
  int hosts = 0, content_lengths = 0, transfer_encodings = 0;
  bool close = false, keep_alive = false;
  uint64_t content_length = 0;
};

// The fields that requests and responses are delimited by.
Result<void, Refusal> note_framing(const HeaderView& field, Framing& framing) {
  switch (field.name.size()) {
    case 10:
      if (field.name == "connection") {
        each_in_list(field.value, [&](std::string_view option) {
          framing.close |= same_ignoring_case(option, "close");
          framing.keep_alive |= same_ignoring_case(option, "keep-alive");
        });
      }
      break;
    case 14:
      if (field.name == "content-length") {
        ++framing.content_lengths;
        const std::string_view digits = field.value;
        const char* end = digits.data() + digits.size();
        const auto [rest, error] = std::from_chars(end - digits.size(), end, framing.content_length);
        if (digits.empty() || rest != end || error != std::errc()) return refuse(400, "bad Content-Length");
      }
      break;
    case 17:
      if (field.name == "transfer-encoding") {
        ++framing.transfer_encodings;
        if (!same_ignoring_case(field.value, "chunked")) return refuse(501, "the only transfer coding is chunked");
      }
      break;
    default:
      break;
  }
  return {};
}

Result<void, Refusal> note_field(const HeaderView& field, Framing& framing, RequestHead& out) {
  if (field.name == "host") {
    if (++framing.hosts == 1 && out.host.empty()) out.host = field.value;
  } else if (field.name == "expect" && out.minor_version > 0) {
    if (!same_ignoring_case(field.value, "100-continue")) return refuse(417, "only 100-continue can be expected");
    out.expects_continue = true;
  }
  return note_framing(field, framing);
}

Result<void, Refusal> judge_lengths(const Framing& framing, uint8_t minor_version) {
  if (framing.content_lengths > 1) return refuse(400, "Content-Length twice");
  if (framing.transfer_encodings == 0) return {};
  if (framing.transfer_encodings > 1) return refuse(400, "Transfer-Encoding twice");
  if (framing.content_lengths > 0) return refuse(400, "both Content-Length and Transfer-Encoding");
  if (minor_version == 0) return refuse(400, "Transfer-Encoding in HTTP/1.0");
  return {};
}

Persistence persistence_of(const Framing& framing, uint8_t minor_version) {
  const bool keeps = !framing.close && (minor_version > 0 || framing.keep_alive);
  return keeps ? Persistence::keep_alive : Persistence::close;
}

Result<void, Refusal> judge(const Framing& framing, RequestHead& out) {
  if (framing.hosts > 1 || (framing.hosts == 0 && out.minor_version > 0))
    return refuse(400, "exactly one Host is needed");
  if (auto judged = judge_lengths(framing, out.minor_version); !judged) return judged;
  if (framing.transfer_encodings > 0) {
    out.body = BodyCoding::chunked;
  } else if (framing.content_lengths > 0) {
    out.body = BodyCoding::content_length;
    out.content_length = framing.content_length;
  }
  out.persistence = persistence_of(framing, out.minor_version);
  return {};
}

// Section 6.3, where it leaves no doubt.
Result<void, Refusal> judge(const Framing& framing, AnswerTo request, ResponseHead& out) {
  if (auto judged = judge_lengths(framing, out.minor_version); !judged) return judged;
  if (framing.content_lengths > 0) out.content_length = framing.content_length;
  out.persistence = persistence_of(framing, out.minor_version);
  if (out.status < 200 || out.status == 204) {
    // Neither may be there (sections 6.1, RFC 9110 8.6); a reader who believes them would wait for a body.
    if (framing.transfer_encodings > 0 || framing.content_length > 0) return refuse(502, "a body where none can be");
  } else if (request == AnswerTo::head || out.status == 304) {
    // What they say is of the body that a GET would get.
  } else if (framing.transfer_encodings > 0) {
    out.body = BodyCoding::chunked;
  } else if (framing.content_lengths > 0) {
    out.body = BodyCoding::content_length;
  } else {
    out.body = BodyCoding::until_close;
    out.persistence = Persistence::close;
  }
  return {};
}

Result<void, Refusal> parse_status_line(std::string_view line, ResponseHead& out) {
  if (line.size() < 13 || !line.starts_with("HTTP/1.") || line[7] < '0' || line[7] > '9' || line[8] != ' ' ||
      line[12] != ' ') {
    return refuse(502, "a status line is HTTP/1.x STATUS REASON");
  }
  out.minor_version = line[7] == '0' ? 0 : 1;
  out.status = 0;
  for (const char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return refuse(502, "a status has three digits");
    out.status = static_cast<uint16_t>(out.status * 10 + (c - '0'));
  }
  if (out.status < 100 || out.status > 599) return refuse(502, "a status is 100 to 599");
  for (const char c : line.substr(13)) {
    if ((static_cast<uint8_t>(c) < ' ' && c != '\t') || c == 0x7f) return refuse(502, "bad character in the reason");
  }
  return {};
}

Result<HeaderView, Refusal> parse_field(std::span<char> line) {
  size_t colon = 0;
  for (; colon < line.size() && line[colon] != ':'; ++colon) {
    const char lower = token_characters[static_cast<uint8_t>(line[colon])];
    if (lower == 0) return refuse(400, colon == 0 ? "a folded header line" : "bad character in a header name");
    line[colon] = lower;
  }
  if (colon == 0 || colon == line.size()) return refuse(400, "a header line is NAME: VALUE");
  const std::string_view value = trim({line.data() + colon + 1, line.size() - colon - 1});
  for (const char c : value) {
    if ((static_cast<uint8_t>(c) < ' ' && c != '\t') || c == 0x7f)
      return refuse(400, "bad character in a header value");
  }
  return HeaderView{{line.data(), colon}, value};
}

Result<HeaderView, Refusal> take_field(std::span<char> line, std::vector<HeaderView>& headers) {
  auto field = parse_field(line);
  if (!field) return field;
  if (headers.size() == headers_max) return refuse(431, "too many headers");
  headers.push_back(*field);
  return field;
}

}  // namespace

std::optional<size_t> find_head_end(std::string_view bytes, size_t searched) {
  // The end may straddle what was searched: an LF there, its partner here. A bare "\n\n" ends the head too, for the
  // parser to refuse: its sender waits for an answer.
  for (size_t at = searched > 3 ? searched - 3 : 0; (at = bytes.find('\n', at)) != bytes.npos; ++at) {
    const std::string_view after = bytes.substr(at + 1);
    if (after.starts_with('\n')) return at + 2;
    if (after.starts_with("\r\n")) return at + 3;
  }
  return std::nullopt;
}

Result<void, Refusal> parse_request_head(std::span<char> head, RequestHead& out) {
  out.path = out.query = out.host = {};
  out.headers.clear();
  out.body = BodyCoding::none;
  out.content_length = 0;
  out.expects_continue = false;

  auto line = take_line(head);
  if (!line) return refuse(400, "lines end in CR LF");
  if (auto parsed = parse_request_line({line->data(), line->size()}, out); !parsed) return parsed;
  Framing framing;
  while ((line = take_line(head))) {
    if (line->empty()) return judge(framing, out);
    auto field = take_field(*line, out.headers);
    if (!field) return std::unexpected(field.error());
    if (auto noted = note_field(*field, framing, out); !noted) return noted;
  }
  return refuse(400, "lines end in CR LF");
}

Result<void, Refusal> parse_response_head(std::span<char> head, AnswerTo request, ResponseHead& out) {
  out.headers.clear();
  out.body = BodyCoding::none;
  out.content_length.reset();

  auto line = take_line(head);
  if (!line) return refuse(502, "lines end in CR LF");
  if (auto parsed = parse_status_line({line->data(), line->size()}, out); !parsed) return parsed;
  Framing framing;
  while ((line = take_line(head))) {
    if (line->empty()) return judge(framing, request, out);
    auto field = take_field(*line, out.headers);
    if (!field) return std::unexpected(field.error());
    if (auto noted = note_framing(*field, framing); !noted) return noted;
  }
  return refuse(502, "lines end in CR LF");
}

Result<size_t, Refusal> ChunkedDecoder::feed(ByteView bytes, std::vector<uint8_t>& out) {
  size_t at = 0;
  while (at < bytes.size() && state_ != State::done) {
    if (state_ == State::data) {
      const size_t taken = std::min<uint64_t>(chunk_rest_, bytes.size() - at);
      out.insert(out.end(), bytes.begin() + static_cast<ptrdiff_t>(at),
                 bytes.begin() + static_cast<ptrdiff_t>(at + taken));
      at += taken;
      chunk_rest_ -= taken;
      if (chunk_rest_ == 0) state_ = State::data_cr;
      continue;
    }
    const char c = static_cast<char>(bytes[at++]);
    switch (state_) {
      case State::size: {
        int digit = -1;
        if (c >= '0' && c <= '9') digit = c - '0';
        if ((c | 32) >= 'a' && (c | 32) <= 'f') digit = (c | 32) - 'a' + 10;
        if (digit >= 0) {
          if (++digits_ > 15) return refuse(400, "a chunk size is too long");
          chunk_rest_ = chunk_rest_ * 16 + static_cast<uint64_t>(digit);
          break;
        }
        if (digits_ == 0) return refuse(400, "a chunk size is hexadecimal");
        if (chunk_rest_ > room_) return refuse(413, "the body is too large");
        room_ -= chunk_rest_;
        dropped_ -= std::min<uint64_t>(dropped_, chunk_rest_);
        if (c == '\r') {
          state_ = State::size_lf;
        } else if (c == ';' || c == ' ' || c == '\t') {
          state_ = State::extension;
        } else {
          return refuse(400, "a chunk size is hexadecimal");
        }
        break;
      }
      case State::extension:
        if (++dropped_ > dropped_size_max) return refuse(400, "too many chunk extensions");
        if (c == '\n') return refuse(400, "lines end in CR LF");
        if (c == '\r') state_ = State::size_lf;
        break;
      case State::size_lf:
        if (c != '\n') return refuse(400, "lines end in CR LF");
        state_ = chunk_rest_ > 0 ? State::data : State::trailer;
        digits_ = 0;
        trailer_line_ = 0;
        break;
      case State::data_cr:
        if (c != '\r') return refuse(400, "a chunk is longer than its size");
        state_ = State::data_lf;
        break;
      case State::data_lf:
        if (c != '\n') return refuse(400, "lines end in CR LF");
        state_ = State::size;
        break;
      case State::trailer:
        if (++dropped_ > dropped_size_max) return refuse(431, "too many trailers");
        if (c == '\n') return refuse(400, "lines end in CR LF");
        if (c == '\r') {
          state_ = State::trailer_lf;
        } else {
          ++trailer_line_;
        }
        break;
      case State::trailer_lf:
        if (c != '\n') return refuse(400, "lines end in CR LF");
        state_ = trailer_line_ == 0 ? State::done : State::trailer;
        trailer_line_ = 0;
        break;
      case State::data:
      case State::done:
        break;
    }
  }
  return at;
}

std::string_view reason_phrase(uint16_t status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

void append_status_line(std::string& out, uint16_t status) {
  if (status == 200) {
    out += "HTTP/1.1 200 OK\r\n";
    return;
  }
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {:03} {}\r\n", status, reason_phrase(status));
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_chunk_size(std::string& out, uint64_t size) {
  std::array<char, 16> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr).append("\r\n");
}

}  // namespace klieg::wire::http1
