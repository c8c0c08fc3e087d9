#include "audience/upward.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/whole_number.h"
#include "wire/hmac.h"
#include "wire/room_record.h"

namespace klieg::audience {
namespace {

constexpr std::string_view path_prefix = "/.klieg/room";
constexpr std::string_view desk_prefix = "desk=";

}  // namespace

std::string upward_path_of(std::string_view topic) { return std::string(path_prefix).append(topic); }

std::string upward_query_of(std::string_view topic, ByteView body) {
  return fmt::format("digest={:02x}", fmt::join(wire::hmac_sha256(as_bytes(topic), body), ""));
}

std::optional<std::string_view> topic_of_upward(std::string_view path) {
  if (!path.starts_with(path_prefix)) return std::nullopt;
  path.remove_prefix(path_prefix.size());
  if (!path.starts_with('/')) return std::nullopt;
  return path;
}

bool is_digest_of(std::string_view query, std::string_view topic, ByteView body) {
  return query == upward_query_of(topic, body);
}

std::string desk_query_of(DeskPlace heard) { return fmt::format("{}{}", desk_prefix, heard); }

std::optional<DeskPlace> desk_place_in(std::string_view query) {
  if (!query.starts_with(desk_prefix)) return std::nullopt;
  return whole_number<DeskPlace>(query.substr(desk_prefix.size()));
}

Bytes desk_answer_of(DeskPlace heard, std::span<const Bytes> records) {
  ByteWriter answer;
  answer.u64(heard);
  for (const Bytes& record : records) answer.bytes(record.view());
  return answer.take();
}

std::optional<DeskRead> read_desk_answer(ByteView answer) {
  ByteReader in(answer);
  DeskRead read{in.u64(), {}};
  wire::room::EventReader reader;
  if (!in.ok() || !reader.feed(in.bytes(in.remaining()), read.events) || !reader.whole()) return std::nullopt;
  return read;
}

}  // namespace klieg::audience
