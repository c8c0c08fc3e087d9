// The database of several machines: PostgreSQL 15, by libpq.
//
//   down --tend(), due--> connecting --answered--> up --lost, or silent for reply_max--> down
//    ^                        |                     |
//    +--refused, or too late--+                     +-- each statement's answer is waited for, reply_max at most
//
// While it is not up every call fails at once as `unavailable`; nothing waits for a server that is not there. tend()
// reaches it again, without waiting, with pauses that grow (base/reconnecting.h). A connection that is lost says
// `in_doubt` to whom it was committing for, and `unavailable` to the others.
//
// Transactions are SERIALIZABLE, as they are in SQLite, and so is a single statement. synchronous_commit is on whatever
// the server's default is.
//
// Thread: as database.h says. These waits read the machine's clock themselves.
#pragma once

#include <memory>
#include <string>

#include "store/database.h"

namespace klieg::store {

// What a loaded server may take for one statement, twice over; beyond it the connection counts as lost, because a
// network that swallows packets says nothing. The server itself gives up at half of it (statement_timeout,
// lock_timeout).
constexpr Duration reply_max_default = 4s;
constexpr Duration connect_max = 3s;
constexpr Duration look_every = 1s;  // whether a connection that nobody uses is still there

struct PostgresqlOptions {
  std::string conninfo;  // as libpq has it: "host=... dbname=..." or "postgresql://..."
  uint64_t seed = 0;     // of the pauses between attempts
  Duration reply_max = reply_max_default;
};

// Fails where conninfo cannot be read. Nothing is reached yet: tend() or reach() does.
Outcome<std::unique_ptr<Database>> open_postgresql(const PostgresqlOptions& options);

}  // namespace klieg::store
