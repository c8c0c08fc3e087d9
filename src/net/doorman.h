// Who may come in by a door, of those who have connected.
//
// Whoever accepts connections asks the doorman about each, and sees to it that he hears when one that was welcome
// leaves: by having it keep a farewell(), whoever owns it then, or by saying so itself.
//
// Thread: the accepting loop.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace klieg::net {

class Doorman {
 public:
  enum class Word : uint8_t { welcome, too_many };

  virtual ~Doorman() = default;
  // `peer`: address and port. Who is not welcome is told so in the protocol of the door and goes; over TLS, where
  // telling would first cost a handshake, the connection is closed.
  virtual Word arrives(std::string_view peer) = 0;
  virtual void leaves(std::string_view peer) = 0;  // once for each who was welcome
};

// For Connection::keep(). The doorman outlives the connection.
inline std::shared_ptr<void> farewell(Doorman& doorman, const std::string& peer) {
  return {nullptr, [&doorman, peer](void*) { doorman.leaves(peer); }};
}

}  // namespace klieg::net
