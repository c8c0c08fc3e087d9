// What the server and a codec worker say to each other over an inherited stream socket.
//
//   frame    u32 size of what follows, u8 type, body           all integers big-endian; times are i64 nanoseconds
//   body     the members below in their order; names behind a u8 size, words behind a u16, bytes behind a u32, lists
//            behind a u8 count, the content of samples and pictures last and without
//
//   server:  (Configure (Begin SourceSample*)*)* ... SetPresence at any time ... Drain
//   worker:  Hello -> (RungTrack* Configured or Refused) (RungSample | PictureMade | Progress | Undecodable)* ...
//   Drained
//
// The worker answers each Configure at once: with Configured, after the RungTracks of every rung, so that all headers
// are known before the first sample is there; or with Refused. What comes out carries the generation of the Begin that
// it belongs to. A Begin, a Configure and a Drain first bring out what is still in the coders, under the old
// generation. A decoder that opened and knows nothing of what it is given shows only then: Undecodable.
//
// Pure. The bytes come from a process that may have been taken over by a hostile stream, so reading trusts nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "media/ladder.h"
#include "media/sample.h"
#include "media/track.h"

namespace klieg::wire::codec {

// The largest sample or decoder configuration that ingest accepts is 16 MiB (an RTMP message). A message has at most
// two of them (Configure), and less than 64 KiB besides.
inline constexpr size_t message_size_max = (32u << 20) + (64u << 10);
inline constexpr uint32_t protocol_version = 2;
inline constexpr size_t rungs_max = 32;         // a ladder of video and audio has about seven
inline constexpr size_t name_size_max = 64;     // of rungs and RFC 6381 codecs: letters, digits, '.', '-', '_'
inline constexpr size_t words_size_max = 1024;  // longer ones are cut; what is not printable ASCII comes out as '?'

// --- from the server ---

struct Pictures {
  Duration poster_every{0};  // 0: none
  uint32_t poster_height = 0;
  Duration thumbnail_every{0};
  uint32_t thumbnail_height = 0;
};

// What is to be made of what. A source whose format changes is configured again.
struct Configure {
  std::vector<media::Track> sources;  // at most one of a kind
  std::vector<media::Rung> rungs;     // by RungId
  // Where key frames lie: where the source has them, or (not 0) on multiples of this duration of media time.
  Duration key_grid{0};
  Pictures pictures;
};

// What follows does not continue what came before: decoders and encoders begin anew.
struct Begin {
  uint32_t generation = 0;
  // By RungId; a rung that is not named begins at once. Frames presented earlier are decoded but not sent: they are
  // given only so that decoding can begin. The first frame sent of each rung is a key frame.
  std::vector<MediaTime> from;
  MediaTime key_origin = {};  // from which the key grid is counted, where there is one
};

struct SourceSample {
  media::TrackKind kind = media::TrackKind::video;
  media::Sample sample;  // `captured` does not travel
};

// From the next key frame on, this rung is made, or not.
struct SetPresence {
  media::RungId rung = 0;
  media::Presence presence = media::Presence::media;
};

// What is in the coders is to come out; Drained follows it.
struct Drain {};

// --- from the worker ---

struct Hello {
  uint32_t version = protocol_version;
  std::string words;  // of the libraries and encoders, for the log
};

struct RungTrack {
  media::RungId rung = 0;
  media::Track track;
};

struct Configured {};

// The source cannot be decoded, or no encoder opens. The words are for the operator.
struct Refused {
  std::string words;
};

struct RungSample {
  uint32_t generation = 0;
  media::RungId rung = 0;
  media::Sample sample;
};

struct PictureMade {
  media::Picture picture;
};

// After every source sample of video (of audio, where there is no video).
struct Progress {
  uint32_t generation = 0;
  MediaTime done;    // presentation time of the newest sample whose frames have all been sent
  Duration busy{0};  // wall time spent coding since the last Progress
  Duration span{0};  // of media coded in it
};

struct Drained {};

// Nothing has come of this source since its generation began, however much was given. The words are for the operator.
// Said once; what is given further is tried further.
struct Undecodable {
  uint32_t generation = 0;
  media::TrackKind kind = media::TrackKind::video;
  std::string words;
};

using ToWorker = std::variant<Configure, Begin, SourceSample, SetPresence, Drain>;
using FromWorker =
    std::variant<Hello, RungTrack, Configured, Refused, RungSample, PictureMade, Progress, Drained, Undecodable>;

// The message as it goes over the socket; a sample's content stays where it is: write the pieces in order.
std::vector<Bytes> write(const ToWorker& message);
std::vector<Bytes> write(const FromWorker& message);

// Cuts a stream into messages. Holds at most one unfinished message besides what next() has not taken. What was cut
// before an error can still be taken; after it nothing more is cut, and push() repeats it.
template <class Message>
class Reader {
 public:
  // The error says what was wrong: the other side is broken and to be ended.
  Result<void> push(Bytes received);
  std::optional<Message> next();

 private:
  std::deque<Message> ready_;
  std::vector<uint8_t> partial_;
  std::optional<Error> error_;
};
using WorkerReader = Reader<FromWorker>;  // at the server
using ServerReader = Reader<ToWorker>;    // at the worker

}  // namespace klieg::wire::codec
