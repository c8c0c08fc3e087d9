#include "edge/cadence.h"

#include <algorithm>
#include <charconv>

namespace klieg::edge {
namespace {

constexpr size_t digits_max = 15;  // so that sums and products stay exact

// Of an interval: how early the first question is, and the first distance between questions.
constexpr int64_t questions_per_interval = 16;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

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

void Cadence::Series::step_to(int64_t next, LoopTime now) {
  if (next < number) steps_seen = 0;
  if (next > number) steps[steps_seen++ % steps_kept] = {now - born, next - number};
  number = next;
  born = now;
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

void Cadence::on_born(std::string_view path, LoopTime now) {
  auto name = name_of(path);
  if (!name) return;
  if (const auto found = series_.find(name->series); found != series_.end()) {
    Series& series = found->second;
    if (name->number == series.number) return;
    series.step_to(name->number, now);
    order_.splice(order_.begin(), order_, series.order);
    return;
  }
  if (series_.size() == series_max) {
    series_.erase(order_.back());
    order_.pop_back();
  }
  order_.push_front(name->series);
  series_.emplace(std::move(name->series), Series{.number = name->number, .born = now, .order = order_.begin()});
}

std::optional<Cadence::Expected> Cadence::expected(std::string_view path, LoopTime now) const {
  const auto name = name_of(path);
  if (!name) return std::nullopt;
  const auto found = series_.find(name->series);
  if (found == series_.end()) return std::nullopt;
  const Series& series = found->second;
  if (series.known() < steps_min || name->number <= series.number) return std::nullopt;
  const double per_number = series.ns_per_number();
  const double interval_ns = per_number * static_cast<double>(series.numbers_per_step());
  if (interval_ns < static_cast<double>(interval_min.count()) ||
      interval_ns > static_cast<double>(interval_max.count())) {
    return std::nullopt;
  }
  const Duration interval(static_cast<int64_t>(interval_ns));
  const Duration hold = std::min(2 * interval, hold_max);
  const double after_ns = per_number * static_cast<double>(name->number - series.number);
  const Duration heard(now - series.born);
  if (after_ns > static_cast<double>((heard + hold).count())) return std::nullopt;
  const LoopTime due = series.born + Duration(static_cast<int64_t>(after_ns));
  if (now >= due + hold) return std::nullopt;
  return Expected{due, interval, std::min(due, now) + hold};
}

LoopTime Cadence::ask_at(const Expected& expected, LoopTime now, Random& random) {
  const Duration distance = expected.interval / questions_per_interval;
  const LoopTime first = expected.due - distance;
  if (now < first) return first + scaled(distance, random.unit() / 4);
  return now + scaled(std::max(distance, (now - expected.due) / 2), 0.75 + random.unit() / 2);
}

}  // namespace klieg::edge
