// Brings a database to the schema that this program knows: numbered files, forward only.
//
//   migrations/NNNN_name.sql, embedded; from 1 without a hole. Each is applied in one transaction with its row in
//   schema_migrations, so a process that dies in between leaves the one or the other; what was applied is told again by
//   its number and checksum, and a file that was changed afterwards, or a database of a newer Klieg, is refused.
//
// Several may migrate one database at once: each migration is applied by one of them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "store/database.h"

namespace klieg::store {

struct Migration {
  uint32_t version;
  std::string_view name;
  std::string_view checksum;  // SHA-256 of the file, in hex
  std::string_view script;
};

std::span<const Migration> migrations();  // this program's

// How many of them the database lacks. `broken`: it is none of ours, or of another Klieg.
Outcome<size_t> missing(Database& database, std::span<const Migration> known = migrations());

// Applies what is missing, in order, and says how many that were. After a failure the database is as the last good
// migration left it, and may be migrated again.
Outcome<size_t> migrate(Database& database, WallTime now, std::span<const Migration> known = migrations());

}  // namespace klieg::store
