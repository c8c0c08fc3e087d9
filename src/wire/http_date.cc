#include "wire/http_date.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace klieg::wire {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> day_names = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr std::array<std::string_view, 7> long_day_names = {"sunday",   "monday", "tuesday", "wednesday",
                                                            "thursday", "friday", "saturday"};
constexpr std::array<std::string_view, 12> month_names = {"jan", "feb", "mar", "apr", "may", "jun",
                                                          "jul", "aug", "sep", "oct", "nov", "dec"};

struct Fields {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

// Takes what a date is made of off the front of a text. Once something is not there, nothing is any more.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool done() const { return ok_ && rest_.empty(); }

  Reader& literal(std::string_view lower) {
    return require(same(rest_.substr(0, lower.size()), lower)).skip(lower.size());
  }
  template <size_t N>
  Reader& one_of(const std::array<std::string_view, N>& names, int* number = nullptr) {
    const auto found =
        std::ranges::find_if(names, [&](std::string_view name) { return same(rest_.substr(0, name.size()), name); });
    if (found == names.end()) return require(false);
    if (number) *number = static_cast<int>(found - names.begin()) + 1;
    return skip(found->size());
  }
  Reader& digits(size_t count, int& number) {
    const std::string_view text = rest_.substr(0, count);
    require(text.size() == count && text.find_first_not_of("0123456789") == text.npos);
    if (!ok_) return *this;
    number = 0;
    for (const char c : text) number = number * 10 + (c - '0');
    return skip(count);
  }
  // asctime() pads the day with a space.
  Reader& padded_day(int& day) { return rest_.starts_with(' ') ? skip(1).digits(1, day) : digits(2, day); }
  Reader& time_of_day(Fields& to) {
    return digits(2, to.hour).literal(":").digits(2, to.minute).literal(":").digits(2, to.second);
  }

 private:
  static bool same(std::string_view text, std::string_view lower) {
    return std::ranges::equal(text, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
  }
  Reader& require(bool condition) {
    ok_ = ok_ && condition;
    return *this;
  }
  Reader& skip(size_t size) {
    if (ok_) rest_.remove_prefix(std::min(size, rest_.size()));
    return *this;
  }

  std::string_view rest_;
  bool ok_ = true;
};

bool read_imf_fixdate(std::string_view text, Fields& to) {
  return Reader(text)
      .one_of(day_names)
      .literal(", ")
      .digits(2, to.day)
      .literal(" ")
      .one_of(month_names, &to.month)
      .literal(" ")
      .digits(4, to.year)
      .literal(" ")
      .time_of_day(to)
      .literal(" gmt")
      .done();
}

bool read_rfc850(std::string_view text, WallTime now, Fields& to) {
  const bool read = Reader(text)
                        .one_of(long_day_names)
                        .literal(", ")
                        .digits(2, to.day)
                        .literal("-")
                        .one_of(month_names, &to.month)
                        .literal("-")
                        .digits(2, to.year)
                        .literal(" ")
                        .time_of_day(to)
                        .literal(" gmt")
                        .done();
  const int this_year = static_cast<int>(year_month_day(sys_days(floor<days>(now.time_since_epoch()))).year());
  to.year += this_year / 100 * 100;
  if (to.year > this_year + 50) to.year -= 100;
  if (to.year <= this_year - 50) to.year += 100;
  return read;
}

bool read_asctime(std::string_view text, Fields& to) {
  return Reader(text)
      .one_of(day_names)
      .literal(" ")
      .one_of(month_names, &to.month)
      .literal(" ")
      .padded_day(to.day)
      .literal(" ")
      .time_of_day(to)
      .literal(" ")
      .digits(4, to.year)
      .done();
}

}  // namespace

std::optional<WallTime> parse_http_date(std::string_view text, WallTime now) {
  Fields read;
  if (!read_imf_fixdate(text, read) && !read_rfc850(text, now, read) && !read_asctime(text, read)) return std::nullopt;
  const year_month_day date{year(read.year), month(static_cast<unsigned>(read.month)),
                            day(static_cast<unsigned>(read.day))};
  // 60 is a leap second.
  if (!date.ok() || read.hour > 23 || read.minute > 59 || read.second > 60) return std::nullopt;
  const seconds since_epoch =
      sys_days(date).time_since_epoch() + hours(read.hour) + minutes(read.minute) + seconds(read.second);
  constexpr auto last = floor<seconds>(http_date_max.time_since_epoch());
  return WallTime(std::clamp(since_epoch, seconds(0), last));
}

std::string http_date_text(WallTime time) {
  const auto since_epoch = floor<seconds>(time.time_since_epoch());
  const auto whole_days = floor<days>(since_epoch);
  const year_month_day date{sys_days(whole_days)};
  const hh_mm_ss clock{since_epoch - whole_days};
  const auto name = [](std::string_view lower) {
    return std::string{static_cast<char>(lower[0] - 32), lower[1], lower[2]};
  };
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     name(day_names[weekday(sys_days(whole_days)).c_encoding()]), static_cast<unsigned>(date.day()),
                     name(month_names[static_cast<unsigned>(date.month()) - 1]), static_cast<int>(date.year()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

}  // namespace klieg::wire
