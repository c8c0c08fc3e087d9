#include "bus/nats_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "bus/bus.h"

namespace klieg::bus {

namespace nats = wire::nats;

void NatsSession::receive(ByteView bytes, LoopTime now, std::vector<nats::Delivered>& heard) {
  if (state_ == State::ended) return;
  std::vector<nats::Operation> operations;
  const auto fed = decoder_.feed(bytes, operations);
  for (nats::Operation& operation : operations) {
    if (state_ != State::ended) obey(operation, now, heard);
  }
  if (!fed && state_ != State::ended) return end(fed.error().message);
  // Whatever comes is a sign of life; the answer is behind all that waits for us.
  if (state_ == State::up && pinged_at_) wake_at_ = now + answer_within;
}

void NatsSession::obey(nats::Operation& operation, LoopTime now, std::vector<nats::Delivered>& heard) {
  if (const auto* info = std::get_if<nats::Info>(&operation)) {
    if (state_ == State::greeting) greet(*info, now);  // later ones tell of servers that join its cluster
  } else if (auto* delivered = std::get_if<nats::Delivered>(&operation)) {
    if (state_ == State::up) heard.push_back(std::move(*delivered));
  } else if (std::holds_alternative<nats::Ping>(operation)) {
    write(Bytes::of_static(as_bytes(nats::pong_line)));
  } else if (std::holds_alternative<nats::Pong>(operation)) {
    if (state_ == State::proving) {
      state_ = State::up;
      wake_at_ = now + ping_every;
    } else if (pinged_at_) {
      certain_up_to_ = std::exchange(pinged_at_, std::nullopt);
      wake_at_ = std::max(now, *certain_up_to_ + ping_every);
    }
  } else if (auto* complaint = std::get_if<nats::Complaint>(&operation)) {
    complaint_ = std::move(complaint->words);
    if (state_ != State::up) end(fmt::format("it refused us: {}", complaint_));
  }
}

void NatsSession::greet(const nats::Info& info, LoopTime now) {
  if (info.tls_required) return end("it wants TLS, which we do not speak with it");
  if (info.payload_size_max < payload_size_max) {
    return end(fmt::format("it takes {} bytes in a message; give it a max_payload of {}", info.payload_size_max,
                           payload_size_max));
  }
  state_ = State::proving;
  wake_at_ = now + answer_within;
  write(Bytes::take(nats::connect_line(credentials_, name_)));
  write(Bytes::of_static(as_bytes(nats::ping_line)));
}

void NatsSession::wake(LoopTime now) {
  if (state_ == State::ended || now < wake_at_) return;
  if (state_ != State::up || pinged_at_) return end("it does not answer");
  pinged_at_ = now;
  wake_at_ = now + answer_within;
  write(Bytes::of_static(as_bytes(nats::ping_line)));
}

void NatsSession::subscribe(std::string_view pattern, uint64_t subscription) {
  KLIEG_ASSERT(state_ == State::up, "the server has let us in");
  write(Bytes::take(nats::subscribe_line(pattern, subscription)));
}

void NatsSession::unsubscribe(uint64_t subscription) {
  KLIEG_ASSERT(state_ == State::up, "the server has let us in");
  write(Bytes::take(nats::unsubscribe_line(subscription)));
}

void NatsSession::publish(std::string_view subject, const Bytes& payload) {
  KLIEG_ASSERT(state_ == State::up, "the server has let us in");
  write(Bytes::take(nats::publish_line(subject, payload.size())));
  if (!payload.empty()) write(payload);
  write(Bytes::of_static(as_bytes(nats::line_end)));
}

std::vector<Bytes> NatsSession::take_output() {
  output_size_ = 0;
  return std::exchange(output_, {});
}

void NatsSession::write(Bytes piece) {
  output_size_ += piece.size();
  output_.push_back(std::move(piece));
}

void NatsSession::end(std::string why) {
  state_ = State::ended;
  why_ = std::move(why);
}

}  // namespace klieg::bus
