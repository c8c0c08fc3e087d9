// One connection to a NATS server as a state machine: bytes and `now` in; bytes to send, messages and a wake-at out.
//
//   greeting --INFO--> proving --PONG--> up --+--> ended, and why() says in words what was wrong
//      +------------------+-------------------+
//
// CONNECT is followed by a PING, whose answer says that we were let in. Once up, the server is asked every ping_every
// whether it is there. Its answer says more: all that was sent before the question has reached it, and all that it had
// for us by then is here.
//
// Ownership, thread: a plain value of its owner; no socket, no clock, no callback.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "wire/nats.h"

namespace klieg::bus {

class NatsSession {
 public:
  static constexpr Duration answer_within = 5s;
  static constexpr Duration ping_every = 2s;  // a partition is noticed within 7 s

  enum class State : uint8_t { greeting, proving, up, ended };

  NatsSession(wire::nats::Credentials credentials, std::string name, LoopTime now)
      : credentials_(std::move(credentials)), name_(std::move(name)), wake_at_(now + answer_within) {}

  // Appends what was delivered.
  void receive(ByteView bytes, LoopTime now, std::vector<wire::nats::Delivered>& heard);
  void wake(LoopTime now);
  LoopTime wake_at() const { return wake_at_; }

  // When the last question was asked that was answered; nullopt: none, since it is up.
  std::optional<LoopTime> certain_up_to() const { return certain_up_to_; }
  // A question is on its way.
  bool asks() const { return pinged_at_.has_value(); }

  // Asserted: up.
  void subscribe(std::string_view pattern, uint64_t subscription);
  void unsubscribe(uint64_t subscription);
  void publish(std::string_view subject, const Bytes& payload);

  std::vector<Bytes> take_output();
  size_t output_size() const { return output_size_; }
  State state() const { return state_; }
  const std::string& why() const { return why_; }
  // The last complaint, as the server said it: the reason, when it closes without another word.
  const std::string& complaint() const { return complaint_; }

 private:
  void obey(wire::nats::Operation& operation, LoopTime now, std::vector<wire::nats::Delivered>& heard);
  void greet(const wire::nats::Info& info, LoopTime now);
  void write(Bytes piece);
  void end(std::string why);

  wire::nats::Credentials credentials_;
  std::string name_;
  State state_ = State::greeting;
  LoopTime wake_at_;
  std::optional<LoopTime> pinged_at_;  // once up
  std::optional<LoopTime> certain_up_to_;
  wire::nats::Decoder decoder_;
  std::string why_, complaint_;
  std::vector<Bytes> output_;
  size_t output_size_ = 0;
};

}  // namespace klieg::bus
