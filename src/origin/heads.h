// What is said of an object or a document in front of its bytes: the same whether it is asked for (server.h) or pushed
// (feed.h).
//
//   cache-control         for everybody (RFC 9111)
//   klieg-cache-control   for caches of ours alone (RFC 9213): no longer than the window keeps the object, because a
//                         name may be for ever, but a node's memory is not. What may be otherwise in a moment (is it
//                         live?) is given to all who wait for it and asked anew each time
//   klieg-topic           for nodes of ours: what to subscribe to (media/push.h)
//   cmaf-header           of a segment: which header it needs (media/push.h)
//   klieg-private         for nodes of ours, of a channel for guests: added by who answers or tells (wire/path_token.h)
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "media/push.h"
#include "origin/document.h"
#include "origin/object.h"

namespace klieg::origin {

constexpr std::string_view our_cache_control = "klieg-cache-control";

// How long an answer may be reused.
enum class Freshness : uint8_t {
  stable,    // index.m3u8, manifest.mpd, anything that must be asked again: no-cache
  playlist,  // a playlist as it is now: half a target duration
  blocking,  // the answer to a blocking reload: six target durations (6.2.5.2: the name says which version)
  never,     // status.json: no-store
};

// Any page may play what is public, and measure it (Fetch 3.2, Resource Timing 4.5.1).
const media::ObjectHead& cors_head();

// Made once per object. `path` is the object's, which may name a topic.
const std::shared_ptr<const media::ObjectHead>& head_of(const Object& object, std::string_view path);

// What all documents of a kind have in common, and what one has of its own.
media::ObjectHead head_of(DocumentKind kind, Coding coding, Freshness freshness, uint32_t target_duration_s);
void mark_as_private(media::ObjectHead& head);
media::ObjectHead own_head_of(const Document& document, Coding coding, std::string_view path);

}  // namespace klieg::origin
