#include "store/postgresql.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/reconnecting.h"
#include "store/dialect.h"

namespace klieg::store {
namespace {

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, Finish>;
using Result = std::unique_ptr<PGresult, Clear>;

constexpr Duration connecting_looked_at_every = 20ms;

// Oids of pg_type.dat: they never change.
constexpr Oid oid_bool = 16, oid_bytea = 17, oid_int8 = 20, oid_int2 = 21, oid_int4 = 23;

// What stands for the loss of the connection if it comes during this.
enum class Loss : uint8_t { changes_nothing, leaves_doubt };

// libpq's words end with a newline and may have several lines.
std::string one_line(std::string_view words) {
  std::string line(words);
  while (!line.empty() && line.back() == '\n') line.pop_back();
  for (char& c : line) c = c == '\n' ? ' ' : c;
  return line;
}

// Appendix A of PostgreSQL's manual: the class is the first two characters.
FailureKind kind_of(std::string_view state) {
  const std::string_view family = state.substr(0, 2);
  if (state == "23505") return FailureKind::duplicate;
  if (state == "23503") return FailureKind::dangling;
  if (family == "23" || family == "22") return FailureKind::rejected;
  if (family == "40" || state == "55P03" || state == "57014") return FailureKind::busy;  // 57014: statement_timeout
  if (state == "53100") return FailureKind::full;
  // 25006: a standby that only reads. 53, 57P: no more connections, shutting down, starting up.
  if (family == "08" || family == "53" || family == "57" || family == "58" || state == "25006") {
    return FailureKind::unavailable;
  }
  return FailureKind::broken;
}

// 0 or less: the time is up.
int poll_ms(LoopTime until) { return static_cast<int>(to_ms(until - read_loop_clock())); }

Value value_of(const PGresult* result, int row, int column) {
  if (PQgetisnull(result, row, column)) return {};
  const std::string_view text(PQgetvalue(result, row, column), static_cast<size_t>(PQgetlength(result, row, column)));
  switch (PQftype(result, column)) {
    case oid_bool:
      return text == "t" ? 1 : 0;
    case oid_int2:
    case oid_int4:
    case oid_int8: {
      int64_t number = 0;
      std::from_chars(text.data(), text.data() + text.size(), number);
      return number;
    }
    case oid_bytea: {
      size_t size = 0;
      unsigned char* bytes = PQunescapeBytea(reinterpret_cast<const unsigned char*>(text.data()), &size);
      KLIEG_ASSERT(bytes, "there is memory");
      Value value(Bytes::copy_of({bytes, size}));
      PQfreemem(bytes);
      return value;
    }
    default:
      return text;
  }
}

class Postgresql final : public Database {
 public:
  explicit Postgresql(const PostgresqlOptions& options)
      : conninfo_(options.conninfo), reply_max_(options.reply_max), reconnecting_(options.seed) {}

  Engine engine() const override { return Engine::postgresql; }

  Outcome<void> reach() override {
    const LoopTime until = read_loop_clock() + connect_max;
    while (state_ != State::up) {
      const LoopTime now = read_loop_clock();
      if (state_ == State::down) start_connecting(now);
      if (now >= until || state_ == State::down) return failed(FailureKind::unavailable, why_down_);
      wait_for(connecting_wants_, until);
      go_on_connecting(read_loop_clock());
    }
    return {};
  }

  std::optional<LoopTime> tend(LoopTime now) override {
    KLIEG_ASSERT(!in_transaction(), "a connection is tended between transactions");
    if (state_ == State::up && !still_there()) lose(Loss::changes_nothing, "the server closed the connection");
    if (state_ == State::down && reconnecting_.due(now)) start_connecting(now);
    if (state_ == State::connecting) go_on_connecting(now);
    switch (state_) {
      case State::up:
        return now + look_every;
      case State::connecting:
        return now + connecting_looked_at_every;
      case State::down:
        return reconnecting_.next_at();
    }
    std::unreachable();
  }

