// Gives a recording to a codec worker, as the server would, for `bench ladder`.
//
//   bench_ladder_worker WORKER SOURCE.mp4 --rung NAME:WIDTH:HEIGHT:BITS... --pace fast [--seconds N] [--out DIRECTORY]
//
// A rung of size 0:0 is audio. What the worker makes of pictures is written to DIRECTORY/NAME.h264. Prints one line of
// JSON: what the worker cost, and how long each part took from its last sample in to its last byte out.
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "wire/avc.h"
#include "wire/codec_message.h"
#include "wire/mp4_reader.h"

namespace klieg::bench {
namespace {

using namespace wire::codec;

constexpr Duration part_duration = 200ms;
constexpr size_t unsent_max = 1 << 20;  // a second of a phone's source: so much waits here while the worker works

enum class Pace : uint8_t {
  fast,    // as the worker takes them
  frames,  // each sample when it would have been whole: at its end
  parts,   // all samples of a part at the part's end, as a network that stutters brings them
};

struct Arguments {
  std::string worker, source, out;
  std::vector<std::string> rungs;
  Pace pace = Pace::fast;
  double seconds = 1e9;
};

[[noreturn]] void give_up(const std::string& words) {
  std::fprintf(stderr, "bench_ladder_worker: %s\n", words.c_str());
  std::exit(1);
}

struct Child {
  pid_t pid = -1;
  int socket = -1;
};

Child start_worker(const std::string& program) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) give_up("no socket pair");
  const pid_t pid = fork();
  if (pid == 0) {
    if (pair[1] == 3) fcntl(3, F_SETFD, 0);
    if (pair[1] != 3) dup2(pair[1], 3);
    execl(program.c_str(), program.c_str(), nullptr);
    _exit(127);
  }
  close(pair[1]);
  fcntl(pair[0], F_SETFL, O_NONBLOCK);
  return {pid, pair[0]};
}

struct Source {
  std::vector<media::Track> tracks;
  std::vector<SourceSample> samples;  // in the order of their ends, as they come from a camera
  Duration duration{0};
};

MediaTime end_of(const SourceSample& source) { return source.sample.decode_time + source.sample.duration; }

Source read_source(const Arguments& arguments) {
  std::ifstream file(arguments.source, std::ios::binary);
  const auto movie = wire::read_mp4(Bytes::take(std::string(std::istreambuf_iterator<char>(file), {})));
  if (!movie) give_up(arguments.source + ": " + movie.error().message);
  Source source;
  for (const wire::Mp4Track& track : movie->tracks) {
    auto read = track.info.kind == media::TrackKind::video ? wire::avc::read_config(track.info.decoder_config)
                                                           : Result<media::Track>(track.info);
    if (!read) give_up(arguments.source + ": " + read.error().message);
    source.tracks.push_back(*read);
    for (const wire::Mp4Sample& in : movie->samples) {
      if (in.track_id != track.id) continue;
      media::Sample sample{
          .decode_time = MediaTime(from_ticks(in.decode_ticks - track.edit_start_ticks, track.timescale)),
          .composition_offset = from_ticks(in.composition_offset, track.timescale),
          .duration = from_ticks(in.duration, track.timescale),
          .sync = in.sync,
          .content = in.content,
          .captured = std::nullopt};
      if (to_seconds(sample.decode_time.time_since_epoch()) >= arguments.seconds) continue;
      if (track.info.kind == media::TrackKind::video) source.duration += sample.duration;
      source.samples.push_back({track.info.kind, std::move(sample)});
    }
  }
  std::ranges::sort(source.samples, {}, end_of);
  return source;
}

std::vector<media::Rung> read_rungs(const std::vector<std::string>& described) {
  std::vector<media::Rung> rungs;
  for (const std::string& words : described) {
    std::istringstream in(words);
    media::Rung rung;
    char colon = 0;
    std::getline(in, rung.name, ':');
    if (!(in >> rung.width >> colon >> rung.height >> colon >> rung.bits_per_second)) give_up("what rung is " + words);
    rung.kind = rung.width > 0 ? media::TrackKind::video : media::TrackKind::audio;
    rungs.push_back(rung);
  }
  return rungs;
}

