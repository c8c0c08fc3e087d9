#include "cli/database.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/logging.h"
#include "cli/first_run.h"
#include "cli/room_journal.h"
#include "cli/studio.h"
#include "store/migrate.h"
#include "store/open.h"
#include "studio/broadcast_records.h"
#include "studio/revocation_records.h"
#include "wire/http_list.h"

namespace klieg::cli {
namespace {

using store::Database;
using store::Outcome;

// A channel and an account of one name would be one place to watch with two owners.
Outcome<void> keep_names_apart(const Config& config, Database& database) {
  for (const Channel& channel : config.channels) {
    auto account = studio::find_account(database, wire::lower_case(channel.name));
    if (!account) return std::unexpected(std::move(account.error()));
    if (!*account) continue;
    return store::failed(store::FailureKind::broken,
                         fmt::format("channel '{}' has the name of an account; give it another", channel.name));
  }
  return {};
}

Outcome<void> end_what_was_live(const Config& config, Database& database, WallTime now) {
  if (!config.bus_nats.empty()) return {};  // their leases say who is live (cluster.h)
  if (database.engine() == store::Engine::sqlite) return studio::end_all(database, now);
  return studio::end_all_of(database, name_among_rooms(config), now);
}

using FirstAccount = std::optional<studio::FirstAccount>;

Outcome<FirstAccount> begin(const Config& config, Database& database) {
  const WallTime now = read_wall_clock();
  if (auto migrated = store::migrate(database, now); !migrated) return std::unexpected(std::move(migrated.error()));
  if (auto done = RoomJournal::forget_old(database, now); !done) return std::unexpected(std::move(done.error()));
  if (auto done = studio::forget_old_revocations(database, now); !done) return std::unexpected(std::move(done.error()));
  if (!has_accounts(config)) return FirstAccount();
  if (auto apart = keep_names_apart(config, database); !apart) return std::unexpected(std::move(apart.error()));
  if (auto ended = end_what_was_live(config, database, now); !ended) return std::unexpected(std::move(ended.error()));
  return studio::make_first_account_once(database, std::string(first_account_name), config.password_cost, now);
}

// Whoever started the server reads its first lines no more.
store::Worker::Begin begin_later(const Config& config) {
  return [&config, said = std::string()](Database& database) mutable -> Outcome<void> {
    auto first = begin(config, database);
    if (!first) {
      if (said != first.error().message) {
        said = first.error().message;
        logging::warning("the database is not there yet: nobody can log in, and rooms take no word", {{"why", said}});
      }
      return std::unexpected(std::move(first.error()));
    }
    logging::info("the database is there");
    if (!*first) return {};
    if (auto kept = keep_first_account(config.data, **first); !kept) {
      logging::error("the first account has a password that nobody knows", {{"why", kept.error().message}});
    }
    return {};
  };
}

}  // namespace

std::string name_among_rooms(const Config& config) {
  const bool shared = config.database.contains("://") || config.database.contains('=');
  return shared ? config.node_name : "";
}

Result<OpenedDatabase> open_database(const Config& config) {
  const std::string name = config.database.empty() ? config.data + "/klieg.db" : config.database;
  auto database = store::open(name, random_seed());
  if (!database) return fail(database.error().message);
  OpenedDatabase opened{.database = std::move(*database), .told_once = "", .begin = {}, .revoked = {}, .lives = {}};
  auto reached = opened.database->reach();
  auto first = reached ? begin(config, *opened.database) : Outcome<FirstAccount>(std::unexpected(reached.error()));
  if (!first && first.error().kind == store::FailureKind::unavailable) {
    opened.begin = begin_later(config);
    return opened;
  }
  if (!first) return fail(fmt::format("{}: {}", store::without_password(name), first.error().message));
  auto revoked = studio::list_revocations(*opened.database, read_wall_clock());
  if (!revoked) return fail(fmt::format("{}: {}", store::without_password(name), revoked.error().message));
  opened.revoked = std::move(*revoked);
  if (config.bus_nats.empty()) {
    auto lives = studio::take_up_rooms(*opened.database, name_among_rooms(config), read_wall_clock());
    if (!lives) return fail(fmt::format("{}: {}", store::without_password(name), lives.error().message));
    opened.lives = std::move(*lives);
  }
  if (!*first) return opened;
  if (config.log_format == logging::Format::text) {
    opened.told_once = account_lines(**first);
  } else if (auto kept = keep_first_account(config.data, **first); !kept) {
    return std::unexpected(kept.error());
  }
  return opened;
}

}  // namespace klieg::cli
