// Who somebody is in the room of a channel, for nodes that cannot look it up: signed by a studio, shown at any node.
//
//   GET /live/NAME/room?ticket=TICKET    a WebSocket, behind a token in the path or not (path_token.h)
//
//   TICKET = a claim (claim.h) of the purpose "klieg-room" for NAME, with the fields
//     EXPIRES   seconds since 1970, decimal
//     ACCOUNT   decimal, from 1
//     STANDING  as in klieg.room.1: stranger, follower, moderator, broadcaster
//     CALLED    the name that the account is shown by
//
// It says who somebody is and lets nobody watch what he may not watch: that is what tokens in paths are for. It is
// asked for where it is shown, and so short that who has found one is somebody else for two minutes at most. It may be
// shown as often as its owner opens a window.
//
// Pure: no clock.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "media/room.h"
#include "wire/claim.h"

namespace klieg::wire {

constexpr Duration room_ticket_life = std::chrono::minutes(2);
constexpr size_t room_ticket_name_size_max = 64;  // of accounts; studio/name.h allows 30

// The value of the parameter; nullopt: the query has none.
std::optional<std::string_view> room_ticket_in(std::string_view query);

struct RoomTicketJudgement {
  ClaimTrust trust = ClaimTrust::wrong;
  media::Person person;  // if it is trusted
};

class RoomTicketKey {
 public:
  // An empty secret trusts nobody.
  explicit RoomTicketKey(std::string_view secret);

  // Asserted: there is a secret, and the person an account with a name of letters, digits, '_' and '-'.
  std::string sign(std::string_view channel, const media::Person& person, WallTime expires) const;
  RoomTicketJudgement judge(std::string_view ticket, std::string_view channel, WallTime now) const;

 private:
  ClaimKey key_;
};

}  // namespace klieg::wire
