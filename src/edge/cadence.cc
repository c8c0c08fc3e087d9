#include "edge/cadence.h"

#include <algorithm>
#include <charconv>

namespace klieg::edge {
namespace {

constexpr size_t digits_max = 15;  // so that sums and products stay exact

constexpr Duration first_poll = 150ms;
constexpr Duration longest_poll = 600ms;

// Between a birth that is due and the questions before and after it.
Duration distance_of(Duration interval) { return std::min<Duration>(interval / 16, 150ms); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A number may be anything: years are as good as for ever.
Duration duration_of(double ns) { return Duration(static_cast<int64_t>(std::min(ns, 1e18))); }

Duration scaled(Duration duration, double by) {
  return Duration(static_cast<int64_t>(static_cast<double>(duration.count()) * by));
}

}  // namespace

std::optional<Cadence::Name> Cadence::name_of(std::string_view path) {
  if (path.size() > path_size_max) return std::nullopt;
  const size_t file = path.rfind('/') == path.npos ? 0 : path.rfind('/') + 1;
  size_t end = path.rfind('.') == path.npos ? path.size() : std::max(path.rfind('.'), file);
  while (end > file && !is_digit(path[end - 1])) --end;
  size_t first = end;
  while (first > file && is_digit(path[first - 1])) --first;
  if (first == end || end - first > digits_max) return std::nullopt;
  Name name{std::string(path.substr(0, first)), 0};
  name.series += '#';  // stands in no path, so what was before and behind it stays apart
  name.series += path.substr(end);
  std::from_chars(path.data() + first, path.data() + end, name.number);
  return name;
}

void Cadence::Series::step_to(int64_t next, LoopTime birth) {
  if (next < seen_number) steps_seen = 0;
  if (next > seen_number) steps[steps_seen++ % steps_kept] = {std::max(birth - seen, Duration(0)), next - seen_number};
  number = seen_number = next;
  born = seen = birth;
  deceptions = 0;
}

double Cadence::Series::ns_per_number() const {
  std::array<double, steps_kept> each{};
  for (size_t i = 0; i < known(); ++i) {
    each[i] = static_cast<double>(steps[i].elapsed.count()) / static_cast<double>(steps[i].numbers);
  }
  // Of an even count the smaller one: rather asked too early than too late.
  const auto middle = each.begin() + static_cast<ptrdiff_t>((known() - 1) / 2);
  std::nth_element(each.begin(), middle, each.begin() + static_cast<ptrdiff_t>(known()));
  return *middle;
}

int64_t Cadence::Series::numbers_per_step() const {
  int64_t fewest = steps[0].numbers;
  for (size_t i = 1; i < known(); ++i) fewest = std::min(fewest, steps[i].numbers);
  return fewest;
}

Duration Cadence::Series::interval() const {
  return duration_of(ns_per_number() * static_cast<double>(numbers_per_step()));
}

LoopTime Cadence::Series::due(int64_t next) const {
  return born + duration_of(ns_per_number() * static_cast<double>(next - number));
}

void Cadence::on_born(std::string_view path, LoopTime missing_at, LoopTime now) {
  auto name = name_of(path);
  if (!name) return;
  const LoopTime between = missing_at + (now - missing_at) / 2;
  if (const auto found = series_.find(name->series); found != series_.end()) {
    Series& series = found->second;
    if (name->number == series.number) return;
    const bool foreseen = series.has_rhythm() && name->number > series.number;
    series.step_to(name->number, foreseen ? std::clamp(series.due(name->number), missing_at, now) : between);
    order_.splice(order_.begin(), order_, series.order);
    return;
  }
  if (series_.size() == series_max) {
    series_.erase(order_.back());
    order_.pop_back();
  }
  order_.push_front(name->series);
  const int64_t number = name->number;
  series_.emplace(
      std::move(name->series),
      Series{.number = number, .born = between, .seen_number = number, .seen = between, .order = order_.begin()});
}

void Cadence::on_found(std::string_view path, LoopTime now) {
  const auto name = name_of(path);
  const auto found = name ? series_.find(name->series) : series_.end();
  if (found == series_.end() || !found->second.has_rhythm() || name->number <= found->second.number) return;
  Series& series = found->second;
  series.born = now - distance_of(series.interval());
  series.number = name->number;
  ++series.deceptions;
}

std::optional<Cadence::Expected> Cadence::expected(std::string_view path, LoopTime now) const {
  const auto name = name_of(path);
  if (!name) return std::nullopt;
  const auto found = series_.find(name->series);
  if (found == series_.end()) return std::nullopt;
  const Series& series = found->second;
  if (!series.has_rhythm() || name->number <= series.number) return std::nullopt;
  const double per_number = series.ns_per_number();
  const int64_t step = series.numbers_per_step();
  const Duration interval = series.interval();
  if (interval < interval_min || interval > interval_max) return std::nullopt;
  const Duration hold = std::min(2 * interval, hold_max);
  const double after_ns = per_number * static_cast<double>(name->number - series.number);
  const Duration heard(now - series.born);
  if (after_ns > static_cast<double>((heard + hold).count())) return std::nullopt;
  const LoopTime due = series.due(name->number);
  if (now >= due + hold) return std::nullopt;
  const bool near = name->number - series.number <= 2 * step;
  return Expected{due, interval, std::min(due, now) + hold, near ? Expected::Word::firm : Expected::Word::loose};
}

LoopTime Cadence::first_question(const Expected& expected, LoopTime now, Random& random) {
  const bool surely_not = expected.word == Expected::Word::firm && now < expected.due - expected.interval / 4;
  return surely_not ? ask_at(expected, now, random) : now;
}

LoopTime Cadence::ask_at(const Expected& expected, LoopTime now, Random& random) {
  const Duration distance = distance_of(expected.interval);
  const LoopTime before = expected.due - scaled(distance, 1 - random.unit() / 4);
  const LoopTime after = expected.due + scaled(distance, 1 - random.unit() / 4);
  if (now < expected.due - expected.interval / 4) return before;
  if (now < expected.due) return after;
  return now + scaled(std::clamp(now - expected.due, distance, longest_poll), 0.75 + random.unit() / 2);
}

LoopTime Cadence::poll_at(LoopTime since, LoopTime now) {
  return now + std::min(first_poll + (now - since), longest_poll);
}

}  // namespace klieg::edge
