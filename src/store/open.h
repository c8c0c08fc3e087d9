// Which database a name means: "postgresql://..." (or "postgres://", or libpq's "host=... dbname=...") one that several
// machines share, anything else the file of one machine.
#pragma once

#include <memory>
#include <string>

#include "store/database.h"

namespace klieg::store {

// As open_postgresql() and open_sqlite() say: PostgreSQL is not reached yet. `seed`: of the pauses between attempts.
Outcome<std::unique_ptr<Database>> open(const std::string& name, uint64_t seed);

bool is_postgresql(const std::string& name);

// The name as it may be shown: without the password that is in it.
std::string without_password(const std::string& name);

}  // namespace klieg::store
