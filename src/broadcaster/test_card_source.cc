#include "broadcaster/test_card_source.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/logging.h"
#include "broadcaster/encoder_process.h"
#include "broadcaster/frame_pacer.h"
#include "broadcaster/raw_matroska.h"
#include "broadcaster/rtmp_url.h"
#include "broadcaster/stop_signals.h"
#include "broadcaster/test_card.h"

namespace klieg::broadcaster {

namespace {

constexpr uint32_t sample_rate = 48'000;
constexpr uint8_t channels = 2;
constexpr Duration sound_late_max = 1s;   // older sound than this is not worth sending
constexpr Duration clock_step_min = 5ms;  // below: the wall clock is being slewed, and the picture need not jump
constexpr Duration retry_first = 1s, retry_last = 5s;
constexpr Duration healthy_after = 10s;  // a broadcast that lasted this long starts its retries anew
constexpr Duration last_frames_patience = 4s;
// What ffmpeg may have read before it connects: a picture, a block of its reader (32 KiB) and what the pipe holds (64).
constexpr size_t read_ahead_max = 128 << 10;
constexpr Duration warm_up_look_every = 5ms;

// Returns when something may have happened, or at `until`.
void wait_for(std::vector<pollfd>& waits, LoopTime until) {
  const Duration rest = std::max(Duration(0), until - read_loop_clock());
  const timespec timeout{rest / 1s, static_cast<long>((rest % 1s).count())};
  ::ppoll(waits.data(), waits.size(), &timeout, nullptr);
}

// One line that overwrites itself on a terminal; a log line now and then elsewhere.
class Progress {
 public:
  explicit Progress(std::string where) : where_(std::move(where)) {}
  ~Progress() {
    if (line_open_) std::fputc('\n', stderr);
  }

  void show(LoopTime now, Duration on_air, uint64_t frames, uint64_t dropped) {
    const bool terminal = isatty(STDERR_FILENO) != 0;
    if (now < next_) return;
    next_ = now + (terminal ? 1s : 30s);
    if (!terminal) {
      return logging::info("test card on air",
                           {{"to", where_}, {"seconds", on_air / 1s}, {"frames", frames}, {"dropped", dropped}});
    }
    fmt::print(stderr, "\ron air {:02}:{:02}:{:02}  {}  frames {}  dropped {} ", on_air / 1s / 3600,
               on_air / 1s / 60 % 60, on_air / 1s % 60, where_, frames, dropped);
    std::fflush(stderr);
    line_open_ = true;
  }
  void interrupt() {
    if (line_open_) std::fputc('\n', stderr);
    line_open_ = false;
  }

 private:
  std::string where_;
  LoopTime next_{};
  bool line_open_ = false;
};

// From one start of the encoder to its end.
class OnAir {
 public:
  OnAir(const TestCardOptions& options, TestCard& card, EncoderProcess& encoder)
      : options_(options), card_(card), encoder_(encoder), begun_(read_loop_clock()) {
    std::optional<raw_matroska::Audio> audio;
    if (options.sound == Sound::tone) audio = {sample_rate, channels};
    encoder_.offer(
        {raw_matroska::header({options.size.width, options.size.height, options.rate.instant_of(1)}, audio)});
    const size_t picture_size = card.draw(read_wall_clock()).content().size();
    warm_up_frames_ = 2 + (read_ahead_max + picture_size - 1) / picture_size;
    wall_start_ = read_wall_clock();
  }

  LoopTime next_instant() const { return pacer_ ? pacer_->wake_at() : read_loop_clock() + warm_up_look_every; }
  Duration length(LoopTime now) const { return now - begun_; }
  bool flows() const { return pacer_.has_value(); }
  uint64_t frames() const { return frames_; }
  uint64_t dropped() const { return pacer_ ? pacer_->dropped() : 0; }

  // Takes the frame that is due, if one is.
  void advance(LoopTime now) {
    if (!pacer_) return warm_up();
    if (const auto n = pacer_->take(now, encoder_.idle() ? EncoderState::idle : EncoderState::busy)) {
      follow_wall_clock();
      offer_frame(*n);
    }
  }

