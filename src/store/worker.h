// How a loop asks the database: the store's own thread, and answers in later turns.
//
//   store::Asker asker(loop, worker);
//   asker.ask<Account>([name](Database& database) { return find_account(database, name); },   // on the store's thread
//                      [this](Outcome<Account> account) { ... });                             // on the loop
//
// One connection, one thread: SQLite has one writer, and what a node asks of PostgreSQL - log-ins, comments by the
// batch, a page of a list - keeps one connection busy for some per cent of the time. While the engine is down it is the
// thread that reaches it again, and meanwhile every call is answered at once. So it is until what was to be done first,
// once the engine is there, has been done.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "net/side_thread.h"
#include "store/database.h"

namespace klieg::store {

class Worker {
 public:
  // A question takes 0.1 ms, a commit on a busy disk 5 ms: who is last of so many waits for 5 s at the worst, and who
  // has waited for longer has gone. With what people write in them, some KiB each, a few MiB together.
  static constexpr size_t queued_max = 1'000;

  // `begin` is what comes before any question, a migration for one: tried on the thread until it succeeds, and who asks
  // meanwhile gets its failure. Empty: nothing.
  using Begin = std::move_only_function<Outcome<void>(Database&)>;
  explicit Worker(std::unique_ptr<Database> database, Begin begin = {});
  // What is under way is finished; what waits is dropped, and never answered. Askers are gone before.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  size_t queued() const { return thread_.queued(); }

 private:
  friend class Asker;
  void tend();

  net::SideThread thread_{queued_max};
  std::unique_ptr<Database> database_;
  Begin begin_;  // empty: it is done
  Failure not_begun_{FailureKind::unavailable, "the database has not been reached yet"};
  net::Timer tending_;
};

// On its loop; see net::Asker for what lives where, and for how long.
class Asker {
 public:
  Asker(net::Loop& home, Worker& worker) : worker_(worker), asker_(home, worker.thread_) {}

  // `done` is called once, in a later turn: with what `work` returned, or as `overloaded` when too much waits already.
  template <class T>
  void ask(std::move_only_function<Outcome<T>(Database&)> work, std::move_only_function<void(Outcome<T>)> done) {
    asker_.ask<Outcome<T>>(
        [&worker = worker_, work = std::move(work)]() mutable {
          Outcome<T> outcome = worker.begin_ ? Outcome<T>(std::unexpected(worker.not_begun_)) : work(*worker.database_);
          worker.tend();
          return outcome;
        },
        std::move(done), failed(FailureKind::overloaded, "more waits for the database than it can do in time"));
  }

 private:
  Worker& worker_;
  net::Asker asker_;
};

}  // namespace klieg::store
