// Stream keys: made, shown once, kept as digests, rotated, revoked.
//
// A key that is revoked ends the broadcast it carries: whoever revokes is told which one, and sees to it. After a
// rotation an encoder with the old key is refused.
//
// Thread: the store's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/database.h"
#include "studio/account_records.h"
#include "studio/visibility.h"

namespace klieg::studio {

struct NewKey {
  int64_t id = 0;
  std::string secret;  // shown once
};
struct StreamKey {
  int64_t id = 0;
  std::string label;
  WallTime created;
  std::optional<WallTime> used;
};
struct KeyHolder {
  int64_t key = 0;
  Account account;
  Visibility visibility = Visibility::everyone;  // of what begins with it, or goes on (visibility_of_next)
};
// What revoking has found: the broadcast that the key carries just now, if it does.
struct RevokedKey {
  std::optional<int64_t> live_broadcast;
};

// An encoder at home, one in the bag, one for each friend who may stand in: not counting revoked ones.
constexpr size_t keys_max = 20;

// nullopt: there are keys_max already.
store::Outcome<std::optional<NewKey>> make_key(store::Database& database, int64_t account, const std::string& label,
                                               WallTime now);
// nullopt: there is none like it, or it was revoked, or its account is suspended. That it was used is written down.
store::Outcome<std::optional<KeyHolder>> use_key(store::Database& database, const std::string& secret, WallTime now);
store::Outcome<std::vector<StreamKey>> list_keys(store::Database& database, int64_t account);
// nullopt: the account has no such key.
store::Outcome<std::optional<RevokedKey>> revoke_key(store::Database& database, int64_t account, int64_t id,
                                                     WallTime now);
struct RotatedKey {
  NewKey made;
  std::string label;  // the old one's
  RevokedKey revoked;
};
store::Outcome<std::optional<RotatedKey>> rotate_key(store::Database& database, int64_t account, int64_t id,
                                                     WallTime now);

}  // namespace klieg::studio