 private:
  enum class State : uint8_t { down, connecting, up };

  void start_connecting(LoopTime now) {
    // What comes later wins, so that none of it can be undone by the operator's string.
    static constexpr const char* options =
        "-c default_transaction_isolation=serializable -c synchronous_commit=on -c statement_timeout=2000 "
        "-c lock_timeout=2000 -c idle_in_transaction_session_timeout=60000 -c "
        "bytea_output=hex -c timezone=UTC";
    const std::array keywords = {
        "dbname",          "application_name",    "client_encoding",  "options",
        "keepalives_idle", "keepalives_interval", "keepalives_count", static_cast<const char*>(nullptr)};
    const std::array values = {
        conninfo_.c_str(), "klieg", "UTF8", options, "5", "2", "3", static_cast<const char*>(nullptr)};
    statements_.clear();
    connection_.reset(PQconnectStartParams(keywords.data(), values.data(), 1));
    KLIEG_ASSERT(connection_, "there is memory");
    going_ = false;
    PQsetNoticeReceiver(connection_.get(), &Postgresql::on_notice, this);
    state_ = State::connecting;
    connecting_until_ = now + connect_max;
    connecting_wants_ = POLLOUT;
    if (PQstatus(connection_.get()) == CONNECTION_BAD) give_up_connecting(now);
  }

  void go_on_connecting(LoopTime now) {
    // As far as it goes without waiting: over a local socket that is all the way.
    while (state_ == State::connecting) {
      if (!ready(connecting_wants_, 0)) {
        if (now >= connecting_until_) give_up_connecting(now);
        return;
      }
      switch (PQconnectPoll(connection_.get())) {
        case PGRES_POLLING_READING:
          connecting_wants_ = POLLIN;
          break;
        case PGRES_POLLING_WRITING:
          connecting_wants_ = POLLOUT;
          break;
        case PGRES_POLLING_OK:
          PQsetnonblocking(connection_.get(), 1);
          reconnecting_.reached();
          state_ = State::up;
          break;
        default:
          give_up_connecting(now);
          break;
      }
    }
  }

  void give_up_connecting(LoopTime now) {
    const std::string words = one_line(PQerrorMessage(connection_.get()));
    why_down_ = fmt::format("PostgreSQL cannot be reached: {}", words.empty() ? "no answer" : words);
    connection_.reset();
    state_ = State::down;
    reconnecting_.failed(now);
  }

  std::unexpected<Failure> lose(Loss loss, std::string_view why) {
    why_down_ = fmt::format("PostgreSQL was lost: {}", why);
    connection_.reset();
    state_ = State::down;
    reconnecting_.lost(read_loop_clock());
    return failed(loss == Loss::leaves_doubt ? FailureKind::in_doubt : FailureKind::unavailable, why_down_);
  }

  bool ready(short events, int timeout_ms) const {
    pollfd watched{PQsocket(connection_.get()), events, 0};
    return ::poll(&watched, 1, timeout_ms) != 0;  // an error is found by who reads or writes
  }
  bool wait_for(short events, LoopTime until) const {
    const int left_ms = poll_ms(until);
    return left_ms > 0 && ready(events, left_ms);
  }

  // Between statements a server says nothing but notices, and that it goes: the latter some time before it does.
  bool still_there() {
    for (int i = 0; i < 8 && !going_ && ready(POLLIN, 0); ++i) {
      if (PQconsumeInput(connection_.get()) != 1) return false;
      PQisBusy(connection_.get());  // reads what has come, and calls on_notice()
    }
    return !going_;
  }
  static void on_notice(void* self, const PGresult* notice) {
    const char* severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && std::string_view(severity) == "FATAL") static_cast<Postgresql*>(self)->going_ = true;
  }

