// Who did what to whom, kept for those who answer for it. Rows are written and read, never changed.
//
// `detail` says no secret and no address. Thread: the store's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/database.h"

namespace klieg::studio {

struct Deed {
  int64_t id = 0;
  WallTime at;
  std::optional<int64_t> actor;    // an account; none: Klieg itself
  std::string action;              // "key revoked", "account suspended": a fixed phrase
  std::optional<int64_t> subject;  // an account
  std::string detail;              // at most 500 characters
};

// Inside the transaction of what was done, so that neither is there without the other.
store::Outcome<void> write_deed(store::Database& database, const Deed& deed);
struct KeptDeed : Deed {
  std::optional<std::string> actor_name, subject_name;  // none: the account is gone, or there was none
};
// Downwards from `before` (0: the newest), `about` whom it was done to, or by (none: all). `limit`: 1 to 100.
store::Outcome<std::vector<KeptDeed>> list_deeds(store::Database& database, std::optional<int64_t> about,
                                                 int64_t before, size_t limit);

}  // namespace klieg::studio
