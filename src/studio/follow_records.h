// Who follows whom, and who wants nothing to do with whom.
//
// Following has a direction. Blocking ends it both ways, and while it lasts the blocked cannot follow again; whether
// somebody is blocked is told to nobody but the blocker, so the refusal is that of an account that is not there.
//
// All of it may be said twice: the second time changes nothing. Lists come in pages by account id upwards: `after` is
// the last id of the page before, 0 for the first. Who notices a million followers reads them so, page by page.
//
// Thread: the store's.
#pragma once

#include <cstdint>
#include <vector>

#include "store/database.h"
#include "studio/account_records.h"

namespace klieg::studio {

enum class FollowIs : uint8_t { there, not_there };  // not_there: no such account, oneself, or blocked
store::Outcome<FollowIs> follow(store::Database& database, int64_t follower, int64_t followed, WallTime now);
store::Outcome<void> unfollow(store::Database& database, int64_t follower, int64_t followed);
store::Outcome<bool> follows(store::Database& database, int64_t follower, int64_t followed);

struct FollowCounts {
  int64_t followers = 0;
  int64_t following = 0;
  bool operator==(const FollowCounts&) const = default;
};
store::Outcome<FollowCounts> count_follows(store::Database& database, int64_t account);

constexpr size_t follow_page_max = 1'000;  // of followers to be noticed: 100 KiB
store::Outcome<std::vector<Account>> list_followers(store::Database& database, int64_t account, int64_t after,
                                                    size_t limit);
store::Outcome<std::vector<Account>> list_following(store::Database& database, int64_t account, int64_t after,
                                                    size_t limit);

store::Outcome<void> block(store::Database& database, int64_t account, int64_t blocked, WallTime now);
store::Outcome<void> unblock(store::Database& database, int64_t account, int64_t blocked);
store::Outcome<bool> blocks(store::Database& database, int64_t account, int64_t blocked);

}  // namespace klieg::studio
