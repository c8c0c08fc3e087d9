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

}  // namespace

Flight::Flight(FlightHost& host, std::string key, FetchRequest request)
    : host_(host), key_(std::move(key)), request_(std::move(request)) {}

Flight::~Flight() { give_up(); }

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
  if (!resumable()) return lose_body();
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
  wake_at_ = LoopTime::max();
  if (state_ == State::expecting || state_ == State::waiting) send();
}

void Flight::wake(LoopTime when) {
  wake_at_ = when;
  host_.on_wake_changed(*this);
}

void Flight::send() {
  const auto keep = shared_from_this();
  wake(LoopTime::max());
  state_ = State::asking;
  skip_ = 0;
  asked_at_ = host_.now();
  way_ = host_.routes().choose(key_, attempts_, asked_at_);
  if (!way_) return head_awaited_ ? lose_body() : fail(FlightFailure::unreachable);
  ++attempts_;
  FetchRequest request = request_;
  if (head_awaited_) {
    // The last position of RFC 8673 section 2: of something that may still be growing, all there will be.
    request.fields.emplace_back("range", identity_.size ? fmt::format("bytes={}-", log_->size())
                                                        : fmt::format("bytes={}-9007199254740991", log_->size()));
    request.fields.emplace_back("if-range", identity_.etag);
  }
  fetch_ = way_->upstream->fetch(std::move(request), *this);
}

void Flight::wait(Duration pause) {
  fetch_.reset();
  state_ = State::waiting;
  wake(host_.now() + pause);
}

void Flight::let_go_of_way() {
  if (const auto way = std::exchange(way_, std::nullopt)) host_.routes().released(*way);
}

void Flight::on_head(const FetchHead& head) {
  const auto keep = shared_from_this();
  if (head_awaited_) {
    if (continues(head)) return;
    fetch_.reset();
    return lose_body();
  }
  const size_t chances = std::min<size_t>(host_.routes().ways(), attempts_max);
  const auto chance = attempts_ < chances ? FlightHost::Chance::more : FlightHost::Chance::last;
  FlightHost::Decision decision = host_.on_head(*this, head, chance);
  if (state_ == State::over) return;
  switch (decision.verdict) {
    case Verdict::take:
      state_ = State::streaming;
      log_ = std::move(decision.log);
      if (way_) host_.routes().succeeded(*way_, host_.now());
      return;
    case Verdict::try_elsewhere:
      if (way_) host_.routes().failed(*std::exchange(way_, std::nullopt), host_.now());
      return wait(decision.pause);
    case Verdict::ask_again_later:
      if (way_) host_.routes().succeeded(*way_, host_.now());
      let_go_of_way();
      attempts_ = 0;
      return wait(decision.pause);
  }
}

// Whether the body that comes is the rest of ours. False: it never will be.
bool Flight::continues(const FetchHead& head) {
  const uint64_t have = log_->size();
  const std::string_view etag = field_of(head.fields, "etag");
  const bool same = etag == identity_.etag;
  if (head.status >= 500) {  // this parent cannot, another may
    fetch_.reset();
    on_end(FetchEnd::reset);
    return true;
  }
  if (head.status == 416 && field_of(head.fields, "content-range") == wire::content_range_unsatisfied(have)) {
    if (way_) host_.routes().succeeded(*way_, host_.now());
    fetch_.reset();
    std::exchange(log_, nullptr)->end(LogEnd::complete);
    finish();
    return true;
  }
  const bool rest = head.status == 206 && (etag.empty() || same) &&
                    field_of(head.fields, "content-range").starts_with(fmt::format("bytes {}-", have));
  const bool whole = head.status == 200 && same;
  if (!rest && !whole) return false;
  if (head.size && identity_.size && *head.size + (rest ? have : 0) != *identity_.size) return false;
  skip_ = whole ? have : 0;
  head_awaited_ = false;
  state_ = State::streaming;
  if (way_) host_.routes().succeeded(*way_, host_.now());
  host_.on_resumed(*this);
  return true;
}

void Flight::on_body(Bytes piece) {
  if (!log_) return;
  const uint64_t skipped = std::min<uint64_t>(skip_, piece.size());
  skip_ -= skipped;
  if (skipped == piece.size()) return;
  const auto keep = shared_from_this();  // a reader that wakes may be the last who holds us
  log_->append(piece.slice(skipped));
}

void Flight::on_end(FetchEnd how) {
  const auto keep = shared_from_this();
  fetch_.reset();
  const bool whole = how == FetchEnd::complete && state_ == State::streaming && skip_ == 0 &&
                     (!log_ || !identity_.size || log_->size() == *identity_.size);
  if (whole) {
    let_go_of_way();
    if (const auto log = std::exchange(log_, nullptr)) log->end(LogEnd::complete);
    return finish();
  }
  if (const auto way = std::exchange(way_, std::nullopt)) host_.routes().failed(*way, host_.now());
  const uint32_t tries = log_ ? resumptions_ : attempts_ - 1;
  const Duration pause = std::min(longest_pause, first_pause * (int64_t{1} << std::min(tries, 7u)));
  const Duration jitter(static_cast<int64_t>(host_.random().below(static_cast<uint64_t>(pause.count()))));
  if (log_) {
    if (!resumable() || ++resumptions_ > resumptions_max) return lose_body();
    head_awaited_ = true;
    return wait(pause + jitter);
  }
  if (state_ == State::streaming) return finish();  // the body of a 304 or of nobody
  // Nobody knows whether a request that is not safe was carried out, unless it never left.
  const bool may_repeat = is_safe(request_.method) || how == FetchEnd::unreachable;
  if (may_repeat && attempts_ < attempts_max) return wait(pause + jitter);
  fail(how == FetchEnd::timed_out   ? FlightFailure::timed_out
       : how == FetchEnd::malformed ? FlightFailure::bad_gateway
                                    : FlightFailure::unreachable);
}

bool Flight::resumable() const { return is_safe(request_.method) && identity_.etag.starts_with('"'); }

void Flight::lose_body() {
  const auto keep = shared_from_this();
  let_go_of_way();
  if (const auto log = std::exchange(log_, nullptr)) log->end(LogEnd::aborted);
  finish();
}

void Flight::fail(FlightFailure why) {
  let_go_of_way();
  state_ = State::over;
  host_.on_failed(*this, why);
  host_.on_over(*this);
}

void Flight::finish() {
  let_go_of_way();
  state_ = State::over;
  host_.on_over(*this);
}

}  // namespace klieg::edge
