#include "studio/audit_records.h"

#include <utility>

#include "base/assert.h"
#include "store/answer.h"

namespace klieg::studio {

using store::Database;
using store::Outcome;
using store::Row;

Outcome<void> write_deed(Database& database, const Deed& deed) {
  return store::nothing_of(
      database.run("INSERT INTO audit_log (at_ms, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5)",
                   {deed.at, deed.actor, deed.action, deed.subject, deed.detail}));
}

Outcome<std::vector<KeptDeed>> list_deeds(Database& database, std::optional<int64_t> about, int64_t before,
                                          size_t limit) {
  KLIEG_ASSERT(limit >= 1 && limit <= 100, "a page is bounded");
  auto rows = database.run(
      "SELECT audit_log.id, at_ms, actor, action, subject, detail, actors.name, subjects.name FROM audit_log "
      "LEFT JOIN accounts AS actors ON actors.id = actor LEFT JOIN accounts AS subjects ON subjects.id = subject "
      "WHERE (actor = $1 OR subject = $1 OR $1 = 0) AND (audit_log.id < $2 OR $2 = 0) "
      "ORDER BY audit_log.id DESC LIMIT $3",
      {about.value_or(0), before, static_cast<int64_t>(limit)});
  return store::all_of(std::move(rows), [](const Row& row) {
    KeptDeed deed{
        {.id = row[0].integer(), .at = row[1].time(), .action = row[3].text(), .detail = row[5].text()}, {}, {}};
    if (!row[2].null()) deed.actor = row[2].integer();
    if (!row[4].null()) deed.subject = row[4].integer();
    if (!row[6].null()) deed.actor_name = row[6].text();
    if (!row[7].null()) deed.subject_name = row[7].text();
    return deed;
  });
}

}  // namespace klieg::studio
