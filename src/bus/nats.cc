#include "bus/nats.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"
#include "bus/subject.h"
#include "bus/waiting.h"

namespace klieg::bus {
namespace {

constexpr Duration connect_within = 5s;
// 64 of the largest messages; a server that takes no more is waited for.
constexpr size_t unsent_max = 1 << 20;

}  // namespace

Result<NatsSettings> nats_settings_of(std::string_view url) {
  constexpr std::string_view scheme = "nats://";
  constexpr uint16_t usual_port = 4222;
  if (!url.starts_with(scheme)) return fail("it is like nats://HOST:PORT, or nats://USER:PASSWORD@HOST:PORT");
  url.remove_prefix(scheme.size());
  NatsSettings settings;
  if (const size_t at = url.rfind('@'); at != url.npos) {
    const std::string_view who = url.substr(0, at);
    const size_t colon = who.find(':');
    if (colon == who.npos) {
      settings.credentials.token = who;
    } else {
      settings.credentials.user = who.substr(0, colon);
      settings.credentials.password = who.substr(colon + 1);
    }
    url.remove_prefix(at + 1);
  }
  while (url.ends_with('/')) url.remove_suffix(1);
  if (url.contains(',')) return fail("one server is the bus: several would not say what each has passed on");
  // Of an IPv6 address the colons stand in brackets.
  const size_t colon = url.rfind(':'), bracket = url.rfind(']');
  const bool has_port = colon != url.npos && (bracket == url.npos || colon > bracket);
  auto server = net::Endpoint::parse(has_port ? std::string(url) : fmt::format("{}:{}", url, usual_port));
  if (!server || server->host.empty()) return fail("it names no server: nats://HOST:PORT");
  settings.servers.push_back(std::move(*server));
  return settings;
}

struct Nats::Wanted {
  explicit Wanted(Nats& nats) : owner(&nats), home(nats.home_) {}

  std::mutex mutex;
  Nats* owner;  // nullptr: gone; written on `home` alone, with the mutex held
  net::Loop& home;
  std::map<std::string, size_t> patterns;  // and how many subscribe to each
  Waiting waiting{Loss::superseded};
  bool posted = false;  // a turn that sees to it is to come
  bool caught_up = false;

  // With the mutex held.
  static void tell_owner(const std::shared_ptr<Wanted>& wanted) {
    wanted->caught_up = false;
    if (!wanted->owner || wanted->posted) return;
    wanted->posted = true;
    wanted->home.post([wanted] {
      std::unique_lock lock(wanted->mutex);
      wanted->posted = false;
      lock.unlock();
      if (wanted->owner) wanted->owner->pump();
    });
  }
};

class Nats::WantedSubscription final : public Subscription {
 public:
  WantedSubscription(std::shared_ptr<Wanted> wanted, std::string pattern, std::unique_ptr<Subscription> local)
      : wanted_(std::move(wanted)), pattern_(std::move(pattern)), local_(std::move(local)) {}
  ~WantedSubscription() override {
    const std::lock_guard lock(wanted_->mutex);
    const auto found = wanted_->patterns.find(pattern_);
    if (--found->second > 0) return;
    wanted_->patterns.erase(found);
    Wanted::tell_owner(wanted_);
  }
  uint64_t lost() const override { return local_->lost(); }