  // All results of what was sent; the last is what counts.
  Outcome<Result> answer(Loss loss, Duration within) {
    PGconn* connection = connection_.get();
    const LoopTime until = read_loop_clock() + within;
    Result last;
    for (;;) {
      const int unsent = PQflush(connection);
      if (unsent < 0) return lose(loss, one_line(PQerrorMessage(connection)));
      while (unsent == 0 && !PQisBusy(connection)) {
        Result next(PQgetResult(connection));
        if (!next) return judged(std::move(last), loss);
        // Of a script the first failure counts, and it is the last that is said.
        last = std::move(next);
      }
      if (!wait_for(static_cast<short>(unsent > 0 ? POLLIN | POLLOUT : POLLIN), until)) {
        return lose(loss, fmt::format("no answer within {} s", to_seconds(within)));
      }
      if (PQconsumeInput(connection) != 1) return lose(loss, one_line(PQerrorMessage(connection)));
    }
  }

  Outcome<Result> judged(Result result, Loss loss) {
    const ExecStatusType status = result ? PQresultStatus(result.get()) : PGRES_FATAL_ERROR;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;
    const std::string words = one_line(result ? PQresultErrorMessage(result.get()) : PQerrorMessage(connection_.get()));
    const char* severity = result ? PQresultErrorField(result.get(), PG_DIAG_SEVERITY_NONLOCALIZED) : nullptr;
    // After FATAL the server closes; that libpq has seen the end of the connection by now is not said.
    if (PQstatus(connection_.get()) == CONNECTION_BAD || (severity && std::string_view(severity) != "ERROR")) {
      return lose(loss, words);
    }
    const char* state = result ? PQresultErrorField(result.get(), PG_DIAG_SQLSTATE) : nullptr;
    // The details of a refusal repeat the values; the first line names table and constraint.
    const char* primary = result ? PQresultErrorField(result.get(), PG_DIAG_MESSAGE_PRIMARY) : nullptr;
    return failed(state ? kind_of(state) : FailureKind::broken,
                  fmt::format("PostgreSQL: {}", primary ? primary : words));
  }

  Outcome<void> simple(const char* text, Loss loss, Duration within) {
    if (!PQsendQuery(connection_.get(), text)) return lose(loss, one_line(PQerrorMessage(connection_.get())));
    Outcome<Result> result = answer(loss, within);
    if (!result) return std::unexpected(std::move(result.error()));
    return {};
  }

  // Whether it can be asked at all: nothing was sent yet, so nothing is in doubt.
  Outcome<void> asked() {
    if (state_ != State::up) return failed(FailureKind::unavailable, why_down_);
    if (!still_there()) return lose(Loss::changes_nothing, "the server closed the connection");
    return {};
  }

  Outcome<Rows> execute(Sql sql, std::span<const Value> values) override {
    if (auto can = asked(); !can) return std::unexpected(std::move(can.error()));
    Outcome<const char*> name = prepare(sql);
    if (!name) return std::unexpected(std::move(name.error()));
    std::vector<std::string> numbers(values.size());
    std::vector<const char*> data(values.size());
    std::vector<int> sizes(values.size()), formats(values.size());  // 1: binary
    for (size_t i = 0; i < values.size(); ++i) {
      values[i].visit([&]<class T>(const T& is) {
        if constexpr (std::is_same_v<T, int64_t>) {
          numbers[i] = std::to_string(is);
          data[i] = numbers[i].c_str();
        } else if constexpr (std::is_same_v<T, std::string>) {
          data[i] = is.c_str();
        } else if constexpr (std::is_same_v<T, Bytes>) {
          data[i] = is.empty() ? "" : reinterpret_cast<const char*>(is.data());  // a null pointer would be NULL
          sizes[i] = static_cast<int>(is.size());
          formats[i] = 1;
        }
      });
    }
    const bool reads = sql.text().starts_with("SELECT");
    const Loss loss = in_transaction() || reads ? Loss::changes_nothing : Loss::leaves_doubt;
    if (!PQsendQueryPrepared(connection_.get(), *name, static_cast<int>(values.size()), data.data(), sizes.data(),
                             formats.data(), 0)) {
      return lose(Loss::changes_nothing, one_line(PQerrorMessage(connection_.get())));
    }
    Outcome<Result> result = answer(loss, reply_max_);
    if (!result) return std::unexpected(std::move(result.error()));
    return rows_of(result->get());
  }

