// Who keeps order in an account's rooms, and who may not take part in them; beyond any one broadcast.
//
// A host is the account whose rooms are meant. Who is blocked by a host takes no part in its rooms either
// (follow_records.h), until he is not blocked any more. All of it may be said twice: the second time changes nothing
// but the end and the reason of a ban. What moderators do is written into the audit log (audit_records.h) with the
// entry of the room's journal, in one transaction.
//
// Thread: the store's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media/room.h"
#include "store/database.h"
#include "studio/account_records.h"

namespace klieg::studio {

constexpr size_t moderators_max = 100;  // of one host: more than anybody can name
constexpr size_t bans_kept_max = 10'000;
constexpr size_t ban_reason_characters_max = 200;

enum class Appointed : uint8_t {
  yes,
  not_there,
  too_many
};  // not_there: no such account, oneself, or one who is banned
store::Outcome<Appointed> appoint_moderator(store::Database& database, int64_t host, int64_t account, WallTime now);
store::Outcome<void> dismiss_moderator(store::Database& database, int64_t host, int64_t account, WallTime now);
store::Outcome<std::vector<Account>> list_moderators(store::Database& database, int64_t host);

struct Ban {
  Account account;
  std::string reason;
  WallTime since;
  std::optional<WallTime> until;  // none: for good
};
enum class Banned : uint8_t { yes, not_there, too_many };  // not_there: no such account, or the host himself
// Whoever is banned is no moderator any more. `by`: none, where the account is unknown here.
store::Outcome<Banned> ban(store::Database& database, int64_t host, int64_t account, std::optional<int64_t> by,
                           const std::string& reason, std::optional<WallTime> until, WallTime now);
store::Outcome<void> unban(store::Database& database, int64_t host, int64_t account, WallTime now);
// By account, from behind `after` (0: the first); those whose end is past are not there.
store::Outcome<std::vector<Ban>> list_bans(store::Database& database, int64_t host, int64_t after, size_t limit,
                                           WallTime now);

// What somebody is in the rooms of `host`, who is none of these.
store::Outcome<media::Standing> standing_in_rooms(store::Database& database, const std::string& host, int64_t account);
// Who an account is in the room of a channel. The rooms of a channel that whoever runs the server has given are all
// operators'.
enum class ChannelOf : uint8_t { account, server };
// As far as it is known without asking: a broadcaster, or a stranger.
media::Person person_before_records(const Account& account, const std::string& channel, ChannelOf whose);
store::Outcome<media::Person> person_in_room(store::Database& database, const Account& account,
                                             const std::string& channel, ChannelOf whose);
// What a room begins with: who keeps order in it, and who is barred from it, the latest bans_kept_max.
struct RoomPeople {
  std::vector<media::AccountId> moderators;
  std::vector<media::PersonBarred> barred;
};
store::Outcome<RoomPeople> people_of_rooms(store::Database& database, const std::string& host, WallTime now);
// What moderators did in a room of `host`, as its journal says it: the bans last, and all of it is in the audit log.
store::Outcome<void> write_moderation(store::Database& database, const std::string& host,
                                      const std::vector<media::Audited>& deeds, WallTime now);

}  // namespace klieg::studio
