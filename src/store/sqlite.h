// The database of one machine: a file, by SQLite.
//
// WAL, so that readers of other processes are not in a writer's way; synchronous=FULL, so that a commit is on the disk
// before it is acknowledged (docs/decisions/0010). STRICT tables, foreign keys on. The file is its owner's alone
// (0600): it holds digests of passwords.
//
// Other processes may open the same file (`klieg migrate`); who finds it locked waits for lock_wait, then is `busy`.
#pragma once

#include <memory>
#include <string>

#include "store/database.h"

namespace klieg::store {

// A writer holds the lock for a commit, some milliseconds. With attempts_max the longest wait is 5 s.
constexpr Duration lock_wait = 1s;

// Makes the file where there is none; its folder is there. The failure says what is wrong with which file.
Outcome<std::unique_ptr<Database>> open_sqlite(const std::string& path);

}  // namespace klieg::store