  static Outcome<Rows> rows_of(PGresult* result) {
    Rows rows;
    const int count = PQntuples(result), columns = PQnfields(result);
    if (static_cast<size_t>(count) > rows_max) return failed(FailureKind::broken, "a statement without a LIMIT");
    rows.rows.resize(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      for (int k = 0; k < columns; ++k) rows.rows[static_cast<size_t>(i)].push_back(value_of(result, i, k));
    }
    const std::string_view command = PQcmdStatus(result);
    if (const std::string_view changed = PQcmdTuples(result); !command.starts_with("SELECT")) {
      std::from_chars(changed.data(), changed.data() + changed.size(), rows.changed);
    }
    return rows;
  }

  Outcome<const char*> prepare(Sql sql) {
    auto found = statements_.find(sql.c_str());
    if (found == statements_.end()) {
      std::string name = fmt::format("s{}", statements_.size());
      if (!PQsendPrepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr)) {
        return lose(Loss::changes_nothing, one_line(PQerrorMessage(connection_.get())));
      }
      Outcome<Result> prepared = answer(Loss::changes_nothing, reply_max_);
      if (!prepared) return std::unexpected(std::move(prepared.error()));
      found = statements_.emplace(sql.c_str(), std::move(name)).first;
    }
    return found->second.c_str();
  }

  // A table of ten million rows is altered in minutes, and nobody waits but who migrates.
  static constexpr Duration script_max = std::chrono::minutes(30);
  Outcome<void> execute_script(std::string_view script) override {
    if (auto can = asked(); !can) return can;
    const std::string text = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;" + as_postgresql(script);
    return simple(text.c_str(), Loss::changes_nothing, script_max);
  }

  Outcome<void> execute_begin() override {
    if (auto can = asked(); !can) return can;
    return simple("BEGIN", Loss::changes_nothing, reply_max_);
  }

  Outcome<void> execute_commit() override {
    if (auto can = asked(); !can) return can;
    return simple("COMMIT", Loss::leaves_doubt, reply_max_);
  }

  // A connection that does not even do this is given up: the server rolls back what it leaves.
  void execute_rollback() override {
    if (state_ == State::up) {
      if (auto rolled_back = simple("ROLLBACK", Loss::changes_nothing, reply_max_);
          !rolled_back && state_ == State::up) {
        lose(Loss::changes_nothing, "a transaction could not be rolled back");
      }
    }
  }

  const std::string conninfo_;
  const Duration reply_max_;
  Reconnecting reconnecting_;
  State state_ = State::down;
  std::string why_down_ = "PostgreSQL has not been reached yet";
  Connection connection_;
  LoopTime connecting_until_;
  short connecting_wants_ = 0;
  bool going_ = false;                                       // the server has said so
  std::unordered_map<const char*, std::string> statements_;  // prepared on this connection, by their text: their names
};

}  // namespace

Outcome<std::unique_ptr<Database>> open_postgresql(const PostgresqlOptions& options) {
  char* words = nullptr;
  PQconninfoOption* read = PQconninfoParse(options.conninfo.c_str(), &words);
  if (!read) {
    // libpq repeats what it could not read, and a password may stand in it.
    PQfreemem(words);
    return failed(FailureKind::broken,
                  "the address of PostgreSQL cannot be read; it is like postgresql://USER@HOST/DATABASE or "
                  "host=HOST dbname=DATABASE");
  }
  PQconninfoFree(read);
  return std::make_unique<Postgresql>(options);
}

}  // namespace klieg::store
