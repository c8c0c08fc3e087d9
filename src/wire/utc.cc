#include "wire/utc.h"

#include <fmt/format.h>

namespace klieg::wire {

std::string utc_text(WallTime time) {
  using namespace std::chrono;
  const auto since_epoch = floor<milliseconds>(time.time_since_epoch());
  const auto day = floor<days>(since_epoch);
  const year_month_day date{sys_days(day)};
  const hh_mm_ss clock{since_epoch - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

namespace {

// The number that the first `digits` characters are; they are taken off.
std::optional<int> take_number(std::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int number = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, char expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(1);
  return true;
}

Duration take_fraction(std::string_view& text) {
  Duration fraction{0};
  for (Duration unit = 100ms; !text.empty() && text.front() >= '0' && text.front() <= '9'; unit /= 10) {
    fraction += (text.front() - '0') * unit;
    text.remove_prefix(1);
  }
  return fraction;
}

// What the clock shown is ahead of UTC.
std::optional<Duration> take_zone(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return 0s;
  const bool ahead = text.starts_with('+');
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  const auto hours = take_number(text, 2);
  take(text, ':');
  const auto minutes = take_number(text, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const Duration offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return ahead ? offset : -offset;
}

}  // namespace

std::optional<WallTime> read_utc(std::string_view text) {
  using namespace std::chrono;
  const auto y = take_number(text, 4);
  if (!y || !take(text, '-')) return std::nullopt;
  const auto m = take_number(text, 2);
  if (!m || !take(text, '-')) return std::nullopt;
  const auto d = take_number(text, 2);
  if (!d || !take(text, 'T')) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || !take(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || !take(text, ':')) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const Duration fraction = take(text, '.') ? take_fraction(text) : Duration(0);
  const auto zone = take_zone(text);
  const year_month_day date{year(*y), month(static_cast<unsigned>(*m)), day(static_cast<unsigned>(*d))};
  if (!zone || !text.empty() || !date.ok() || *y < 1970 || *y > 2200) return std::nullopt;
  const WallTime time(Duration(sys_days(date).time_since_epoch()) + hours(*hour) + minutes(*minute) + seconds(*second) +
                      fraction - *zone);
  if (time.time_since_epoch() < 0s) return std::nullopt;
  return time;
}

}  // namespace klieg::wire