// Which part of the broadcast lies at this time.
int64_t part_at(MediaTime at) { return at.time_since_epoch() / part_duration; }

// A rung as it comes out of the worker.
class RungFile {
 public:
  explicit RungFile(media::TrackKind kind) : kind_(kind) {}

  media::TrackKind kind() const { return kind_; }
  void open(const std::string& path, const media::Track& track) {
    if (kind_ != media::TrackKind::video) return;
    config_ = track.decoder_config;
    file_.open(path, std::ios::binary);
  }
  void add(const media::Sample& sample, LoopTime now) {
    ++samples_;
    bytes_ += sample.content.size();
    last_out_[part_at(sample.presentation_time())] = now;
    if (!file_.is_open()) return;
    if (sample.sync == media::Sync::yes) {
      const auto config = wire::avc::parse_config(config_);
      if (!config) give_up("the worker's parameter sets: " + config.error().message);
      for (const ByteView nal_unit : config->sps) put(nal_unit);
      for (const ByteView nal_unit : config->pps) put(nal_unit);
    }
    for (wire::NalWalk walk(sample.content, 4); const auto nal_unit = walk.next();) put(*nal_unit);
  }
  nlohmann::json figures(const std::map<int64_t, LoopTime>& last_in) const {
    nlohmann::json delays = nlohmann::json::array();
    for (const auto& [part, in] : last_in) {
      const auto out = last_out_.find(part);
      if (out != last_out_.end()) delays.push_back(to_seconds(out->second - in) * 1000);
    }
    return {{"samples", samples_}, {"bytes", bytes_}, {"delay_ms", delays}};
  }

 private:
  void put(ByteView nal_unit) {
    file_.write("\0\0\0\1", 4);
    file_.write(reinterpret_cast<const char*>(nal_unit.data()), static_cast<std::streamsize>(nal_unit.size()));
  }

  media::TrackKind kind_;
  Bytes config_;
  std::ofstream file_;
  uint64_t samples_ = 0;
  uint64_t bytes_ = 0;
  std::map<int64_t, LoopTime> last_out_;  // by part
};

class Run {
 public:
  Run(Arguments arguments, Child worker) : arguments_(std::move(arguments)), worker_(worker) {}

  void run() {
    const Source source = read_source(arguments_);
    const std::vector<media::Rung> rungs = read_rungs(arguments_.rungs);
    for (const media::Rung& rung : rungs) rung_files_.emplace_back(rung.kind);
    say(Configure{source.tracks, rungs, 0s, {}});
    while (!configured_) turn(std::nullopt);
    say(Begin{1, {}});
    const LoopTime begun = read_loop_clock();
    for (size_t next = 0; next < source.samples.size();) {
      const LoopTime now = read_loop_clock();
      const LoopTime due = begun + wait_of(source.samples[next]);
      if (due <= now && unsent_size_ < unsent_max) {
        const SourceSample& sample = source.samples[next++];
        last_in_[sample.kind][part_at(sample.sample.presentation_time())] = now;
        say(sample);
      } else {
        turn(due > now ? std::optional(due - now) : std::nullopt);
      }
    }
    say(Drain{});
    while (!drained_) turn(std::nullopt);
    const Duration wall = read_loop_clock() - begun;
    close(worker_.socket);
    report(rungs, source.duration, wall);
  }

 private:
  Duration wait_of(const SourceSample& source) const {
    switch (arguments_.pace) {
      case Pace::fast:
        return 0s;
      case Pace::frames:
        return end_of(source).time_since_epoch();
      case Pace::parts:
        return part_duration * (part_at(source.sample.decode_time) + 1);
    }
    return 0s;
  }

  void say(const ToWorker& message) {
    for (Bytes& piece : write(message)) {
      unsent_size_ += piece.size();
      unsent_.push_back(std::move(piece));
    }
    send_some();
  }

  void send_some() {
    while (!unsent_.empty()) {
      Bytes& first = unsent_.front();
      const ssize_t sent = ::send(worker_.socket, first.data(), first.size(), MSG_NOSIGNAL);
      if (sent < 0) return;
      unsent_size_ -= static_cast<size_t>(sent);
      first = first.slice(static_cast<size_t>(sent));
      if (first.empty()) unsent_.pop_front();
    }
  }

