// The database of `klieg serve`: opened, brought to the schema of this program, and given its first account.
//
// A file is there when the server starts, or it does not start. PostgreSQL may be away: the server starts without it,
// the API answers 503, and what is to be done first is done when it comes (store/worker.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/config.h"
#include "media/push.h"
#include "store/worker.h"

namespace klieg::cli {

struct OpenedDatabase {
  std::unique_ptr<store::Database> database;
  std::string told_once;  // lines for who starts the server
  // What is still to be done, on the store's thread. Empty: all is done, and `revoked` is what the database has.
  store::Worker::Begin begin;
  std::vector<media::GuestsRevoked> revoked;
};

// Waits for PostgreSQL for store::connect_max at most. `config` outlives what is still to be done.
Result<OpenedDatabase> open_database(const Config& config);

}  // namespace klieg::cli
