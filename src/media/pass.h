// Who may watch a channel, and what a guest of a private one holds for as long as something stays open for him: a
// WebSocket, a request that waits. Nodes check tokens where a viewer comes in (edge/guests.h); a pass is how they end
// what they let in.
#pragma once

#include <cstdint>
#include <functional>

namespace klieg::media {

// Nodes may fetch whatever viewers may; what only guests may is told to them as such (wire::private_header).
enum class Audience : uint8_t { everybody, guests };

class Pass {
 public:
  virtual ~Pass() = default;  // the guest has left: nothing is called afterwards
  virtual bool over() const = 0;
  // `call` is called once, when what he came with was revoked or is over. It may destroy the pass.
  virtual void when_over(std::move_only_function<void()> call) = 0;
};

}  // namespace klieg::media
