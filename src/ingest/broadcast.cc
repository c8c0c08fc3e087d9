#include "ingest/broadcast.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "wire/amf0.h"

namespace klieg::ingest {
namespace {

using media::TrackKind;
using wire::flv::Packet;

Duration since(uint32_t from_ms, uint32_t to_ms) {
  return std::chrono::milliseconds(static_cast<int32_t>(to_ms - from_ms));
}

// "onKliegTime", number.
std::optional<WallTime> read_klieg_time(ByteView amf) {
  constexpr std::string_view name = "onKliegTime";
  ByteReader in(amf);
  if (in.u8() != 2 || in.u16() != name.size()) return std::nullopt;
  if (!std::ranges::equal(in.bytes(name.size()), as_bytes(name)) || in.u8() != 0) return std::nullopt;
  const double ms = std::bit_cast<double>(in.u64());
  if (!in.ok() || !(ms >= 0 && ms < 9e12)) return std::nullopt;  // the year 2255; 64 bits end in 2262
  return WallTime(Duration(static_cast<int64_t>(ms * 1e6)));
}

// What onMetaData promises. Without a track some encoders leave its codec out, others say 0 or "hasVideo" false.
bool promises(const wire::amf0::Value& metadata, TrackKind kind) {
  const bool video = kind == TrackKind::video;
  const wire::amf0::Value* has = metadata.find(video ? "hasVideo" : "hasAudio");
  if (has && has->boolean()) return *has->boolean();
  const std::string_view codec = video ? "videocodecid" : "audiocodecid";
  return metadata.number_at(codec) > 0 || !metadata.text_at(codec).empty();
}

Refusal not_accepted(std::string words) { return {RefusalReason::media_not_accepted, std::move(words)}; }

// A byte stream of start codes (ISO/IEC 14496-10 Annex B) where FLV wants a length before each NAL unit.
bool is_annex_b(media::Codec codec, ByteView content) {
  if (codec != media::Codec::avc && codec != media::Codec::hevc) return false;
  ByteReader in(content);
  const uint32_t begin = in.u24();
  return in.ok() && (begin == 1 || (begin == 0 && in.u8() == 1 && in.ok()));
}

Refusal annex_b_not_accepted(media::Codec codec) {
  return not_accepted(fmt::format(
      "{} comes as an Annex B byte stream (start codes): send {} as the decoder configuration and NAL units "
      "behind their lengths",
      media::name_of(codec), codec == media::Codec::avc ? "avcC" : "hvcC"));
}

std::string accepted_names(const std::vector<media::Codec>& accepted, TrackKind kind) {
  std::string names;
  for (media::Codec codec : accepted) {
    if (media::kind_of(codec) == kind) names += (names.empty() ? "" : ", ") + std::string(media::name_of(codec));
  }
  return names.empty() ? "none" : names;
}

}  // namespace

Broadcast::Broadcast(BroadcastSettings settings, media::SampleSink& sink)
    : settings_(std::move(settings)), sink_(sink) {}

void Broadcast::publisher_began(LoopTime, WallTime) {
  KLIEG_ASSERT(state_ != State::ended, "an ended broadcast is not published again");
  KLIEG_ASSERT(!publishing_, "a broadcast has one publisher");
  publishing_ = true;
  rejoin_until_.reset();
  if (state_ == State::vacant) state_ = State::waiting;
  if (state_ == State::paused) timeline_.publisher_returns();
  for (Lane& lane : lanes_) {
    lane.config = {};
    lane.incoming.reset();
    lane.promised = false;
  }
  waiting_audio_.clear();
  waiting_audio_bytes_ = 0;
  waiting_data_.clear();
  first_audio_.reset();
  keyless_since_.reset();
  capture_clock_.reset();
  unusable_ = 0;
}

void Broadcast::publisher_gone(LoopTime now) {
  if (!publishing_ || state_ == State::ended) return;
  publishing_ = false;
  rejoin_until_ = now + settings_.rejoin_window;
  if (state_ == State::waiting) state_ = State::vacant;
  if (state_ != State::live) return;
  state_ = State::paused;
  sink_.on_paused();
}

void Broadcast::on_wake(LoopTime now) {
  if (rejoin_until_ && now >= *rejoin_until_) end();
}

void Broadcast::end() {
  if (state_ == State::ended) return;
  state_ = State::ended;
  publishing_ = false;
  rejoin_until_.reset();
  waiting_audio_.clear();
  waiting_audio_bytes_ = 0;
  waiting_data_.clear();
  sink_.on_ended();
}

std::optional<Refusal> Broadcast::on_message(const MediaMessage& message, LoopTime now, WallTime wall) {
  if (!publishing_) return std::nullopt;  // late, from a connection that is being closed
  if (message.kind == MediaMessage::Kind::data) {
    on_data(message);
    return std::nullopt;
  }
  const TrackKind kind = message.kind == MediaMessage::Kind::video ? TrackKind::video : TrackKind::audio;
  // Encoders send empty audio and video messages to keep a connection alive.
  if (message.body.empty()) return std::nullopt;
  auto packet = kind == TrackKind::video ? wire::flv::read_video(message.body) : wire::flv::read_audio(message.body);
  if (!packet) {
    if (packet.error().kind == wire::flv::Fault::Kind::not_accepted) return not_accepted(packet.error().message);
    ++counts_.malformed;
    return unusable(packet.error().message);
  }
  if (packet->type == Packet::Type::ignored) return std::nullopt;
  if (std::ranges::find(settings_.accepted, packet->codec) == settings_.accepted.end()) {
    return not_accepted(fmt::format("{} codec {} is not accepted here: send one of {}", media::name_of(kind),
                                    media::name_of(packet->codec), accepted_names(settings_.accepted, kind)));
  }
  switch (packet->type) {
    case Packet::Type::sequence_start:
      return on_config(kind, *packet);
    case Packet::Type::coded_frames:
      return on_frame(kind, message, *std::move(packet), now, wall);
    case Packet::Type::metadata:
      pass_data(packet->body);
      return std::nullopt;
    case Packet::Type::sequence_end:
    case Packet::Type::ignored:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Refusal> Broadcast::unusable(const std::string& what) {
  if (++unusable_ < unusable_max) return std::nullopt;
  return not_accepted(fmt::format("nothing in the last {} messages can be decoded: {}", unusable_max, what));
}

void Broadcast::on_data(const MediaMessage& message) {
  if (const std::optional<WallTime> captured = read_klieg_time(message.body))
    capture_clock_ = {message.timestamp_ms, *captured};
  on_metadata(message.body);
  pass_data(message.body);
}

void Broadcast::on_metadata(ByteView amf) {
  constexpr std::string_view name("\x02\x00\x0aonMetaData", 13);
  if (amf.size() < name.size() || !std::ranges::equal(amf.first(name.size()), as_bytes(name))) return;
  const auto values = wire::amf0::read_values(amf);
  if (!values || values->size() < 2) return;
  for (const TrackKind kind : {TrackKind::video, TrackKind::audio}) {
    Lane& lane = lane_of(kind);
    if (std::exchange(lane.promised, promises((*values)[1], kind)) || !lane.promised) continue;
    if (flowing() && !lane.incoming) sink_.on_promised(kind);
  }
}

void Broadcast::pass_data(const Bytes& amf) {
  if (flowing()) return sink_.on_data(amf, position_);
  if (amf.size() > data_kept_bytes_max) return;
  if (waiting_data_.size() == data_kept_max) waiting_data_.erase(waiting_data_.begin());
  waiting_data_.push_back(amf);
}

std::optional<Refusal> Broadcast::on_config(TrackKind kind, const Packet& packet) {
  Lane& lane = lane_of(kind);
  // Some encoders announce a codec before they know its configuration. VP9 needs none.
  if (packet.body.empty() && packet.codec != media::Codec::vp9) return std::nullopt;
  if (lane.incoming && lane.incoming->codec == packet.codec && lane.config == packet.body) return std::nullopt;
  Result<media::Track> track = wire::read_config(packet.codec, packet.body);
  if (!track) {
    ++counts_.malformed;
    if (is_annex_b(packet.codec, packet.body)) return annex_b_not_accepted(packet.codec);
    return not_accepted(track.error().message);
  }
  lane.config = packet.body;
  coded_as(kind, *std::move(track));
  return std::nullopt;
}

// Audio that waits was coded as it was before.
void Broadcast::coded_as(TrackKind kind, media::Track track) {
  Lane& lane = lane_of(kind);
  if (kind == TrackKind::audio && lane.incoming != track) {
    counts_.early_audio += waiting_audio_.size();
    waiting_audio_.clear();
    waiting_audio_bytes_ = 0;
  }
  lane.incoming = std::move(track);
}

std::optional<Refusal> Broadcast::on_frame(TrackKind kind, const MediaMessage& message, Packet packet, LoopTime now,
                                           WallTime wall) {
  Lane& lane = lane_of(kind);
  const bool configured = lane.incoming && lane.incoming->codec == packet.codec;
  std::optional<media::Track> described;  // as it was not so far
  if (!configured) {
    if (packet.codec != media::Codec::vp9 && packet.codec != media::Codec::mp3) {
      ++counts_.undecodable;
      if (is_annex_b(packet.codec, packet.body)) return annex_b_not_accepted(packet.codec);
      return unusable(fmt::format("{} frames without a decoder configuration", media::name_of(packet.codec)));
    }
    described = *wire::read_config(packet.codec, {});  // these two describe themselves
  }
  Result<wire::Frame> frame = wire::read_frame(described ? *described : *lane.incoming, packet.body);
  if (!frame) {
    ++counts_.malformed;
    if (is_annex_b(packet.codec, packet.body)) return annex_b_not_accepted(packet.codec);
    return unusable(frame.error().message);
  }
  unusable_ = 0;
  if (frame->renewed) described = std::exchange(frame->renewed, std::nullopt);
  if (described) coded_as(kind, *std::move(described));
  Arrived arrived{.kind = kind,
                  .timestamp_ms = message.timestamp_ms,
                  .packet = std::move(packet),
                  .frame = *std::move(frame),
                  .wall = wall};
  const bool new_format = lane.announced != lane.incoming;
  const bool decodable =
      wire::format_known(*lane.incoming) && (arrived.frame.sync == media::Sync::yes || (flowing() && !new_format));
  if (!decodable) {
    return undecodable(kind, now);
  } else if (flowing()) {
    emit(arrived, now);
  } else if (kind == TrackKind::video) {
    begin_with(arrived, now);
  } else {
    wait_with(std::move(arrived), now);
  }
  return std::nullopt;
}

std::optional<Refusal> Broadcast::undecodable(TrackKind kind, LoopTime now) {
  ++counts_.undecodable;
  if (kind != TrackKind::video || flowing()) return std::nullopt;
  if (!keyless_since_) keyless_since_ = now;
  if (now - *keyless_since_ < key_frame_patience) return std::nullopt;
  return not_accepted(
      fmt::format("no key frame in {} s of video: set the encoder's key-frame interval to 1 or 2 seconds",
                  key_frame_patience / 1s));
}

// Audio before the first key frame: kept, because encoders interleave loosely, until it is clear what the broadcast
// has.
void Broadcast::wait_with(Arrived arrived, LoopTime now) {
  if (!first_audio_) first_audio_ = {arrived.timestamp_ms, now};
  // By the stamps, or by our clock where the stamps were set back meanwhile.
  const Duration heard = std::max(since(first_audio_->timestamp_ms, arrived.timestamp_ms), now - first_audio_->arrival);
  waiting_audio_bytes_ += arrived.frame.content.size();
  waiting_audio_.push_back(std::move(arrived));
  while (waiting_audio_.size() > audio_kept_max || waiting_audio_bytes_ > audio_kept_bytes_max) {
    waiting_audio_bytes_ -= waiting_audio_.front().frame.content.size();
    waiting_audio_.pop_front();
    ++counts_.early_audio;
  }
  const Lane& video = lane_of(TrackKind::video);
  const bool video_announced = video.incoming || video.promised;
  if (heard < (video_announced ? video_patience : audio_only_after) || waiting_audio_.empty()) return;
  const Arrived first = std::move(waiting_audio_.front());
  waiting_audio_.pop_front();
  begin_with(first, now);
}

void Broadcast::begin_with(const Arrived& arrived, LoopTime now) {
  const bool resumes = state_ == State::paused;
  state_ = State::live;
  begin_ = MediaTime::min();
  if (resumes) sink_.on_resumed();
  for (const TrackKind kind : {TrackKind::video, TrackKind::audio}) {
    if (lane_of(kind).promised && !lane_of(kind).incoming) sink_.on_promised(kind);
  }
  emit(arrived, now);
  begin_ = position_;
  for (const Arrived& audio : std::exchange(waiting_audio_, {})) {
    // Of before the picture, or by a clock of its own: then it came before, that is all that is known. Behind what a
    // publisher before this one sent, the timeline would take it for a clock that was set back.
    const Duration after = since(arrived.timestamp_ms, audio.timestamp_ms);
    if (arrived.kind == TrackKind::video && (after < Duration(0) || after > Timeline::jump)) {
      ++counts_.early_audio;
    } else {
      emit(audio, now);
    }
  }
  waiting_audio_bytes_ = 0;
  for (const Bytes& data : std::exchange(waiting_data_, {})) sink_.on_data(data, begin_);
}

void Broadcast::emit(const Arrived& arrived, LoopTime now) {
  Lane& lane = lane_of(arrived.kind);
  const Placed placed = timeline_.place({.kind = arrived.kind,
                                         .timestamp_ms = arrived.timestamp_ms,
                                         .fine_offset = arrived.packet.fine_offset,
                                         .composition_offset = arrived.packet.composition_offset,
                                         .samples = arrived.frame.samples,
                                         .sample_rate = lane.incoming->audio.sample_rate},
                                        now);
  if (placed.decode_time < begin_) {
    ++counts_.early_audio;
    return;
  }
  const bool begins = begin_ == MediaTime::min();
  const bool new_format = lane.announced != lane.incoming;
  if (placed.break_before) {
    break_here(*placed.break_before, placed.decode_time);
  } else if (new_format && lane.announced) {
    break_here(media::Discontinuity::format_changed, placed.decode_time);
  }
  if (new_format) announce(lane);
  if (begins) {  // whoever packages should know of both tracks before the first sample
    for (Lane& each : lanes_) {
      if (each.incoming && wire::format_known(*each.incoming) && each.announced != each.incoming) announce(each);
    }
  }
  position_ = placed.decode_time;
  ++counts_.samples;
  sink_.on_sample(arrived.kind,
                  {.decode_time = placed.decode_time,
                   .composition_offset = placed.composition_offset,
                   .sync = arrived.frame.sync,
                   .content = arrived.frame.content,
                   .captured = capture_time(arrived)},
                  arrived.wall);
}

void Broadcast::announce(Lane& lane) {
  lane.announced = lane.incoming;
  sink_.on_track(*lane.announced);
}

void Broadcast::break_here(media::Discontinuity why, MediaTime at) {
  ++counts_.discontinuities;
  sink_.on_discontinuity(why, at);
}

std::optional<WallTime> Broadcast::capture_time(const Arrived& arrived) {
  std::optional<WallTime> captured = arrived.frame.captured;
  if (!captured && capture_clock_) {
    const Duration age = since(capture_clock_->timestamp_ms, arrived.timestamp_ms);
    if (age <= stamp_age_max && age >= -stamp_age_max) captured = capture_clock_->captured + age;
  }
  if (!captured) return std::nullopt;
  if (*captured - arrived.wall > stamp_late_max || arrived.wall - *captured > stamp_early_max) {
    ++counts_.stamps_ignored;
    return std::nullopt;
  }
  return captured;
}

}  // namespace klieg::ingest
