#include "wire/push_message.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace klieg::wire::push_message {
namespace {

using nlohmann::json;

// "": it is not there, or no string.
std::string text_at(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// 0: it is not there, or no number up to `max`.
uint64_t number_at(const json& object, const char* name, uint64_t max) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return 0;
  const auto value = found->get<uint64_t>();
  return value <= max ? value : 0;
}

Result<Words> read_tracks(const json& said) {
  const auto listed = said.find("tracks");
  if (listed == said.end() || !listed->is_array()) return fail("\"tracks\" lists none");
  Tracks read;
  for (const json& one : *listed) {
    if (!one.is_object()) return fail("a track is no object");
    Track track{.id = static_cast<uint8_t>(number_at(one, "id", UINT8_MAX)),
                .kind = text_at(one, "kind") == "audio" ? media::TrackKind::audio : media::TrackKind::video,
                .name = text_at(one, "name"),
                .mime = text_at(one, "mime"),
                .timescale = static_cast<uint32_t>(number_at(one, "timescale", UINT32_MAX))};
    if (track.id == 0 || track.timescale == 0) return fail("a track has no id, or no timescale");
    read.tracks.push_back(std::move(track));
  }
  return read;
}

}  // namespace

std::string write(const Tracks& tracks) {
  json listed = json::array();
  for (const Track& track : tracks.tracks) {
    listed.push_back({{"id", track.id},
                      {"kind", name_of(track.kind)},
                      {"name", track.name},
                      {"mime", track.mime},
                      {"timescale", track.timescale}});
  }
  return json{{"type", "tracks"}, {"tracks", std::move(listed)}}.dump();
}

std::string write(const Over& over) { return json{{"type", "over"}, {"why", over.why}}.dump(); }

Result<Words> read_words(std::string_view text) {
  constexpr bool throws = false;
  const json said = json::parse(text, nullptr, throws);
  if (!said.is_object()) return fail("words that are no JSON object");
  const std::string type = text_at(said, "type");
  if (type == "tracks") return read_tracks(said);
  if (type == "over") return Over{text_at(said, "why")};
  return Later{};
}

Bytes chunk_head(uint8_t track, uint8_t flags, uint32_t content_size) {
  ByteWriter head;
  head.u8(track);
  head.u8(flags);
  head.u16(0);
  head.u32(content_size);
  return head.take();
}

std::optional<Chunk> read_chunk(const Bytes& message) {
  ByteReader in(message);
  Chunk chunk;
  chunk.track = in.u8();
  chunk.flags = in.u8();
  in.skip(2);
  const uint32_t size = in.u32();
  if (!in.ok() || size != in.remaining()) return std::nullopt;
  chunk.content = message.slice(message.size() - size);
  return chunk;
}

}  // namespace klieg::wire::push_message
