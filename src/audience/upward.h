// How batches reach a home on another machine, and what they are answered: one request between nodes.
//
//   POST /.klieg/room/live/ada/x7f.1/room?digest=HEX     batches of one node, in their order (wire/room_record.h)
//   200                                                   the answers to those that were taken, once they are safe
//
// What is missing of the answers was not taken: all that is on its way is to be said again. A node between passes both
// on as they are. That whoever asks is a node is proved by what proves it for every request (edge/node_token.h), which
// covers the target alone: so the target has a digest of the body, and the proof is good for these batches of this
// broadcast. The same request again, by whomever, says what was heard before: it is counted once (room.h).
//
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace klieg::audience {

// Whole batches, at least one: of 40 KiB at most (Outbox::batch_bytes_max and the largest record behind it). An HTTP
// server takes 64 KiB.
constexpr size_t upward_size_max = 60 * 1024;

std::string upward_path_of(std::string_view topic);
std::string upward_query_of(std::string_view topic, ByteView body);
// The topic; nothing: the path is another.
std::optional<std::string_view> topic_of_upward(std::string_view path);
bool is_digest_of(std::string_view query, std::string_view topic, ByteView body);

}  // namespace klieg::audience
