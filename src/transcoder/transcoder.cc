#include "transcoder/transcoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"

namespace klieg::transcoder {
namespace {

using media::Presence;
using media::TrackKind;
namespace codec = wire::codec;

// A worker's samples are presented where source samples are: nothing honest lies further ahead of the source than this.
constexpr Duration ahead_max = 10s;

constexpr std::string_view what_to_send = "set the encoder to H.264 with 8 bits and 4:2:0, and AAC";

constexpr size_t picture_size_max = size_t{1} << 20;  // a poster of 1080p as JPEG has about 200 KB

}  // namespace

std::string_view name_of(WorkerEnd end) {
  switch (end) {
    case WorkerEnd::let_go:
      return "let_go";
    case WorkerEnd::exited:
      return "exited";
    case WorkerEnd::killed:
      return "killed";
    case WorkerEnd::hung:
      return "hung";
    case WorkerEnd::broken:
      return "broken";
    case WorkerEnd::not_started:
      return "not_started";
  }
  return "unknown";
}

Transcoder::Transcoder(TranscoderSettings settings, WorkerPort& port, media::RungSink& out)
    : settings_(std::move(settings)), port_(port), out_(out), wanted_(settings_.start == Start::always) {}

// --- the source ---

void Transcoder::set_top(LoopTime now, TopRung top) {
  if (std::exchange(top_, top) == top || state_ == State::ended) return;
  tracks_changed_ = tracks_[0] || tracks_[1];
  tracks_changed_at_ = now;
  ladder_told_ = false;
}

void Transcoder::on_source_track(LoopTime now, const media::Track& track) {
  auto& known = tracks_[static_cast<size_t>(track.kind)];
  if (known == track) return;
  known = track;
  undecodable_[static_cast<size_t>(track.kind)] = false;
  replay_.drop(track.kind);  // what was coded otherwise
  // Of a broadcast that begins, the other track follows in a moment: the ladder is decided in the next turn.
  tracks_changed_ = true;
  tracks_changed_at_ = now;
}

void Transcoder::on_source_period(LoopTime now, MediaTime start) {
  say_drained();
  if (std::exchange(publisher_left_, false) && std::exchange(undecodable_, {}) != std::array<bool, 2>{}) {
    tracks_changed_ = true;
  }
  if (tracks_changed_) decide_ladder(now);
  period_began_ = true;
  period_start_ = start;
  grid_line_.reset();
}

// A period that begins with a sync sample is another one to the coders too. Otherwise it is one to players alone, and
// coding goes on.
void Transcoder::settle_period(const media::Sample& first) {
  if (!std::exchange(period_began_, false) || first.sync == media::Sync::no) return;
  replay_.clear();
  begun_ = false;
  unanswered_ = 0;
}

void Transcoder::on_source_sample(LoopTime now, TrackKind kind, const media::Sample& sample) {
  if (tracks_changed_) decide_ladder(now);
  if (state_ == State::off || state_ == State::ended || !uses(kind)) return;
  if (kind == leading_kind()) {
    settle_period(sample);
    newest_ = std::max(newest_.value_or(sample.presentation_time()), sample.presentation_time());
    if (begins_coding_anew(sample)) key_frame_came(sample.presentation_time());
  }
  replay_.add(kind, sample);
  if (!feeds()) {
    rest_worker();
    if (newest_) replay_.forget(*newest_, *newest_);
  } else if (begun_) {
    feed(now, kind, sample);
  } else {
    try_begin(now);
  }
}

void Transcoder::on_source_paused(LoopTime now) {
  publisher_left_ = true;
  pausing_until_ = now + pausing_max;
  if (state_ != State::working || !begun_) say_drained();
  rest_worker();
}

void Transcoder::on_source_ended(LoopTime now) {
  if (state_ == State::working && begun_) {
    state_ = State::draining;
    drain_until_ = now + draining_max;
    port_.tell(codec::Drain{});
  } else {
    finish();
  }
}

void Transcoder::want(LoopTime now) {
  if (wanted_) return;
  wanted_ = true;
  settle_presence();
  try_begin(now);
}

// --- the ladder ---

Source Transcoder::source() const {
  const auto& video = tracks_[static_cast<size_t>(TrackKind::video)];
  const auto& audio = tracks_[static_cast<size_t>(TrackKind::audio)];
  return {.video = video && !undecodable_[0] ? &*video : nullptr,
          .audio = audio && !undecodable_[1] ? &*audio : nullptr,
          .top = video && video->codec == media::Codec::avc ? top_ : TopRung::none};
}

bool Transcoder::takes_pictures() const {
  return source().video && (settings_.pictures.poster_every > 0ns || settings_.pictures.thumbnail_every > 0ns);
}

bool Transcoder::uses(TrackKind kind) const {
  if (!tracks_[static_cast<size_t>(kind)] || undecodable_[static_cast<size_t>(kind)]) return false;
  if (kind == TrackKind::video && takes_pictures()) return true;
  return std::ranges::any_of(rungs_, [&](const RungState& state) { return state.rung.kind == kind; });
}

TrackKind Transcoder::leading_kind() const { return uses(TrackKind::video) ? TrackKind::video : TrackKind::audio; }

void Transcoder::decide_ladder(LoopTime now) {
  tracks_changed_ = false;
  if (state_ == State::ended || state_ == State::draining) return;
  const std::vector<media::Rung> ladder = choose_ladder(settings_.rungs, source());
  if (ladder.empty() && !takes_pictures()) return turn_off();
  const double cores = cost_in_cores(ladder, source());
  if (port_.admit(cores) == Admission::refused) {
    logging::warning("no room to transcode", {{"channel", settings_.broadcast}, {"cores_needed", cores}});
    return turn_off();
  }
  adopt(ladder);
  begun_ = false;
  unanswered_ = 0;
  if (state_ == State::working) {
    configure(now);
  } else if (state_ == State::off) {
    replace_worker(now, Duration(0));
  }
  settle_presence();
}

// What is known of a rung stays with its name, but for its header: who shows it may be another one now. What still
// comes of another ladder does not: its numbers are others.
void Transcoder::adopt(const std::vector<media::Rung>& ladder) {
  std::vector<RungState> adopted;
  for (const media::Rung& rung : ladder) {
    const auto known = std::ranges::find(rungs_, rung.name, [](const RungState& state) { return state.rung.name; });
    adopted.push_back(known != rungs_.end() ? *known : RungState{});
    adopted.back().rung = rung;
  }
  const bool same = ladder_told_ && std::ranges::equal(adopted, rungs_, {}, &RungState::rung, &RungState::rung);
  rungs_ = std::move(adopted);
  if (same) return;
  generation_min_ = generation_ + 1;
  ladder_told_ = true;
  for (RungState& rung : rungs_) {  // it begins with media
    rung.track.reset();
    rung.presence = Presence::media;
    rung.pending = false;
    rung.media_from.reset();
  }
  out_.on_ladder(ladder);  // the last: whoever hears it may give samples
}

void Transcoder::turn_off() {
  say_drained();
  if (state_ == State::working) port_.end_worker(WorkerEnd::let_go);
  port_.give_back();
  state_ = State::off;
  replay_.clear();
  adopt({});
}

bool Transcoder::wants_media(const RungState& rung) const {
  const bool is_broadcast = top_ == TopRung::none && &rung == &rungs_.front();
  return (wanted_ || is_broadcast) && !rung.shed && state_ != State::resting && state_ != State::stalled;
}

void Transcoder::settle_presence() {
  for (size_t id = 0; id < rungs_.size(); ++id) {
    RungState& rung = rungs_[id];
    const Presence presence = wants_media(rung) ? Presence::media : Presence::gap;
    if (presence == rung.presence) continue;
    rung.presence = presence;
    rung.pending = true;
    rung.media_from.reset();
    const auto rung_id = static_cast<media::RungId>(id);
    out_.on_rung_presence(rung_id, presence, newest_ ? *newest_ + 1ns : MediaTime());
    if (state_ == State::working) port_.tell(codec::SetPresence{rung_id, presence});
  }
}

// Whether the worker makes key frames of it.
bool Transcoder::begins_coding_anew(const media::Sample& sample) {
  if (top_ == TopRung::source) return sample.sync == media::Sync::yes;
  const int64_t line = (sample.presentation_time() - period_start_) / own_grid;
  return std::exchange(grid_line_, line) != line;
}

void Transcoder::key_frame_came(MediaTime at) {
  for (RungState& rung : rungs_) {
    if (!std::exchange(rung.pending, false)) continue;
    if (rung.presence == Presence::media) rung.media_from = at;
  }
}

bool Transcoder::feeds() const {
  if (state_ != State::working) return false;
  return takes_pictures() || std::ranges::any_of(rungs_, [](const RungState& rung) {
           return rung.presence == Presence::media || rung.pending;
         });
}

// --- the worker ---

// Takes one, at once or after a rest. Ends, because enough failures in a row make a rest.
void Transcoder::replace_worker(LoopTime now, Duration rest) {
  begun_ = false;
  opening_ = 0;
  unanswered_ = 0;
  while (rest == 0ns) {
    if (port_.take_worker() == WorkerPort::Taken::worker) {
      state_ = State::working;
      configure(now);
      return try_begin(now);
    }
    rest = backoff_.on_death(now);
  }
  state_ = State::resting;
  rest_until_ = now + rest;
  ++counts_.rests;
  logging::warning("codec workers die one after the other; the ladder rests",
                   {{"channel", settings_.broadcast}, {"seconds", to_seconds(rest)}});
  settle_presence();
}

void Transcoder::configure(LoopTime now) {
  codec::Configure message{.key_grid = top_ == TopRung::none ? own_grid : Duration(0), .pictures = settings_.pictures};
  for (const TrackKind kind : {TrackKind::video, TrackKind::audio}) {
    if (uses(kind)) message.sources.push_back(*tracks_[static_cast<size_t>(kind)]);
  }
  for (const RungState& rung : rungs_) message.rungs.push_back(rung.rung);
  ++opening_;
  note_life(now);
  port_.tell(std::move(message));
}

void Transcoder::try_begin(LoopTime now) {
  if (begun_ || !feeds()) return;
  if (uses(TrackKind::video) ? replay_.has_video() : !replay_.entries().empty()) begin(now);
}

// Begins where the replay does. What waits for a key frame still to come is said behind it.
void Transcoder::begin(LoopTime now) {
  codec::Begin message{.generation = ++generation_};
  for (size_t id = 0; id < rungs_.size(); ++id) {
    const RungState& rung = rungs_[id];
    message.from.push_back(std::max(rung.resume_at, rung.media_from.value_or(MediaTime())));
    const bool media = (rung.presence == Presence::media) != rung.pending;
    port_.tell(codec::SetPresence{static_cast<media::RungId>(id), media ? Presence::media : Presence::gap});
  }
  message.key_origin = period_start_;
  port_.tell(std::move(message));
  begun_ = true;
  unanswered_ = 0;
  pace_.restart(now);
  for (const Replay::Entry& entry : replay_.entries()) feed(now, entry.kind, entry.sample);
  for (size_t id = 0; id < rungs_.size(); ++id) {
    if (rungs_[id].pending) port_.tell(codec::SetPresence{static_cast<media::RungId>(id), rungs_[id].presence});
  }
}

void Transcoder::feed(LoopTime now, TrackKind kind, const media::Sample& sample) {
  port_.tell(codec::SourceSample{kind, sample});
  if (kind == leading_kind() && ++unanswered_ == 1) note_life(now);
}

// It gets nothing for a while, and then a new beginning.
void Transcoder::rest_worker() {
  if (state_ == State::working && begun_) port_.tell(codec::Drain{});
  begun_ = false;
  unanswered_ = 0;
}

void Transcoder::say_drained() {
  if (std::exchange(pausing_until_, std::nullopt)) out_.on_drained();
}

void Transcoder::note_life(LoopTime now) {
  silent_since_ = looked_at_ = now;
  used_before_silence_ = used_at_look_ = port_.worker_used();
}

void Transcoder::judge_silence(LoopTime now) {
  const bool opens = opening_ > 0;
  const Duration silence = now - silent_since_;
  const Duration used = port_.worker_used();
  const bool sleeps = used - used_at_look_ < asleep_max;
  looked_at_ = now;
  used_at_look_ = used;
  const Duration max = opens ? opening_max : silence_max;
  if (silence < max) return;
  if (sleeps || used - used_before_silence_ >= max) {
    give_up_worker(now, WorkerEnd::hung, opens ? "it does not answer" : "it makes no progress");
  } else if (silence >= (opens ? opening_starved_max : Pace::lag_max)) {
    shed_all(now);
  }
}

void Transcoder::on_worker_lost(LoopTime now, WorkerEnd how, const std::string& words) {
  say_drained();
  logging::warning("codec worker lost", {{"channel", settings_.broadcast}, {"how", name_of(how)}, {"why", words}});
  if (state_ == State::draining) {
    state_ = State::off;
    return finish();
  }
  KLIEG_ASSERT(state_ == State::working, "only a worker that was taken is lost");
  replace_worker(now, backoff_.on_death(now));
}

void Transcoder::give_up_worker(LoopTime now, WorkerEnd how, const std::string& words) {
  port_.end_worker(how);
  on_worker_lost(now, how, words);
}

void Transcoder::finish() {
  say_drained();
  if (state_ == State::working || state_ == State::draining) port_.end_worker(WorkerEnd::let_go);
  port_.give_back();
  replay_.clear();
  state_ = State::ended;
}

// --- what it says ---

void Transcoder::on_message(LoopTime now, codec::FromWorker message) {
  KLIEG_ASSERT(state_ == State::working || state_ == State::draining, "only a worker that was taken is heard");
  const bool sane = std::visit([&](auto& it) { return take(now, it); }, message);
  if (!sane) give_up_worker(now, WorkerEnd::broken, "what it says makes no sense");
}

bool Transcoder::take(LoopTime, codec::RungTrack& message) {
  if (opening_ == 0) return false;
  if (opening_ > 1) return true;  // of a ladder that is no more
  if (message.rung >= rungs_.size()) return false;
  RungState& rung = rungs_[message.rung];
  if (message.track.kind != rung.rung.kind) return false;
  if (rung.track == message.track) return true;  // a new worker says the same again
  rung.track = message.track;
  out_.on_rung_track(message.rung, *rung.track);
  return true;
}

bool Transcoder::take(LoopTime now, codec::Configured&) {
  if (opening_ == 0) return false;
  --opening_;
  note_life(now);
  return opening_ > 0 || std::ranges::all_of(rungs_, [](const RungState& rung) { return rung.track.has_value(); });
}

bool Transcoder::take(LoopTime, codec::Refused& message) {
  if (opening_ == 0) return false;
  if (--opening_ > 0) return true;
  ++counts_.undecodable;
  logging::warning("no ladder can be made of what comes, viewers get it alone: " + std::string(what_to_send),
                   {{"channel", settings_.broadcast}, {"why", message.words}});
  state_ == State::draining ? finish() : turn_off();
  return true;
}

bool Transcoder::take(LoopTime, codec::RungSample& message) {
  if (message.generation < generation_min_) return true;
  if (message.generation > generation_ || message.rung >= rungs_.size() || !newest_) return false;
  RungState& rung = rungs_[message.rung];
  const media::Sample& sample = message.sample;
  if (!rung.track || sample.presentation_time() > *newest_ + ahead_max) return false;
  if (rung.last_decode_time && sample.decode_time <= *rung.last_decode_time) {
    ++counts_.doubled;
    return true;
  }
  rung.last_decode_time = sample.decode_time;
  // Audio is cut anew at any instant. Frames are taken or left whole: half-way to the next one there is no doubt.
  const Duration rest = rung.rung.kind == TrackKind::audio ? sample.duration : sample.duration / 2 + 1ns;
  rung.resume_at = std::max(rung.resume_at, sample.presentation_time() + rest);
  out_.on_rung_sample(message.rung, std::move(message.sample));
  return true;
}

bool Transcoder::take(LoopTime, codec::PictureMade& message) {
  if (message.picture.jpeg.size() <= picture_size_max) out_.on_picture(message.picture);
  return true;
}

bool Transcoder::take(LoopTime now, codec::Progress& message) {
  if (message.generation > generation_) return false;
  if (message.generation != generation_ || !begun_ || !newest_) return true;
  if (unanswered_ > 0) --unanswered_;
  note_life(now);
  const MediaTime done = std::min(message.done, *newest_);
  pace_.on_progress(now, *newest_ - done, message.busy, message.span);
  MediaTime audio_done = *newest_;
  for (const RungState& rung : rungs_) {
    if (rung.rung.kind == TrackKind::audio && rung.presence == Presence::media) {
      audio_done = std::min(audio_done, rung.resume_at);
    }
  }
  replay_.forget(done, audio_done);
  if (state_ == State::working) keep_pace(now);
  return true;
}

bool Transcoder::take(LoopTime, codec::Drained&) {
  say_drained();
  if (state_ == State::draining) finish();
  return true;
}

bool Transcoder::take(LoopTime now, codec::Undecodable& message) {
  if (message.generation > generation_) return false;
  if (message.generation != generation_ || !begun_ || !uses(message.kind) || state_ != State::working) return true;
  ++counts_.undecodable;
  logging::warning("what comes cannot be decoded, viewers get it without a ladder: " + std::string(what_to_send),
                   {{"channel", settings_.broadcast}, {"why", message.words}});
  undecodable_[static_cast<size_t>(message.kind)] = true;
  replay_.drop(message.kind);
  decide_ladder(now);
  return true;
}

// --- keeping up ---

void Transcoder::keep_pace(LoopTime now) {
  switch (pace_.judge(now, growth_of_next())) {
    case Pace::Verdict::keep:
      return;
    case Pace::Verdict::shed_one:
      return shed_one(now);
    case Pace::Verdict::shed_all:
      return shed_all(now);
    case Pace::Verdict::take_one:
      return take_back(now);
  }
}

void Transcoder::shed_one(LoopTime now) {
  const auto kept = [](const RungState& rung) { return rung.rung.kind == TrackKind::video && !rung.shed; };
  if (std::ranges::count_if(rungs_, kept) < 2) return shed_all(now);
  RungState& top = *std::ranges::find_if(rungs_.begin() + (top_ == TopRung::none ? 1 : 0), rungs_.end(), kept);
  top.shed = true;
  ++counts_.shed;
  logging::info("rung shed: the machine does not keep up", {{"channel", settings_.broadcast},
                                                            {"rung", top.rung.name},
                                                            {"lag_ms", to_ms(pace_.lag())},
                                                            {"load", fmt::format("{:.2f}", pace_.load())}});
  settle_presence();
}

// The worker goes with all that it has not made yet: it would come ever later, and others need the machine.
void Transcoder::shed_all(LoopTime now) {
  say_drained();
  logging::warning("ladder shed: the machine does not keep up even with the least rung",
                   {{"channel", settings_.broadcast}, {"lag_ms", to_ms(std::max(pace_.lag(), now - silent_since_))}});
  for (RungState& rung : rungs_) counts_.shed += !std::exchange(rung.shed, true);
  port_.end_worker(WorkerEnd::let_go);
  begun_ = false;
  opening_ = 0;
  unanswered_ = 0;
  state_ = State::stalled;
  pace_.stop();
  settle_presence();
  keep_pace(now);  // begins to wait
}

// The least first. With it comes back what costs next to nothing.
void Transcoder::take_back(LoopTime now) {
  const auto least = std::find_if(rungs_.rbegin(), rungs_.rend(), [](const RungState& rung) {
    return rung.shed && rung.rung.kind == TrackKind::video;
  });
  for (RungState& rung : rungs_) {
    if (&rung != &*least && rung.rung.kind == TrackKind::video) continue;
    if (!std::exchange(rung.shed, false)) continue;
    ++counts_.taken_back;
    logging::info("rung is back", {{"channel", settings_.broadcast}, {"rung", rung.rung.name}});
  }
  if (state_ == State::stalled) replace_worker(now, Duration(0));
  settle_presence();
}

// By what factor the work grows with the rung that would be taken back next.
std::optional<double> Transcoder::growth_of_next() const {
  if (state_ == State::stalled) return 0;
  const double frame_rate = source().video ? source().video->video.frame_rate : 0;
  double cost = cost_in_cores({}, source());
  std::optional<double> least;
  for (const RungState& rung : rungs_) {
    const double more = cost_in_cores(rung.rung, frame_rate);
    if (rung.shed) {
      least = more;  // they are sorted
    } else {
      cost += more;
    }
  }
  if (!least || cost <= 0) return std::nullopt;
  return (cost + *least) / cost;
}

// --- time ---

std::optional<LoopTime> Transcoder::wake_at() const {
  const std::optional<LoopTime> at = due();
  return at && pausing_until_ ? std::min(*at, *pausing_until_) : at ? at : pausing_until_;
}

std::optional<LoopTime> Transcoder::due() const {
  if (tracks_changed_) return tracks_changed_at_;
  switch (state_) {
    case State::off:
    case State::ended:
      return std::nullopt;
    case State::resting:
      return rest_until_;
    case State::draining:
      return drain_until_;
    case State::working:
      if (opening_ > 0 || unanswered_ > 0) return looked_at_ + look_every;
      return std::nullopt;
    case State::stalled:
      return pace_.wake_at();
  }
  return std::nullopt;
}

void Transcoder::on_time(LoopTime now) {
  if (tracks_changed_) decide_ladder(now);
  if (pausing_until_ && now >= *pausing_until_) say_drained();
  const auto at = due();
  if (!at || now < *at) return;
  if (state_ == State::resting) {
    replace_worker(now, Duration(0));
    settle_presence();
    try_begin(now);
  } else if (state_ == State::draining) {
    finish();
  } else if (state_ == State::working) {
    judge_silence(now);
  } else {
    keep_pace(now);
  }
}

}  // namespace klieg::transcoder
