#include "cli/room_journal.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/logging.h"
#include "store/answer.h"
#include "store/lease.h"
#include "studio/moderation_records.h"

namespace klieg::cli {
namespace {

constexpr size_t rows_per_commit_max = 256;  // of some hundred bytes each; of the largest, a transaction of 128 MiB
constexpr size_t rows_per_page = 1'000;
constexpr Duration again_after = 1s;

}  // namespace

RoomJournal::RoomJournal(net::Loop& loop, store::Worker& store, std::string name, std::string host,
                         std::function<void(uint64_t)> on_safe)
    : loop_(loop),
      store_(loop, store),
      name_(std::move(name)),
      host_(std::move(host)),
      on_safe_(std::move(on_safe)),
      again_(loop, [this] { restored_ ? read_next() : write_next(); }) {}

void RoomJournal::restore(std::function<void(audience::JournalEntry)> on_entry, std::move_only_function<void()> done) {
  on_entry_ = std::move(on_entry);
  restored_ = std::move(done);
  read_next();
}

void RoomJournal::read_next() {
  store_.ask<std::vector<Row>>(
      [name = name_, after = read_](store::Database& database) {
        return store::all_of(
            database.run("SELECT number, entry FROM room_journals WHERE topic = $1 AND number > $2 ORDER BY number "
                         "LIMIT $3",
                         {name, static_cast<int64_t>(after), static_cast<int64_t>(rows_per_page)}),
            [](const store::Row& row) { return Row{static_cast<uint64_t>(row[0].integer()), row[1].bytes()}; });
      },
      [this](store::Outcome<std::vector<Row>> rows) {
        if (!rows) return try_again_later(rows.error(), "a room's journal cannot be read; the room waits for it");
        failing_ = false;
        for (const Row& row : *rows) {
          auto entry = audience::read_entry(row.number, row.entry);
          if (!entry) {
            logging::error("an entry of a room's journal is not understood; the room goes on without it",
                           {{"room", name_}, {"number", std::to_string(row.number)}, {"why", entry.error().message}});
            entry = audience::JournalEntry{.number = row.number, .answer = {}, .events = {}};
          }
          read_ = row.number;
          on_entry_(std::move(*entry));
        }
        if (rows->size() == rows_per_page) return read_next();
        std::exchange(restored_, nullptr)();  // which may be the last that is heard of us
      });
}

void RoomJournal::write(audience::JournalEntry entry) {
  Row row{entry.number, audience::content_of(entry)};
  for (const media::RoomEvent& event : entry.events) {
    if (const auto* deed = std::get_if<media::Audited>(&event); deed && !host_.empty()) row.deeds.push_back(*deed);
  }
  rows_.push_back(std::move(row));
  if (taken_) return rows_.clear();
  if (under_way_ == 0 && !failing_) write_next();
}

void RoomJournal::try_again_later(const store::Failure& why, std::string_view what) {
  if (!std::exchange(failing_, true)) logging::error(std::string(what), {{"room", name_}, {"why", why.message}});
  again_.arm(loop_.now() + again_after);
}

void RoomJournal::write_next() {
  if (rows_.empty()) return;
  under_way_ = std::min(rows_.size(), rows_per_commit_max);
  auto rows =
      std::make_shared<const std::vector<Row>>(rows_.begin(), rows_.begin() + static_cast<ptrdiff_t>(under_way_));
  using store::Granted;
  store_.ask<Granted>(
      [rows, name = name_, host = host_, tenure = tenure_, wall = loop_.wall_now()](store::Database& database) {
        return store::transact(database, [&](store::Database& open) -> store::Outcome<Granted> {
          if (tenure) {
            auto granted = store::not_taken_since(open, tenure->lease, tenure->number);
            if (!granted || *granted == Granted::no) return granted;
          }
          for (const Row& row : *rows) {
            auto done = open.run(
                "INSERT INTO room_journals (topic, number, written_ms, entry) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT DO NOTHING",
                {name, static_cast<int64_t>(row.number), wall, row.entry});
            if (!done) return std::unexpected(std::move(done.error()));
            if (done->changed == 0) continue;  // it is there since a commit that was in doubt
            auto lasts = studio::write_moderation(open, host, row.deeds, wall);
            if (!lasts) return std::unexpected(std::move(lasts.error()));
          }
          return Granted::yes;
        });
      },
      [this](store::Outcome<Granted> written) {
        const size_t count = std::exchange(under_way_, 0);
        if (!written) {
          return try_again_later(written.error(),
                                 "a room's journal cannot be written; nobody is told what is said there until it is");
        }
        failing_ = false;
        if (*written == Granted::no) return taken();
        const uint64_t safe = rows_[count - 1].number;
        rows_.erase(rows_.begin(), rows_.begin() + static_cast<ptrdiff_t>(count));
        write_next();
        on_safe_(safe);  // which may be the last that is heard of us
      });
}

void RoomJournal::write_under(Tenure tenure, std::move_only_function<void()> on_taken) {
  tenure_ = std::move(tenure);
  on_taken_ = std::move(on_taken);
}

void RoomJournal::taken() {
  logging::warning("a room goes on at another node, and what was not safe here is not said", {{"room", name_}});
  taken_ = true;
  rows_.clear();
  std::exchange(on_taken_, nullptr)();  // which may be the last that is heard of us
}

store::Outcome<void> RoomJournal::forget_old(store::Database& database, WallTime now) {
  auto done = database.run("DELETE FROM room_journals WHERE written_ms < $1", {now - kept_max});
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

}  // namespace klieg::cli
