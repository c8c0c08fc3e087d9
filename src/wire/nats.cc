#include "wire/nats.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

namespace klieg::wire::nats {
namespace {

std::string_view take_field(std::string_view& rest) {
  const size_t begin = std::min(rest.find_first_not_of(" \t"), rest.size());
  rest.remove_prefix(begin);
  const std::string_view field = rest.substr(0, rest.find_first_of(" \t"));
  rest.remove_prefix(field.size());
  return field;
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Names of operations are of either case.
bool is(std::string_view word, std::string_view operation) {
  return std::ranges::equal(word, operation, {}, [](char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; });
}

std::optional<Info> info_of(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  Info info;
  if (const auto found = json.find("version"); found != json.end() && found->is_string()) info.version = *found;
  if (const auto found = json.find("tls_required"); found != json.end() && found->is_boolean()) {
    info.tls_required = *found;
  }
  if (const auto found = json.find("max_payload"); found != json.end() && found->is_number_unsigned()) {
    info.payload_size_max = *found;
  }
  return info;
}

}  // namespace

Result<void> Decoder::feed(ByteView received, std::vector<Operation>& out) {
  while (!error_ && !received.empty()) {
    if (delivered_) {
      take_payload(received, out);
      continue;
    }
    const auto end = static_cast<size_t>(std::ranges::find(received, '\n') - received.begin());
    if (gathered_.size() + end > line_size_max) {
      refuse("a line that does not end");
      break;
    }
    const ByteView piece = received.first(end);
    gathered_.insert(gathered_.end(), piece.begin(), piece.end());
    if (end == received.size()) break;
    received = received.subspan(end + 1);
    const std::vector<uint8_t> line = std::exchange(gathered_, {});
    std::string_view text(reinterpret_cast<const char*>(line.data()), line.size());
    if (text.ends_with('\r')) text.remove_suffix(1);
    understand(text, out);
  }
  if (error_) return std::unexpected(*error_);
  return {};
}

void Decoder::understand(std::string_view line, std::vector<Operation>& out) {
  const std::string_view operation = take_field(line);
  if (is(operation, "MSG")) {
    begin_payload(line);
  } else if (is(operation, "PING")) {
    out.emplace_back(Ping());
  } else if (is(operation, "PONG")) {
    out.emplace_back(Pong());
  } else if (is(operation, "+OK")) {
    out.emplace_back(Okay());
  } else if (is(operation, "INFO")) {
    auto info = info_of(line);
    if (!info) return refuse("INFO without an object of JSON");
    out.emplace_back(*std::move(info));
  } else if (is(operation, "-ERR")) {
    const size_t begin = line.find('\'');
    const size_t end = line.rfind('\'');
    if (begin != line.npos && end > begin) line = line.substr(begin + 1, end - begin - 1);
    out.emplace_back(Complaint{std::string(line)});
  } else {
    refuse("what answers does not speak the protocol of NATS");
  }
}

void Decoder::begin_payload(std::string_view fields) {
  const std::string_view subject = take_field(fields);
  const auto subscription = number_of<uint64_t>(take_field(fields));
  std::string_view size_text = take_field(fields);
  if (const std::string_view last = take_field(fields); !last.empty()) size_text = last;  // it was where to reply
  const auto size = number_of<size_t>(size_text);
  if (subject.empty() || !subscription || !size || !take_field(fields).empty())
    return refuse("a MSG that makes no sense");
  if (*size > payload_size_max) return refuse("a payload of more than 1 MiB");
  delivered_ = Delivered{*subscription, std::string(subject), {}};
  payload_size_ = *size;
}

void Decoder::take_payload(ByteView& received, std::vector<Operation>& out) {
  const size_t wanted = payload_size_ + line_end.size() - gathered_.size();
  const ByteView piece = received.first(std::min(wanted, received.size()));
  gathered_.insert(gathered_.end(), piece.begin(), piece.end());
  received = received.subspan(piece.size());
  if (piece.size() < wanted) return;
  if (gathered_[payload_size_] != '\r' || gathered_[payload_size_ + 1] != '\n') {
    return refuse("a payload that is longer than was said");
  }
  gathered_.resize(payload_size_);
  delivered_->payload = Bytes::take(std::exchange(gathered_, {}));
  out.emplace_back(*std::exchange(delivered_, std::nullopt));
}

std::string connect_line(const Credentials& credentials, std::string_view name) {
  nlohmann::json fields = {{"verbose", false}, {"pedantic", false}, {"echo", false},  {"headers", false},
                           {"protocol", 1},    {"lang", "c++"},     {"version", "1"}, {"name", name}};
  if (!credentials.user.empty()) {
    fields["user"] = credentials.user;
    fields["pass"] = credentials.password;
  }
  if (!credentials.token.empty()) fields["auth_token"] = credentials.token;
  return fmt::format("CONNECT {}\r\n", fields.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace));
}

std::string subscribe_line(std::string_view pattern, uint64_t subscription) {
  return fmt::format("SUB {} {}\r\n", pattern, subscription);
}

std::string unsubscribe_line(uint64_t subscription) { return fmt::format("UNSUB {}\r\n", subscription); }

std::string publish_line(std::string_view subject, size_t payload_size) {
  return fmt::format("PUB {} {}\r\n", subject, payload_size);
}

}  // namespace klieg::wire::nats
