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
#include "studio/room_life_records.h"

namespace klieg::cli {

struct OpenedDatabase {
  std::unique_ptr<store::Database> database;
  std::string told_once;  // lines for who starts the server
  // What is still to be done, on the store's thread. Empty: all is done, and the rest is what the database has.
  store::Worker::Begin begin;
  std::vector<media::GuestsRevoked> revoked;
  std::vector<studio::RoomLife> lives;  // that go on here
};

// By which name this node's rooms are written down, so that it finds them again: none in a file, which is its own.
// PostgreSQL is shared, so a node without a `node.name` of its own, which is another at every start, finds none.
std::string name_among_rooms(const Config& config);

// Waits for PostgreSQL for store::connect_max at most. `config` outlives what is still to be done.
Result<OpenedDatabase> open_database(const Config& config);

}  // namespace klieg::cli