 private:
  // ffmpeg looks at its input before it connects, and reads on only afterwards. So the first frames, a few more than it
  // can swallow while looking, go out unpaced, and the clock starts when all of them are taken: how long connecting
  // took leaves no hole between the first key frame and the second.
  void warm_up() {
    if (!encoder_.idle()) return;
    if (frames_ < warm_up_frames_) return offer_frame(frames_);
    if (!encoder_.drained()) return;
    // The next frame comes at the next instant of the frame grid that begins with each second.
    const LoopTime now = read_loop_clock();
    const WallTime wall = read_wall_clock();
    const Duration into_second = wall.time_since_epoch() % 1s;
    const Duration ahead = options_.rate.instant_of(options_.rate.frame_due(into_second) + 1) - into_second;
    const Duration taken = options_.rate.instant_of(frames_);
    wall_start_ = wall + ahead - taken;
    pacer_.emplace(options_.rate, options_.gop, now + ahead - taken, frames_);
  }

  void follow_wall_clock() {
    const WallTime expected = wall_start_ + (read_loop_clock() - pacer_->start());
    const Duration step = read_wall_clock() - expected;
    if (step > clock_step_min || step < -clock_step_min) wall_start_ += step;
  }

  void offer_frame(uint64_t n) {
    const Duration at = options_.rate.instant_of(n);
    ++frames_;
    const Picture& picture = card_.draw(wall_start_ + at);
    const Bytes picture_prefix =
        raw_matroska::block_prefix(raw_matroska::TrackNumber::video, at, picture.content().size());
    if (options_.sound == Sound::none) return encoder_.offer({picture_prefix, picture.content()});

    const int64_t sound_end = to_ticks(at, sample_rate);
    const int64_t begin = std::max(sound_sent_, sound_end - to_ticks(sound_late_max, sample_rate));
    const Duration begin_at = from_ticks(begin, sample_rate);
    std::vector<int16_t> mono(static_cast<size_t>(sound_end - begin));
    fill_tone(wall_start_ + begin_at, sample_rate, mono);
    std::vector<uint8_t> sound;
    sound.reserve(mono.size() * channels * sizeof(int16_t));
    for (const int16_t sample : mono) {
      for (int channel = 0; channel < channels; ++channel) {
        sound.push_back(static_cast<uint8_t>(sample & 0xFF));
        sound.push_back(static_cast<uint8_t>(sample >> 8));
      }
    }
    sound_sent_ = sound_end;
    if (sound.empty()) return encoder_.offer({picture_prefix, picture.content()});
    const Bytes sound_prefix = raw_matroska::block_prefix(raw_matroska::TrackNumber::audio, begin_at, sound.size());
    encoder_.offer({sound_prefix, sound, picture_prefix, picture.content()});
  }

  const TestCardOptions& options_;
  TestCard& card_;
  EncoderProcess& encoder_;
  LoopTime begun_;
  WallTime wall_start_;              // of media time zero
  std::optional<FramePacer> pacer_;  // once the encoder has connected
  uint64_t warm_up_frames_ = 0;
  uint64_t frames_ = 0;
  int64_t sound_sent_ = 0;  // samples of media time
};

// What went wrong, of what ffmpeg says: the server's own words where there are any, else its last line.
class Reason {
 public:
  void hear(const std::string& line) {
    constexpr std::string_view quotes = "Server error: ";
    if (const size_t at = line.find(quotes); at != std::string::npos) {
      refusal_ = "the server says: " + line.substr(at + quotes.size());
    }
    last_ = line;
  }
  const std::string& words() const { return refusal_.empty() ? last_ : refusal_; }
  // ffmpeg passes on a server's description but not its code, so these are the words of ours.
  bool stays() const { return refusal_.find("wrong key") != std::string::npos; }

