#include "studio/picture_records.h"

#include "store/answer.h"

namespace klieg::studio {

using store::Database;
using store::Outcome;
using store::Row;

Outcome<void> set_picture(Database& database, int64_t account, std::string_view content_type, const Bytes& content,
                          WallTime now) {
  return store::nothing_of(
      database.run("INSERT INTO pictures (account, content_type, content, set_ms) VALUES ($1, $2, $3, $4) "
                   "ON CONFLICT (account) DO UPDATE SET content_type = excluded.content_type, "
                   "content = excluded.content, set_ms = excluded.set_ms",
                   {account, content_type, content, now}));
}

Outcome<void> remove_picture(Database& database, int64_t account) {
  return store::nothing_of(database.run("DELETE FROM pictures WHERE account = $1", {account}));
}

Outcome<std::optional<Picture>> find_picture(Database& database, const std::string& account_name) {
  return store::first_of(database.run("SELECT content_type, content FROM pictures JOIN accounts "
                                      "ON accounts.id = pictures.account WHERE name = $1",
                                      {account_name}),
                         [](const Row& row) { return Picture{row[0].text(), row[1].bytes()}; });
}

Outcome<std::optional<WallTime>> picture_set(Database& database, int64_t account) {
  return store::first_of(database.run("SELECT set_ms FROM pictures WHERE account = $1", {account}),
                         [](const Row& row) { return row[0].time(); });
}

}  // namespace klieg::studio
