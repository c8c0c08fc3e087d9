// The client's end of an RTMP connection, below what it is for: the handshake, chunks, and what a client owes the
// protocol itself - acknowledgements, the answer to a ping, a window for who asks (RTMP 1.0, sections 5.2 to 5.4).
//
// Bytes in, messages and bytes to send out. Memory: ChunkReader's bound.
// Ownership, thread: a plain value of its owner; no socket, no clock, no callback.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "wire/rtmp_chunk.h"
#include "wire/rtmp_handshake.h"
#include "wire/rtmp_message.h"

namespace klieg::wire::rtmp {

class ClientLink {
 public:
  // What is to be sent first is there from its birth on.
  ClientLink(HandshakeForm form, uint64_t seed, size_t buffered_max);

  // What one read brought, before anything of it is read: what the handshake takes of it is gone from its front.
  HandshakeState begin_read(ByteView& bytes);
  // As ChunkReader::read(). What the protocol itself asks is answered, and returned like everything else.
  Result<std::optional<Message>, ChunkError> read(ByteView& bytes);
  size_t buffered() const { return reader_.buffered(); }

  // From the next message on.
  void set_chunk_size(uint32_t chunk_size);
  void write(const Message& message, uint32_t chunk_stream_id);
  void write(const Command& command, uint32_t stream_id);
  std::vector<Bytes> take_output();

 private:
  void acknowledge(size_t received);
  void obey(const Message& message);

  HandshakeClient handshake_;
  ChunkReader reader_;
  ChunkWriter writer_;
  uint32_t window_ = 0;  // 0: the server asked for no acknowledgements
  uint64_t bytes_received_ = 0;
  uint64_t bytes_acknowledged_ = 0;
  std::vector<Bytes> output_;
};

}  // namespace klieg::wire::rtmp