 private:
  std::string refusal_, last_;
};

Result<void> not_on_air(const std::string& where, const Reason& reason) {
  const std::string& words = reason.words();
  return fail(fmt::format("{}: {}", where, words.empty() ? "there was no time to go on air" : words));
}

std::string replace_all(std::string text, const std::string& what, const std::string& with) {
  for (size_t at = 0; !what.empty() && (at = text.find(what, at)) != std::string::npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// What ffmpeg says, fit to be seen. A key that is as short as a word is looked for only where an address has it.
std::string without_key(std::string line, const std::string& url, const RtmpUrl& address) {
  constexpr size_t no_word = 8;
  const std::string& key = address.stream_key;
  line = replace_all(replace_all(std::move(line), url, address.shown()), "/" + key, "/...");
  return key.size() < no_word ? line : replace_all(std::move(line), key, "...");
}

}  // namespace

std::vector<std::string> encoder_arguments(const TestCardOptions& options) {
  const std::string bits = std::to_string(options.bits_per_second);
  const std::string gop = fmt::format("{:.3f}", to_seconds(options.gop));
  // One key frame at the first frame of every span of a GOP's length, however many frames were lost before it. Times
  // are whole milliseconds, hence the two of them added before rounding down.
  const std::string key_frames =
      fmt::format("expr:if(isnan(prev_forced_t),1,gt(floor((t+0.002)/{0}),floor((prev_forced_t+0.002)/{0})))", gop);
  const int gop_frames_max = static_cast<int>(std::ceil(to_seconds(options.gop) * 2 * 240));

  std::vector<std::string> all{options.encoder, "-hide_banner", "-nostats", "-loglevel", "error"};
  const auto add = [&all](std::initializer_list<std::string> more) { all.insert(all.end(), more); };
  add({"-probesize", "32", "-analyzeduration", "0", "-f", "matroska", "-i", "pipe:0"});
  add({"-fps_mode", "passthrough", "-enc_time_base", "-1"});
  add({"-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-pix_fmt", "yuv420p"});
  add({"-b:v", bits, "-maxrate", bits, "-bufsize", bits, "-bf", std::to_string(options.b_frames)});
  add({"-g", std::to_string(gop_frames_max), "-sc_threshold", "0", "-force_key_frames", key_frames});
  add({"-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"});
  if (options.sound == Sound::tone) add({"-c:a", "aac", "-b:a", "96k"});
  add({"-flush_packets", "1", "-f", "flv", options.url});
  return all;
}

Result<void> broadcast_test_card(const TestCardOptions& options) {
  if (options.size.width < test_card_width_min || options.size.height < test_card_height_min) {
    return fail(fmt::format("the test card needs at least {}x{}", test_card_width_min, test_card_height_min));
  }
  if (options.size.width % 2 != 0 || options.size.height % 2 != 0) {
    return fail("width and height must be even: H.264 halves the colour planes");
  }

  const auto address = RtmpUrl::parse(options.url);
  if (!address) return std::unexpected(address.error());

  StopSignals stop;
  TestCard card(options.size.width, options.size.height);
  const std::string where = address->shown();
  const LoopTime end = options.duration ? read_loop_clock() + *options.duration : LoopTime::max();
  Duration retry_wait = retry_first;
  Reason reason;

  logging::info("test card starting",
                {{"to", where}, {"size", fmt::format("{}x{}", options.size.width, options.size.height)}});
  while (true) {
    auto encoder = EncoderProcess::start(encoder_arguments(options));
    if (!encoder) return std::unexpected(encoder.error());
    OnAir on_air(options, card, **encoder);
    reason = {};
    Progress progress(where);

    const auto relay_words = [&] {
      for (const std::string& line : (*encoder)->take_words()) {
        const std::string words = without_key(line, options.url, *address);
        reason.hear(words);
        logging::debug("encoder says", {{"words", words}});
      }
    };
    const auto finish = [&] {
      (*encoder)->finish(last_frames_patience);
      relay_words();
    };

    while (!(*encoder)->exited()) {
      const LoopTime now = read_loop_clock();
      on_air.advance(now);
      if (on_air.flows()) progress.show(now, on_air.length(now), on_air.frames(), on_air.dropped());
      if (now >= end || stop.arrived()) {
        finish();
        progress.interrupt();
        if (!stop.arrived() && !on_air.flows()) return not_on_air(where, reason);
        logging::info("test card ended", {{"frames", on_air.frames()}, {"dropped", on_air.dropped()}});
        return {};
      }
      std::vector<pollfd> waits{{stop.fd(), POLLIN, 0}};
      (*encoder)->add_to(waits);
      wait_for(waits, std::min(on_air.next_instant(), end));
      (*encoder)->advance();
      relay_words();
    }

    relay_words();
    progress.interrupt();
    if (reason.stays()) return not_on_air(where, reason);
    if (on_air.length(read_loop_clock()) > healthy_after) retry_wait = retry_first;
    logging::warning("not on air, trying again",
                     {{"to", where}, {"after_s", retry_wait / 1s}, {"because", reason.words()}});
    for (const LoopTime again = std::min(read_loop_clock() + retry_wait, end); read_loop_clock() < again;) {
      if (stop.arrived()) return {};
      std::vector<pollfd> waits{{stop.fd(), POLLIN, 0}};
      wait_for(waits, again);
    }
    if (read_loop_clock() >= end) return not_on_air(where, reason);
    retry_wait = std::min(retry_wait * 2, retry_last);
  }
}

}  // namespace klieg::broadcaster
