// The WebSocket subprotocol "klieg.room.1": what a viewer says in the room of a broadcast, and what he hears.
//
// It is JSON in text messages. A page and a bot read it with what they have; what goes to viewers is gathered and
// framed once for all of them, so that its length costs bytes and no work, and of those most are what people wrote,
// which no binary form makes shorter.
//
//   viewer   one object a message. Times are milliseconds of media on his screen; `ref` is a number of his own, which
//            the answer repeats
//     {"type":"hearts","count":3,"at":61250}        taps of at most 250 ms, and the mean of where they fell
//     {"type":"comment","ref":1,"at":61250,"text":"hello"}
//     {"type":"vote","ref":2,"at":61250,"poll":1,"option":0}
//            of moderators and the broadcaster, each with ref and at:
//     {"type":"delete","comment":7}  {"type":"release","comment":7}  {"type":"pin","comment":7}       0: unpin
//     {"type":"bar","account":12,"seconds":600}                      without seconds: for good
//     {"type":"unbar","account":12}
//     {"type":"rules","who":"everyone|followers|first|nobody","first":100,"slow_ms":0,
//      "review":"nothing|filtered|everything"}
//     {"type":"words","words":["..."]}
//     {"type":"open_poll","question":"...","options":["...","..."],"seconds":60}  {"type":"close_poll","poll":1}
//
//   node     an array of such objects a message
//     {"type":"comment","id":7,"by":{"account":12,"name":"Ada","standing":"follower"},"at":61250,"said":1764000000000,
//      "text":"hello"}                             show it when the screen is there, or at once if it has passed
//     {"type":"gone","id":7}
//     {"type":"pinned","comment":{...}}             or null
//     {"type":"hearts","hearts":[[612,3]]}          three in the 613th tenth of a second of media
//     {"type":"poll","id":1,"question":"...","options":["..."],"opens":60000,"closes":120000}    on his screen
//     {"type":"poll_closes","id":1,"closes":90000}  earlier than was said
//     {"type":"votes","poll":1,"votes":[3,4],"final":false}
//     {"type":"rules",...}  {"type":"viewers","count":812}  {"type":"joined","names":["Ada"],"others":3}
//     {"type":"over"}
//     {"type":"held",...} as a comment, and {"type":"audit","by":{...},"when":...,"did":{...}}: to moderators
//     {"type":"you","account":12,"name":"Ada","standing":"follower"}    once: who he is taken for; account 0: nobody
//     {"type":"done","ref":1,"id":7,"text":"hello","held":false}    of a comment; of others the ref alone. It is safe
//     {"type":"refused","ref":2,"why":"too_late","words":"..."}
//
// A field that is not known is passed over, so that an older server understands a newer page; a type that is not known
// is an error, and so is a field that is missing, twice, or not as it should be.
//
// Pure. Reading trusts nothing: numbers have bounds, nothing nests but the lists above.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "media/room.h"

namespace klieg::wire::room {

inline constexpr std::string_view subprotocol = "klieg.room.1";

// For the WebSocket reader: 200 families of four, every character of them escaped, have 13 KiB.
inline constexpr size_t message_size_max = 16 * 1024;
inline constexpr size_t text_size_max = 5'600;            // 200 characters of 28 bytes each (audience/comment_text.h)
inline constexpr uint32_t hearts_max = 100;               // in one message; how many of them count is a meter's to say
inline constexpr size_t words_max = 200;                  // of a filter
inline constexpr int64_t time_ms_max = int64_t{1} << 40;  // 34 years of media
inline constexpr int64_t bar_seconds_max = 31'536'000;    // a year; longer is for good
inline constexpr int64_t poll_seconds_max = 86'400;
inline constexpr int64_t slow_ms_max = 86'400'000;

struct HeartsTapped {
  uint32_t count = 0;
  MediaTime at;
  bool operator==(const HeartsTapped&) const = default;
};
struct CommentTyped {
  uint32_t ref = 0;
  MediaTime at;
  std::string text;
  bool operator==(const CommentTyped&) const = default;
};
struct VoteCast {
  uint32_t ref = 0;
  MediaTime at;
  media::PollId poll = 0;
  uint8_t option = 0;
  bool operator==(const VoteCast&) const = default;
};
struct CommandSaid {
  uint32_t ref = 0;
  MediaTime at;
  media::Command command;
  bool operator==(const CommandSaid&) const = default;
};
using Said = std::variant<HeartsTapped, CommentTyped, VoteCast, CommandSaid>;

// The error is a sentence for whoever wrote the page.
Result<Said> read_said(std::string_view json);
// What a page sends; for viewers without a page.
std::string json_of(const Said& said);

// Who hears it: moderators hear of each other and of what is held.
enum class Hearer : uint8_t { viewer, moderator };

// Appends the event as one object. False: it is not for this hearer, and nothing was appended.
bool append_event(const media::RoomEvent& event, Hearer hearer, std::string& out);
void append_answer(uint32_t ref, const media::RecordOutcome& outcome, std::string& out);

// Gathers objects to one message: the array of them.
class Message {
 public:
  bool empty() const { return size() == 0; }
  size_t size() const { return text_.size() - 1; }  // without its brackets

  bool add(const media::RoomEvent& event, Hearer hearer);
  void add_answer(uint32_t ref, const media::RecordOutcome& outcome);
  void add_you(const media::Person& you);
  // The whole WebSocket frame: head and payload in one piece, the same bytes for everybody. Empty afterwards.
  Bytes take_frame();

 private:
  void separate();
  std::string text_ = "[";
};

std::string_view name_of(media::Standing standing);
std::string_view name_of(media::Refusal refusal);
std::string_view words_of(media::Refusal refusal);  // for who is refused

}  // namespace klieg::wire::room