  // Waits, at most so long, for room in the socket or something in it.
  void turn(std::optional<Duration> most) {
    pollfd ready{worker_.socket, static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT), 0};
    const Duration longest = most.value_or(20s);
    const timespec wait{longest.count() / 1'000'000'000, longest.count() % 1'000'000'000};
    if (ppoll(&ready, 1, &wait, nullptr) == 0 && !most) give_up("the worker has said nothing for 20 s");
    send_some();
    const ssize_t count = ::recv(worker_.socket, buffer_.data(), buffer_.size(), 0);
    if (count < 0) return;
    if (count == 0) give_up("the worker ended before its time");
    const LoopTime now = read_loop_clock();
    if (!reader_.push(Bytes::copy_of(ByteView(buffer_).first(static_cast<size_t>(count)))))
      give_up("the worker babbles");
    while (const auto message = reader_.next()) hear(*message, now);
  }

  void hear(const FromWorker& message, LoopTime now) {
    if (const auto* refused = std::get_if<Refused>(&message)) give_up("the worker refuses: " + refused->words);
    if (std::holds_alternative<Configured>(message)) configured_ = true;
    if (std::holds_alternative<Drained>(message)) drained_ = true;
    if (const auto* rung = std::get_if<RungTrack>(&message); rung && !arguments_.out.empty()) {
      const std::string name = arguments_.rungs[rung->rung].substr(0, arguments_.rungs[rung->rung].find(':'));
      rung_files_[rung->rung].open(arguments_.out + "/" + name + ".h264", rung->track);
    }
    if (const auto* made = std::get_if<RungSample>(&message)) rung_files_[made->rung].add(made->sample, now);
  }

  void report(const std::vector<media::Rung>& rungs, Duration duration, Duration wall) {
    int status = 0;
    rusage used{};
    if (wait4(worker_.pid, &status, 0, &used) != worker_.pid || status != 0) give_up("the worker ended badly");
    const auto seconds = [](const timeval& time) {
      return to_seconds(std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec));
    };
    nlohmann::json figures{{"media_seconds", to_seconds(duration)},
                           {"wall_seconds", to_seconds(wall)},
                           {"cpu_seconds", seconds(used.ru_utime) + seconds(used.ru_stime)},
                           {"system_seconds", seconds(used.ru_stime)},
                           {"peak_kb", used.ru_maxrss}};
    for (size_t id = 0; id < rungs.size(); ++id) {
      figures["rungs"][rungs[id].name] = rung_files_[id].figures(last_in_[rungs[id].kind]);
    }
    std::puts(figures.dump().c_str());
  }

  Arguments arguments_;
  Child worker_;
  std::vector<RungFile> rung_files_;
  std::map<media::TrackKind, std::map<int64_t, LoopTime>> last_in_;  // by kind and part
  WorkerReader reader_;
  std::vector<uint8_t> buffer_ = std::vector<uint8_t>(1 << 20);
  std::deque<Bytes> unsent_;
  size_t unsent_size_ = 0;
  bool configured_ = false;
  bool drained_ = false;
};

}  // namespace
}  // namespace klieg::bench

int main(int argc, char** argv) {
  using namespace klieg::bench;
  Arguments arguments;
  CLI::App app("Gives a recording to a codec worker, as the server would.");
  app.add_option("worker", arguments.worker, "the program klieg-codec")->required();
  app.add_option("source", arguments.source, "MP4 with H.264 and AAC")->required();
  app.add_option("--rung", arguments.rungs, "NAME:WIDTH:HEIGHT:BITS")->required();
  app.add_option("--pace", arguments.pace)
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, Pace>{{"fast", Pace::fast}, {"frames", Pace::frames}, {"parts", Pace::parts}}));
  app.add_option("--seconds", arguments.seconds, "of the source");
  app.add_option("--out", arguments.out, "where the pictures' rungs are written");
  CLI11_PARSE(app, argc, argv);
  // First, while this process is small: the peak of the worker's memory begins with what it was forked from.
  const Child worker = start_worker(arguments.worker);
  Run(arguments, worker).run();
}