 private:
  std::shared_ptr<Wanted> wanted_;
  std::string pattern_;
  std::unique_ptr<Subscription> local_;
};

Nats::Nats(net::Loop& home, NatsSettings settings, uint64_t seed, Metrics& metrics)
    : home_(home),
      settings_(std::move(settings)),
      wanted_(std::make_shared<Wanted>(*this)),
      reconnecting_(seed),
      next_server_(seed % std::max<size_t>(settings_.servers.size(), 1)),
      timer_(home, [this] { on_timer(); }),
      connected_(metrics.gauge("klieg_bus_connected", "1 while the bus to other nodes is there.")),
      lost_(metrics.gauge("klieg_bus_lost", "Messages to other nodes that newer ones took the place of, while away.")) {
  KLIEG_ASSERT(!settings_.servers.empty(), "there is a server to try");
  KLIEG_ASSERT(is_subject(settings_.prefix), "the prefix is a subject");
  timer_.arm(home.now());
}

Nats::~Nats() {
  const std::lock_guard lock(wanted_->mutex);
  wanted_->owner = nullptr;
}

void Nats::publish(std::string_view subject, Bytes payload) {
  local_.publish(subject, payload);
  const std::lock_guard lock(wanted_->mutex);
  wanted_->waiting.put({std::string(subject), std::move(payload)});
  Wanted::tell_owner(wanted_);
}

std::unique_ptr<Subscription> Nats::subscribe(net::Loop& loop, std::string_view pattern, Loss loss,
                                              std::move_only_function<void(const Message&)> handler) {
  auto local = local_.subscribe(loop, pattern, loss, std::move(handler));
  const std::lock_guard lock(wanted_->mutex);
  if (++wanted_->patterns[std::string(pattern)] == 1) Wanted::tell_owner(wanted_);
  return std::make_unique<WantedSubscription>(wanted_, std::string(pattern), std::move(local));
}

bool Nats::caught_up() const {
  const std::lock_guard lock(wanted_->mutex);
  return wanted_->caught_up;
}

void Nats::connect() {
  net::connect(home_, server(), net::TlsClient::none, connect_within, [wanted = wanted_](auto connection) {
    if (!wanted->owner) return;
    connection ? wanted->owner->adopt(std::move(*connection)) : wanted->owner->lose(connection.error().message);
  });
}

void Nats::adopt(std::unique_ptr<net::Connection> connection) {
  session_.emplace(settings_.credentials, settings_.name, home_.now());
  connection_ = std::move(connection);
  connection_->start(*this);
  timer_.arm(session_->wake_at());
}

void Nats::on_bytes(ByteView bytes) {
  const auto before = session_->state();
  std::vector<wire::nats::Delivered> heard;
  session_->receive(bytes, home_.now(), heard);
  for (const auto& delivered : heard) hear(delivered);
  if (session_->state() == NatsSession::State::up && before != NatsSession::State::up) {
    up_ = true;
    reconnecting_.reached();
    said_.clear();
    connected_.Set(1);
    logging::info("the bus is there", {{"server", server().text()}});
    pump();
  }
  if (session_->state() == NatsSession::State::up && session_->complaint() != said_) {
    said_ = session_->complaint();
    logging::warning("the bus complains", {{"server", server().text()}, {"why", said_}});
  }
  note_certainty();
  react();
}

void Nats::note_certainty() {
  const std::optional<LoopTime> up_to = session_->certain_up_to();
  if (!up_to || asked_ != Asked::about_all || (certainty_ && certainty_->up_to == *up_to)) return;
  // Its subscriptions stood before the question, so they are known since the answer at the latest.
  certainty_ = Certainty{certainty_ ? certainty_->since : home_.now(), *up_to};
}

// The message comes from outside: what is none of ours is passed over.
void Nats::hear(const wire::nats::Delivered& delivered) {
  const auto found = patterns_.find(delivered.subscription);
  std::string_view subject = delivered.subject;
  if (found == patterns_.end() || !subject.starts_with(settings_.prefix)) return;
  subject.remove_prefix(settings_.prefix.size());
  if (!subject.starts_with('.')) return;
  subject.remove_prefix(1);
  if (!is_subject(subject) || !matches(found->second, subject) || delivered.payload.size() > payload_size_max) return;
  local_.deliver(found->second, {std::string(subject), delivered.payload});
}

void Nats::on_closed(net::Closed) {
  lose(session_->complaint().empty() ? "the connection was lost" : session_->complaint());
}

void Nats::on_timer() {
  if (!session_) return connect();
  pump();
  const bool asked_before = session_->asks();
  session_->wake(home_.now());
  if (!asked_before && session_->asks()) asked_ = caught_up() ? Asked::about_all : Asked::with_more_waiting;
  react();
}

void Nats::react() {
  if (session_->state() == NatsSession::State::ended) return lose(session_->why());
  flush();
  timer_.arm(session_->wake_at());
}

// Brings the server up to what is wanted: subscriptions before messages.
void Nats::pump() {
  if (!session_ || session_->state() != NatsSession::State::up) return;
  const std::string prefix = settings_.prefix + '.';
  const std::lock_guard lock(wanted_->mutex);
  for (auto told = told_.begin(); told != told_.end();) {
    if (wanted_->patterns.contains(told->first)) {
      ++told;
      continue;
    }
    session_->unsubscribe(told->second);
    patterns_.erase(told->second);
    told = told_.erase(told);
  }
  for (const auto& [pattern, count] : wanted_->patterns) {
    if (told_.contains(pattern)) continue;
    session_->subscribe(prefix + pattern, ++last_number_);
    told_.emplace(pattern, last_number_);
    patterns_.emplace(last_number_, pattern);
  }
  while (!wanted_->waiting.empty() && connection_->unsent() + session_->output_size() < unsent_max) {
    const Message message = wanted_->waiting.take();
    session_->publish(prefix + message.subject, message.payload);
  }
  wanted_->caught_up = wanted_->waiting.empty();
  lost_.Set(static_cast<double>(wanted_->waiting.lost()));
  flush();
}

void Nats::flush() {
  const std::vector<Bytes> output = session_->take_output();
  if (!output.empty()) connection_->write(output);
}

void Nats::lose(const std::string& why) {
  const bool was_up = std::exchange(up_, false);
  connected_.Set(0);
  {
    const std::lock_guard lock(wanted_->mutex);
    wanted_->caught_up = false;
  }
  if (why != said_) logging::warning("the bus to other nodes is away", {{"server", server().text()}, {"why", why}});
  said_ = why;
  session_.reset();
  certainty_.reset();
  connection_.reset();
  told_.clear();
  patterns_.clear();
  was_up ? reconnecting_.lost(home_.now()) : reconnecting_.failed(home_.now());
  if (!was_up) ++next_server_;
  timer_.arm(reconnecting_.next_at());
}

}  // namespace klieg::bus
