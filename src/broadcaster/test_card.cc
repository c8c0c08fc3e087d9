#include "broadcaster/test_card.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>
#include <numbers>

#include "base/assert.h"
#include "broadcaster/bitmap_font.h"
#include "broadcaster/clock_code.h"

namespace klieg::broadcaster {

namespace {

// Tungsten light on charcoal.
constexpr Colour charcoal{30, 129, 128};
constexpr Colour seam{42, 129, 128};
constexpr Colour chalk{188, 126, 130};
constexpr Colour amber{168, 52, 160};
constexpr Colour amber_dim{86, 96, 140};

// 75 % bars of ITU-R BT.709, left to right: white, yellow, cyan, green, magenta, red, blue, black.
constexpr std::array<Colour, 8> bars{{{180, 128, 128},
                                      {168, 44, 136},
                                      {145, 147, 44},
                                      {134, 63, 52},
                                      {63, 193, 204},
                                      {51, 109, 212},
                                      {28, 212, 120},
                                      {16, 128, 128}}};

struct Point {
  double x, y;
};

// The layout: fractions of width and height. Below 0.83 lies the clock for machines.
constexpr double clapper_bottom = 0.06;
constexpr double bars_top = 0.09, bars_bottom = 0.27, steps_bottom = 0.31;
constexpr double bars_left = 0.06, bars_right = 0.94;
constexpr Point leader_centre{0.18, 0.555};
constexpr Point star_centre{0.82, 0.555};
constexpr double runner_top = 0.765, runner_bottom = 0.815;
static_assert(runner_bottom <= clock_code::top - clock_code::quiet);

// Half of what fits between bars and runner, and between the picture's edge and its middle third.
double disc_radius(int width, int height) { return std::min(0.175 * height, 0.13 * width); }

int at(double fraction, int size) { return static_cast<int>(std::lround(fraction * size)); }

Colour blend(Colour below, Colour above, double cover) {
  const auto mix = [cover](uint8_t a, uint8_t b) { return static_cast<uint8_t>(std::lround(a + (b - a) * cover)); };
  return {mix(below.y, above.y), mix(below.u, above.u), mix(below.v, above.v)};
}

// How much of pixel (x, y) lies where `inside` says, by 4 x 4 samples: smooth edges for shapes that are not boxes.
template <class Inside>
double cover(int x, int y, Inside inside) {
  int hits = 0;
  for (int i = 0; i < 16; ++i)
    hits += inside(x + (i % 4 + 0.5) / 4, y + (static_cast<double>(i >> 2) + 0.5) / 4) ? 1 : 0;
  return hits / 16.0;
}

void draw_set(Picture& picture) {
  const int width = picture.width(), height = picture.height();
  picture.fill(0, 0, width, height, charcoal);
  // Squares of a twelfth of the height show a picture that is squeezed or cropped.
  const double square = height / 12.0;
  for (double x = std::fmod(width / 2.0, square); x < width; x += square) {
    picture.fill(static_cast<int>(x), 0, static_cast<int>(x) + 1, height, seam);
  }
  for (double y = square; y < height; y += square) {
    picture.fill(0, static_cast<int>(y), width, static_cast<int>(y) + 1, seam);
  }
}

void draw_clapper(Picture& picture) {
  const int bottom = at(clapper_bottom, picture.height());
  const double stripe = bottom * 1.5;
  for (int y = 0; y < bottom; ++y) {
    for (int x = 0; x < picture.width(); ++x) {
      const double is_chalk =
          cover(x, y, [&](double px, double py) { return std::fmod(px + py, 2 * stripe) < stripe; });
      picture.set(x, y, blend(black, chalk, is_chalk));
    }
  }
}

void draw_bars(Picture& picture) {
  const int width = picture.width(), height = picture.height();
  const auto column = [&](int i, int count) { return at(bars_left + (bars_right - bars_left) * i / count, width); };
  for (int i = 0; i < static_cast<int>(bars.size()); ++i) {
    picture.fill(column(i, 8), at(bars_top, height), column(i + 1, 8), at(bars_bottom, height), bars[i]);
  }
  constexpr int steps = 11;
  for (int i = 0; i < steps; ++i) {
    picture.fill(column(i, steps), at(bars_bottom, height), column(i + 1, steps), at(steps_bottom, height),
                 grey(static_cast<uint8_t>(16 + i * (235 - 16) / (steps - 1))));
  }
}

// Spokes that run together where the picture's resolution ends, and bars of one to four pixels below them.
void draw_star(Picture& picture) {
  const double radius = disc_radius(picture.width(), picture.height());
  const Point centre{star_centre.x * picture.width(), star_centre.y * picture.height()};
  constexpr int spokes = 36;
  for (int y = static_cast<int>(centre.y - radius); y <= centre.y + radius; ++y) {
    for (int x = static_cast<int>(centre.x - radius); x <= centre.x + radius; ++x) {
      const double disc =
          cover(x, y, [&](double px, double py) { return std::hypot(px - centre.x, py - centre.y) < radius; });
      if (disc == 0) continue;
      const double spoke = cover(x, y, [&](double px, double py) {
        return std::fmod(std::atan2(py - centre.y, px - centre.x) / (2 * std::numbers::pi) * spokes + spokes, 1.0) <
               0.5;
      });
      picture.set(x, y, blend(charcoal, blend(black, chalk, spoke), disc));
    }
  }
  const int left = static_cast<int>(centre.x - radius / 2), right = static_cast<int>(centre.x + radius / 2);
  const int top = static_cast<int>(centre.y - radius / 8), bottom = static_cast<int>(centre.y + radius / 8);
  picture.fill(left, top, right, bottom, black);
  for (int width = 1, x = left + 2; width <= 4; ++width) {
    for (const int end = left + (right - left) * width / 4 - 2; x + width <= end; x += 2 * width) {
      picture.fill(x, top + 2, x + width, bottom - 2, white);
    }
    x = left + (right - left) * width / 4 + 2;
  }
}

// Rings and cross hairs of a film leader, drawn over the disc that turns.
bool on_leader_lines(double x, double y, double radius) {
  const double distance = std::hypot(x, y), line = std::max(1.0, radius / 45);
  const auto near = [line](double a, double b) { return std::abs(a - b) < line / 2; };
  return near(distance, radius - line) || near(distance, radius * 0.82) || near(x, 0) || near(y, 0);
}

double position_in_second(WallTime time) {
  const Duration since = time.time_since_epoch() % 1s;
  return to_seconds(since < 0s ? since + 1s : since);
}

}  // namespace

TestCard::TestCard(int width, int height) : backdrop_(width, height), picture_(width, height) {
  KLIEG_ASSERT(width >= test_card_width_min && height >= test_card_height_min, "a test card has room for its clock");
  draw_set(backdrop_);
  draw_clapper(backdrop_);
  draw_bars(backdrop_);
  draw_star(backdrop_);

  const double radius = disc_radius(width, height);
  const Point centre{leader_centre.x * width, leader_centre.y * height};
  for (int y = static_cast<int>(centre.y - radius); y <= centre.y + radius; ++y) {
    for (int x = static_cast<int>(centre.x - radius); x <= centre.x + radius; ++x) {
      const double dx = x + 0.5 - centre.x, dy = y + 0.5 - centre.y;
      if (std::hypot(dx, dy) >= radius) continue;
      const double line =
          cover(x, y, [&](double px, double py) { return on_leader_lines(px - centre.x, py - centre.y, radius); });
      backdrop_.set(x, y, blend(amber_dim, black, line));
      if (line > 0.5) continue;
      const double turn = std::atan2(dx, -dy) / (2 * std::numbers::pi);
      leader_.push_back({static_cast<uint32_t>(y * width + x),
                         static_cast<uint16_t>(static_cast<int>(std::floor(turn * 65536)) & 0xFFFF)});
    }
  }

  const int dot = std::max(1, height / 130);
  const std::string_view name = "K L I E G";
  draw_text(backdrop_, (width - text_width(name, dot)) / 2, at(0.345, height), dot, name, amber);
  const std::string size = fmt::format("{}X{}", width, height);
  const int small = std::max(1, height / 360);
  draw_text(backdrop_, at(star_centre.x, width) - text_width(size, small) / 2, at(0.335, height) - small, small, size,
            chalk);

  const int side = at(0.1, height);
  flash_ = {(width - side) / 2, at(0.64, height), (width + side) / 2, at(0.64, height) + side};
  const int rim = std::max(1, height / 240);
  backdrop_.fill(flash_.left - 2 * rim, flash_.top - 2 * rim, flash_.right + 2 * rim, flash_.bottom + 2 * rim, chalk);
  backdrop_.fill(flash_.left - rim, flash_.top - rim, flash_.right + rim, flash_.bottom + rim, black);
}

const Picture& TestCard::draw(WallTime time) {
  std::ranges::copy(backdrop_.content(), picture_.content().begin());
  draw_leader(time);
  draw_time(time);
  draw_runner(time);
  if (flash_is_lit(time)) picture_.fill(flash_.left, flash_.top, flash_.right, flash_.bottom, white);
  draw_clock(picture_, time);
  return picture_;
}

// The sweep uncovers the bright side of the disc in even seconds and covers it again in odd ones.
void TestCard::draw_leader(WallTime time) {
  const auto hand = static_cast<uint16_t>(position_in_second(time) * 65536);
  const bool uncovers = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count() % 2 == 0;
  const std::span<uint8_t> luma = picture_.luma(), u = picture_.u(), v = picture_.v();
  const auto width = static_cast<uint32_t>(picture_.width());
  for (const LeaderDot dot : leader_) {
    if ((dot.direction < hand) != uncovers) continue;
    luma[dot.at] = amber.y;
    const uint32_t x = dot.at % width, y = dot.at / width;
    const size_t chroma = static_cast<size_t>(y / 2) * picture_.chroma_width() + x / 2;
    u[chroma] = amber.u;
    v[chroma] = amber.v;
  }
}

void TestCard::draw_time(WallTime time) {
  using namespace std::chrono;
  const sys_time<Duration> utc(time.time_since_epoch());
  const auto day = floor<days>(utc);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<milliseconds>(utc - day));
  const std::string date_text = fmt::format("{:04}-{:02}-{:02} UTC", static_cast<int>(date.year()),
                                            static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  const std::string time_text = fmt::format("{:02}:{:02}:{:02}.{:03}", clock.hours().count(), clock.minutes().count(),
                                            clock.seconds().count(), clock.subseconds().count());

  const int width = picture_.width(), height = picture_.height();
  const int large = std::max(1, static_cast<int>(0.40 * width) / text_width(time_text, 1));
  const int small = std::max(1, large / 2);
  draw_text(picture_, (width - text_width(date_text, small)) / 2, at(0.44, height), small, date_text, chalk);
  draw_text(picture_, (width - text_width(time_text, large)) / 2, at(0.51, height), large, time_text, white);
}

// A steady pace that the eye follows: a lost or repeated frame is a jolt.
void TestCard::draw_runner(WallTime time) {
  const int width = picture_.width(), height = picture_.height();
  const int top = at(runner_top, height), bottom = at(runner_bottom, height);
  picture_.fill(at(bars_left, width), (top + bottom) / 2, at(bars_right, width), (top + bottom) / 2 + 1, chalk);
  const Duration since = time.time_since_epoch() % 4s;
  const double phase = to_seconds(since < 0s ? since + 4s : since) / 2;  // 0..2
  const double along = phase < 1 ? phase : 2 - phase;
  const int half = (bottom - top) / 2;
  const int middle = at(bars_left + (bars_right - bars_left) * along, width);
  picture_.fill(middle - half, top, middle + half, bottom, amber);
}

bool flash_is_lit(WallTime time) { return position_in_second(time) < to_seconds(flash_duration); }

void fill_tone(WallTime begin, uint32_t sample_rate, std::span<int16_t> samples) {
  constexpr double amplitude = 0.5 * 32767;
  for (size_t i = 0; i < samples.size(); ++i) {
    const WallTime when = begin + from_ticks(static_cast<int64_t>(i), sample_rate);
    // Whole periods fit the tone's duration, so it begins and ends at zero and does not click.
    samples[i] = flash_is_lit(when)
                     ? static_cast<int16_t>(
                           std::lround(amplitude * std::sin(2 * std::numbers::pi * tone_hz * position_in_second(when))))
                     : int16_t{0};
  }
}

}  // namespace klieg::broadcaster
