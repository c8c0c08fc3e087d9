#include "edge/flight.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "edge/forwarding.h"
#include "edge/invalidation.h"
#include "wire/http_range.h"

namespace klieg::edge {
namespace {

// A parent that restarts is back within some 100 ms; whoever waits for a head has waited 0.3 s after four attempts.
constexpr uint32_t attempts_max = 4;
// In the middle of a body nothing is lost by patience: readers have a buffer. Eight come to about 3 s.
constexpr uint32_t resumptions_max = 8;
constexpr Duration first_pause = 10ms;
constexpr Duration longest_pause = 1s;
// How far a parent may be ahead of the one reader of a body: what 1 Gbit/s brings in a round trip of 30 ms.
constexpr uint64_t unread_max = uint64_t{4} << 20;
// The last position a range can ask for (http/selection.h has the same): to the end, wherever that will be.
constexpr uint64_t open_ended = 9'007'199'254'740'991;

}  // namespace

Flight::Flight(FlightHost& host, std::string key, FetchRequest request)
    : host_(host), key_(std::move(key)), request_(std::move(request)) {}

Flight::~Flight() { give_up(); }

class Flight::OneReader final : public LogProgress {
 public:
  explicit OneReader(std::weak_ptr<Flight> flight) : flight_(std::move(flight)) {}
  // Nobody reads any more: with the next byte the flight will see that it is abandoned.
  ~OneReader() override { read_to(UINT64_MAX); }
  void read_to(uint64_t offset) override {
    if (const auto flight = flight_.lock()) flight->on_read(offset);
  }

