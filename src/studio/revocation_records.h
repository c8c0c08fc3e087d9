// What was taken back of the tokens for what is not public (wire/path_token.h), as the database has it: those of an
// account for a channel, of its links, or all, that were first made up to a second.
//
// A server without accounts has them, too. Thread: the store's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media/push.h"
#include "store/database.h"

namespace klieg::studio {

// No token is good for longer.
constexpr Duration token_life_max = std::chrono::hours(24 * 366);

constexpr uint64_t by_link = 0;  // the viewer of a token that is nobody's

// Of what is taken back now. A token may be dated a second ahead, where those up to its making had been revoked.
int64_t revoked_until_s(WallTime now);

store::Outcome<void> write_revocation(store::Database& database, const media::GuestsRevoked& revoked);
// Those that concern a token that may still be good.
store::Outcome<std::vector<media::GuestsRevoked>> list_revocations(store::Database& database, WallTime now);
store::Outcome<std::vector<media::GuestsRevoked>> list_revocations(store::Database& database,
                                                                   const std::string& channel);
store::Outcome<void> forget_old_revocations(store::Database& database, WallTime now);

// The first second of which a token of the viewer is not revoked.
store::Outcome<int64_t> good_from_s(store::Database& database, const std::string& channel, uint64_t viewer);

}  // namespace klieg::studio
