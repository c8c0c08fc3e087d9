// The RTMP chunk stream: messages cut into chunks, interleaved on one connection (RTMP 1.0, section 5.3).
//
// A chunk begins with one to three bytes naming its chunk stream and one of four header forms: fmt 0 says everything,
// 1 leaves out the message stream, 2 also type and length, 3 everything. An RTMP chunk is not a CMAF chunk.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace klieg::wire::rtmp {

enum class MessageType : uint8_t {
  set_chunk_size = 1,
  abort = 2,
  acknowledgement = 3,
  user_control = 4,
  window_acknowledgement_size = 5,
  set_peer_bandwidth = 6,
  audio = 8,
  video = 9,
  amf3_data = 15,
  amf3_shared_object = 16,
  amf3_command = 17,
  amf0_data = 18,
  amf0_shared_object = 19,
  amf0_command = 20,
  aggregate = 22,
};

struct Message {
  MessageType type = MessageType::amf0_command;  // may hold a value that is not named: such messages are ignored
  uint32_t stream_id = 0;                        // of the message stream; 0 is the connection itself
  uint32_t timestamp_ms = 0;
  Bytes payload;
  bool operator==(const Message&) const = default;
};

enum class ChunkError : uint8_t {
  header_missing,          // a chunk that leaves out what no chunk before it said
  header_inside_message,   // a full header where a message is not finished
  message_too_large,       // longer than the limit allows
  too_many_chunk_streams,  // more than 64
  bad_control_message,     // set chunk size or abort of the wrong size or value
  bad_aggregate,
};
std::string_view name_of(ChunkError error);

inline constexpr uint32_t chunk_size_initial = 128;

// Pulls whole messages out of whatever pieces the network delivers. Set Chunk Size and Abort take effect here and are
// not handed out; an aggregate comes out as the messages in it, their times moved to the aggregate's.
//
// Memory: the unfinished messages of all chunk streams together hold at most `buffered_max` bytes, which also bounds
// one message. Their buffers grow by doubling with what has really arrived, never with what a header promises, so at
// most 2 x buffered_max + 64 chunk streams of about 70 bytes. Whoever owns the reader chooses `buffered_max` by how far
// it trusts the peer.
class ChunkReader {
 public:
  explicit ChunkReader(size_t buffered_max) : buffered_max_(buffered_max) {}

  // Consumes from the front of `bytes` until a message is whole (and returns it) or nothing is left (and returns
  // none). After an error the connection is of no more use.
  Result<std::optional<Message>, ChunkError> read(ByteView& bytes);

  void set_buffered_max(size_t buffered_max) { buffered_max_ = buffered_max; }
  size_t buffered() const { return buffered_; }

 private:
  struct ChunkStream {
    uint32_t id = 0;
    uint32_t timestamp_ms = 0;  // of the message being read, or of the last one
    uint32_t time_field = 0;    // of the latest fmt 0, 1 or 2: what fmt 3 repeats
    uint32_t length = 0;
    uint32_t stream_id = 0;
    MessageType type = MessageType::amf0_command;
    bool known = false;          // a fmt 0 or 1 has said length and type
    bool extended_time = false;  // the latest time field did not fit 24 bits
    bool in_message = false;
    std::vector<uint8_t> body;
  };
  // Do fmt 3 chunks repeat an extended time? The standard says so, some encoders never do it. Learned once, from the
  // first such chunk: either its next four bytes are the time again, or they are payload.
  enum class ExtendedRepeats : uint8_t { unknown, yes, no };

  Result<std::optional<Message>, ChunkError> step(ByteView& bytes);
  size_t header_size_so_far() const;
  std::optional<ChunkError> begin_chunk();
  std::optional<ChunkError> obey(const Message& message);
  Result<std::optional<Message>, ChunkError> next_of_aggregate();
  ChunkStream* find(uint32_t id);
  const ChunkStream* find(uint32_t id) const { return const_cast<ChunkReader*>(this)->find(id); }
  Result<std::optional<Message>, ChunkError> take_chunk_content(ByteView& bytes);
  size_t room() const { return buffered_max_ > buffered_ ? buffered_max_ - buffered_ : 0; }

  size_t buffered_max_;
  size_t buffered_ = 0;
  uint32_t chunk_size_ = chunk_size_initial;
  std::vector<ChunkStream> chunk_streams_;
  std::array<uint8_t, 18> header_{};  // 3 (basic) + 11 (fmt 0) + 4 (extended time)
  size_t header_size_ = 0;
  uint32_t current_ = 0;     // index of the chunk stream whose chunk content is being read
  uint32_t chunk_left_ = 0;  // bytes of it still to come; 0: a header is next
  ExtendedRepeats extended_repeats_ = ExtendedRepeats::unknown;
  std::array<uint8_t, 4> unread_{};  // payload that was taken for a time
  size_t unread_size_ = 0;
  Message aggregate_;  // what is left to hand out of one
  uint32_t aggregate_time_shift_ms_ = 0;
  bool aggregate_begun_ = false;
};

// Cuts messages into chunks. The payload is shared, not copied; only headers are new.
class ChunkWriter {
 public:
  // Appends the pieces to `out`. `chunk_stream_id` is 2 (protocol control) to 65,599.
  void write(const Message& message, uint32_t chunk_stream_id, std::vector<Bytes>& out);

  // From the next message on; the peer must have been told by a Set Chunk Size written before.
  void set_chunk_size(uint32_t chunk_size);
  uint32_t chunk_size() const { return chunk_size_; }

 private:
  struct ChunkStream {
    uint32_t id = 0;
    uint32_t timestamp_ms = 0;
    std::optional<uint32_t> delta_ms;  // nothing after a fmt 0, whose repetition is read in different ways
    uint32_t length = 0;
    uint32_t stream_id = 0;
    MessageType type = MessageType::amf0_command;
  };

  uint32_t chunk_size_ = chunk_size_initial;
  std::vector<ChunkStream> chunk_streams_;  // as many as our own code uses: a handful
};

}  // namespace klieg::wire::rtmp