 private:
  const std::weak_ptr<Flight> flight_;
};

std::shared_ptr<LogProgress> Flight::let_one_read() {
  shared_ = false;
  return std::make_shared<OneReader>(weak_from_this());
}

void Flight::on_read(uint64_t offset) {
  read_to_ = std::max(read_to_, offset);
  if (log_) keep_pace();
}

void Flight::keep_pace() {
  log_->forget_before(std::min(read_to_, log_->size()));
  const uint64_t unread = log_->size() - std::min(read_to_, log_->size());
  if (!fetch_ || (paused_ ? unread > unread_max / 2 : unread < unread_max)) return;
  paused_ = !paused_;
  paused_ ? fetch_->pause() : fetch_->resume();
}

void Flight::expect(LoopTime until) {
  KLIEG_ASSERT(state_ == State::idle, "what is under way is not expected");
  state_ = State::expecting;
  wake(until);
}

void Flight::ask() {
  KLIEG_ASSERT(state_ == State::idle || state_ == State::expecting, "a flight asks once");
  send();
}

void Flight::resume(std::shared_ptr<Log> log, Identity identity) {
  KLIEG_ASSERT(state_ == State::idle && log->growing(), "what is resumed has begun and not ended");
  log_ = std::move(log);
  identity_ = std::move(identity);
  if (!resumable()) return lose_body(FlightEnd::aborted);
  head_awaited_ = true;
  send();
}

void Flight::give_up() {
  fetch_.reset();
  let_go_of_way();
  wake_at_ = LoopTime::max();
  state_ = State::over;
  if (const auto log = std::exchange(log_, nullptr); log && log->growing()) log->end(LogEnd::aborted);
}

void Flight::on_time(LoopTime now) {
  if (now < wake_at_) return;
  const auto keep = shared_from_this();
  wake_at_ = LoopTime::max();
  if (std::exchange(stranded_, false)) return log_ ? resume_later() : fail(failure_);
  if (state_ == State::expecting || state_ == State::waiting) send();
}

void Flight::wake(LoopTime when) {
  wake_at_ = when;
  host_.on_wake_changed(*this);
}

void Flight::send() {
  state_ = State::asking;
  paused_ = false;
  skip_ = 0;
  to_the_end_ = true;
  asked_at_ = host_.now();
  way_ = host_.routes().choose(key_, request_, attempts_, asked_at_);
  stranded_ = !way_;
  wake(stranded_ ? asked_at_ : LoopTime::max());
  if (stranded_) return;
  ++attempts_;
  fetch_ = way_->upstream->fetch(head_awaited_ ? request_for_the_rest() : request_, *this);
}

FetchRequest Flight::request_for_the_rest() const {
  FetchRequest request = request_;
  std::erase_if(request.fields,
                [](const auto& field) { return field.first == "range" || field.first.starts_with("if-"); });
  // The last position of RFC 8673 section 2: of something that may still be growing, all there will be.
  request.fields.emplace_back("range", identity_.size ? fmt::format("bytes={}-", log_->size())
                                                      : fmt::format("bytes={}-{}", log_->size(), open_ended));
  request.fields.emplace_back("if-range", identity_.etag);
  return request;
}

void Flight::wait(Duration pause) {
  fetch_.reset();
  state_ = State::waiting;
  wake(host_.now() + pause);
}

// With jitter, so that what broke at once does not come back at once.
Duration Flight::pause_after(uint32_t tries) {
  const Duration pause = std::min(longest_pause, first_pause * (int64_t{1} << std::min(tries, 7u)));
  return pause + Duration(static_cast<int64_t>(host_.random().below(static_cast<uint64_t>(pause.count()))));
}

void Flight::lose_way() {
  fetch_.reset();
  if (const auto way = std::exchange(way_, std::nullopt)) host_.routes().failed(*way, host_.now());
}

void Flight::let_go_of_way() {
  if (const auto way = std::exchange(way_, std::nullopt)) host_.routes().released(*way);
}

void Flight::on_head(const FetchHead& head) {
  const auto keep = shared_from_this();
  if (head_awaited_) return go_on(head);
  const size_t chances = std::min<size_t>(host_.routes().ways(key_), attempts_max);
  const auto chance = attempts_ < chances ? FlightHost::Chance::more : FlightHost::Chance::last;
  FlightHost::Decision decision = host_.on_head(*this, head, chance);
  if (state_ == State::over) return;
  switch (decision.verdict) {
    case Verdict::take:
      state_ = State::streaming;
      log_ = std::move(decision.log);
      host_.routes().succeeded(*way_, host_.now());
      return;
    case Verdict::refuse:
      return lose_attempt(FetchEnd::malformed);
    case Verdict::try_elsewhere:
      lose_way();
      return wait(decision.pause);
    case Verdict::ask_again_later:
      host_.routes().succeeded(*way_, host_.now());
      let_go_of_way();
      attempts_ = 0;
      return wait(decision.pause);
  }
}

// Whether the body that comes is the rest of ours.
Flight::Rest Flight::rest_in(const FetchHead& head) {
  const uint64_t have = log_->size();
  const std::string_view etag = field_of(head.fields, "etag");
  const std::string_view content_range = field_of(head.fields, "content-range");
  if (head.status >= 500) return Rest::not_here;
  if (head.status == 416) {
    // What is still being born has no length yet, and fewer bytes there than here.
    if (content_range.empty()) return Rest::not_here;
    const bool all_is_here = content_range == wire::content_range_unsatisfied(have);
    return all_is_here && identity_.size.value_or(have) == have ? Rest::is_nothing : Rest::is_anothers;
  }
  if (head.status == 200 && etag == identity_.etag) {
    if (head.size && identity_.size.value_or(*head.size) != *head.size) return Rest::is_anothers;
    if (head.size) identity_.size = head.size;
    skip_ = have;
    return Rest::comes;
  }
  const auto part = head.status == 206 ? wire::parse_content_range(content_range) : std::nullopt;
  if (!part || part->range.first != have || !(etag.empty() || etag == identity_.etag)) return Rest::is_anothers;
  if (part->size && identity_.size.value_or(*part->size) != *part->size) return Rest::is_anothers;
  if (part->size) identity_.size = part->size;
  to_the_end_ = identity_.size || part->range.end > open_ended;
  return Rest::comes;
}

void Flight::go_on(const FetchHead& head) {
  const Rest rest = rest_in(head);
  if (rest == Rest::not_here) {  // another parent may have it, or this one later
    lose_way();
    return resume_later();
  }
  host_.routes().succeeded(*way_, host_.now());
  switch (rest) {
    case Rest::comes:
      head_awaited_ = false;
      state_ = State::streaming;
      return host_.on_resumed(*this);
    case Rest::is_nothing:
      std::exchange(log_, nullptr)->end(LogEnd::complete);
      return finish(FlightEnd::complete);
    default:
      return lose_body(FlightEnd::aborted);
  }
}

void Flight::on_body(Bytes piece) {
  if (!log_) return;
  const auto keep = shared_from_this();  // a reader that wakes may be the last who holds us
  if (log_.use_count() == 1) return lose_body(FlightEnd::abandoned);
  const uint64_t skipped = std::min<uint64_t>(skip_, piece.size());
  skip_ -= skipped;
  if (skipped == piece.size()) return;
  log_->append(piece.slice(skipped));
  if (!log_) return;  // a reader that woke has made an end of it
  if (!shared_) return keep_pace();
  if (log_->size() > host_.body_size_max()) lose_body(FlightEnd::too_large);
}

void Flight::on_end(FetchEnd how) {
  const auto keep = shared_from_this();
  fetch_.reset();
  if (state_ != State::streaming && !log_) return lose_attempt(how);
  if (!log_) return finish(FlightEnd::no_body);
  const bool whole = how == FetchEnd::complete && state_ == State::streaming && skip_ == 0 && to_the_end_ &&
                     identity_.size.value_or(log_->size()) == log_->size();
  if (whole) {
    std::exchange(log_, nullptr)->end(LogEnd::complete);
    return finish(FlightEnd::complete);
  }
  how == FetchEnd::too_many ? let_go_of_way() : lose_way();
  resume_later();
}

// No head came that could be taken.
void Flight::lose_attempt(FetchEnd how) {
  how == FetchEnd::too_many ? let_go_of_way() : lose_way();
  failure_ = how == FetchEnd::timed_out   ? FlightFailure::timed_out
             : how == FetchEnd::too_many  ? FlightFailure::too_many
             : how == FetchEnd::malformed ? FlightFailure::bad_gateway
                                          : FlightFailure::unreachable;
  // Nobody knows whether a request that is not safe was carried out, unless it never left.
  const bool may_repeat = is_safe(request_.method) || how == FetchEnd::unreachable || how == FetchEnd::too_many;
  may_repeat&& attempts_ < attempts_max ? wait(pause_after(attempts_ - 1)) : fail(failure_);
}

bool Flight::resumable() const { return is_safe(request_.method) && identity_.etag.starts_with('"'); }

void Flight::resume_later() {
  if (log_.use_count() == 1) return lose_body(FlightEnd::abandoned);
  if (!resumable() || ++resumptions_ > resumptions_max) return lose_body(FlightEnd::aborted);
  head_awaited_ = true;
  wait(pause_after(resumptions_ - 1));
}

void Flight::lose_body(FlightEnd how) {
  const auto keep = shared_from_this();
  std::exchange(log_, nullptr)->end(LogEnd::aborted);
  finish(how);
}

void Flight::fail(FlightFailure why) {
  state_ = State::over;
  host_.on_failed(*this, why);
  host_.on_over(*this, FlightEnd::no_body);
}

void Flight::finish(FlightEnd how) {
  fetch_.reset();
  let_go_of_way();
  state_ = State::over;
  host_.on_over(*this, how);
}

}  // namespace klieg::edge
