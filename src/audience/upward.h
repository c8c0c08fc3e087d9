// How batches reach a home on another machine, and what they are answered: one request between nodes. And how a node
// that has moderators hears what is said among them: it asks, so that this is in nothing that anybody else may be
// served, and no node between keeps it.
//
//   POST /.klieg/room/live/ada/x7f.1/room?digest=HEX     batches of one node, in their order (wire/room_record.h)
//   200                                                   the answers to those that were taken, once they are safe
//
//   POST /.klieg/room/live/ada/x7f.1/room?desk=PLACE     held until more was said than up to PLACE, in decimal; of one
//                                                         that is not known, as 0: how things are, at once
//   200                                                   u64 the next PLACE, and records of events
//
// What is missing of the answers was not taken: all that is on its way is to be said again. A node between passes both
// on as they are. That whoever asks is a node is proved by what proves it for every request (edge/node_token.h), which
// covers the target alone: so the target has a digest of the body, and the proof is good for these batches of this
// broadcast. The same request again, by whomever, says what was heard before: it is counted once (room.h).
//
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "media/room.h"

namespace klieg::audience {

// Whole batches, at least one: of 40 KiB at most (Outbox::batch_bytes_max and the largest record behind it). An HTTP
// server takes 64 KiB.
constexpr size_t upward_size_max = 60 * 1024;

std::string upward_path_of(std::string_view topic);
std::string upward_query_of(std::string_view topic, ByteView body);
// The topic; nothing: the path is another.
std::optional<std::string_view> topic_of_upward(std::string_view path);
bool is_digest_of(std::string_view query, std::string_view topic, ByteView body);

// In what is said among moderators at the home of one epoch.
using DeskPlace = uint64_t;
std::string desk_query_of(DeskPlace heard);
// Nothing: the query is another.
std::optional<DeskPlace> desk_place_in(std::string_view query);
struct DeskRead {
  DeskPlace heard = 0;
  std::vector<media::RoomEvent> events;
};
Bytes desk_answer_of(DeskPlace heard, std::span<const Bytes> records);
std::optional<DeskRead> read_desk_answer(ByteView answer);  // nothing: it is none

}  // namespace klieg::audience
