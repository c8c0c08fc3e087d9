// What a node tells its children of a topic, as it happens: the push tier between nodes.
//
// A topic is what is subscribed to as one, a rendition of a broadcast: "/live/ada/x7f.1/video". The names of its
// objects begin with it ("/live/ada/x7f.1/video-12.m4s"), and its objects are plain HTTP responses: whoever applies
// these records needs to know nothing of media. They fill a cache as fetches would, only without asking.
//
// Order, per topic: an object's ObjectBegun, ObjectGrew with consecutive offsets, ObjectEnded; an AliasBorn once the
// bytes that it names are there; several objects may be open at once. After a subscription comes first what makes the
// child whole for what is being born now: the newest header, the documents, the open objects from their first byte on.
// What is older is fetched by whoever is asked for it.
//
// The law of names: a name means the same bytes for ever; only documents change. So a record may be applied twice.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"

namespace klieg::media {

// Status 200 is understood. Names are in lower case; hop-by-hop fields, Date and Content-Length are not among them.
using ObjectHead = std::vector<std::pair<std::string, std::string>>;

using ObjectNumber = uint32_t;  // counts the objects of a topic as one writer tells of them

struct ObjectBegun {
  ObjectNumber number = 0;
  std::string name;  // path, and query if it has one
  std::shared_ptr<const ObjectHead> head;
  // In the same process and on the same loop: the writer's own log, which the reader shares instead of filling one of
  // its own. Null: the bytes come by ObjectGrew alone. They come by it in either case.
  std::shared_ptr<const Log> log;
};

struct ObjectGrew {
  ObjectNumber number = 0;
  uint64_t offset = 0;
  Bytes content;
};

struct ObjectEnded {
  ObjectNumber number = 0;
  LogEnd how = LogEnd::complete;  // or aborted: it will never be whole
};

// A name for a range of another object's bytes: a part is a slice of its segment.
struct AliasBorn {
  ObjectNumber of = 0;
  std::string name;
  std::shared_ptr<const ObjectHead> head;
  uint64_t offset = 0;
  uint64_t size = 0;
};

// How far a document has come, in the terms of HLS delivery directives (6.2.5.2 of rfc8216bis): its last segment, how
// many parts of it are listed, and whether it is finished. Each version is at or after the one before.
enum class Segment : uint8_t { open, finished };
struct DocumentVersion {
  uint64_t msn = 0;
  uint64_t parts = 0;
  Segment last = Segment::open;
  auto operator<=>(const DocumentVersion&) const = default;
};

enum class Finality : uint8_t { may_change, is_final };

// A playlist as it is now. It answers every request for its name whose directives ask for this version or an earlier
// one; a final one answers all. Or a multivariant playlist or a manifest, which list several tracks and are told in the
// topic of each: their version only says which of two is the later.
struct DocumentChanged {
  std::string name;  // path, and of the query what is not _HLS_msn and _HLS_part: "/live/...m3u8?_HLS_skip=YES"
  std::shared_ptr<const ObjectHead> head;
  DocumentVersion version;
  Finality finality = Finality::may_change;
  Bytes content;  // compressed, if the head says so
};

// The name is about to be born and will come as a record: who is asked for it waits instead of asking upward.
struct NameExpected {
  std::string name;
};

// The name will never be born, after all: an expectation that the broadcast did not keep. Or it is a document's, which
// is not told any more for the time being: who is asked for it asks upward.
struct NameGone {
  std::string name;
};

// Of no object: tokens for a private channel that were made up to then are worth nothing any more, and whoever is there
// by one is shown out (edge/guests.h). It holds for as long as the topic does, so newcomers are told of all there were.
struct GuestsRevoked {
  std::string channel;
  std::optional<uint64_t> viewer;  // an account, or 0, whoever has a link; nothing: everybody
  int64_t issued_until_s = 0;      // since 1970
  auto operator<=>(const GuestsRevoked&) const = default;
};

using PushRecord = std::variant<ObjectBegun, ObjectGrew, ObjectEnded, AliasBorn, DocumentChanged, NameExpected,
                                NameGone, GuestsRevoked>;

// Why nothing more comes of a topic.
enum class TopicEnd : uint8_t {
  finished,     // all was said: the broadcast is over
  unknown,      // there is no such topic here
  refused,      // this node is not believed
  lagged,       // the child took too little; it may subscribe again
  lost,         // the way to the parent broke
  unreachable,  // there was no way to it
};

// Receives the records of one subscription.
class PushSink {
 public:
  virtual ~PushSink() = default;
  virtual void on_push(PushRecord record) = 0;
  virtual void on_topic_end(TopicEnd why) = 0;  // the last call
};

class Subscription {
 public:
  virtual ~Subscription() = default;  // ends it: nothing is called afterwards
};

// Who offers topics: the origin, and every node what it takes from its parent. Nothing is called from inside
// subscribe(). Thread: one loop.
class TopicSource {
 public:
  virtual ~TopicSource() = default;
  virtual std::unique_ptr<Subscription> subscribe(std::string_view topic, PushSink& sink) = 0;
};

// The response header by which a parent tells a node which topic an object belongs to. Viewers are not shown it.
constexpr std::string_view topic_header = "klieg-topic";
// And which CMAF header a segment needs, by its name beside the segment's: "video-h0.mp4". For who reads segments one
// after another and no playlists (push/). Told to everybody: a node without a secret asks as viewers do.
constexpr std::string_view header_header = "cmaf-header";

}  // namespace klieg::media
