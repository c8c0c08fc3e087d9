// A channel as RTMP messages: each is rendered once, and the bytes are the same for every viewer.
//
// That is possible because nothing in them depends on who looks: every chunk that begins a message has the full header
// (fmt 0), the message stream is rtmp_play_stream and the chunk size rtmp_play_chunk_size for all, and times are the
// broadcast's own. The cost is 8 to 11 bytes a message more than deltas to the message before would need.
//
// H.264, AAC and MP3 are written as every player reads them. What FLV never had a number for (HEVC, AV1, VP9, Opus) is
// written as Enhanced RTMP has it, which players must have said that they take: fourccs_needed().
//
// Owner: the loop's RTMP server. Thread: that loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "push/channel.h"
#include "push/reel.h"

namespace klieg::push {

inline constexpr uint32_t rtmp_play_stream = 1;  // the first that createStream gives; all known players play it
inline constexpr uint32_t rtmp_play_chunk_size = 60'000;  // what SRS sends; a frame of 14 Mbit/s in one chunk

class RtmpReading final : public Reading {
 public:
  // `changed` is called when headers are told for the first time or anew, and at the end.
  explicit RtmpReading(std::function<void()> changed, const ReelLimits& limits = {});

  void on_headers(const Headers& headers) override;
  void on_chunk(const Chunk& chunk) override;
  void on_over(ChannelEnd why) override;

  const std::shared_ptr<Reel>& reel() const { return reel_; }
  bool begun() const { return begun_; }  // headers are known: viewers can be let in
  const std::optional<ChannelEnd>& over() const { return over_; }
  // Of Enhanced RTMP: what a player must take beside the codecs that every player does.
  const std::vector<std::string_view>& fourccs_needed() const { return fourccs_needed_; }

 private:
  std::function<void()> changed_;
  std::shared_ptr<Reel> reel_;
  Headers headers_;
  bool begun_ = false;
  bool headers_due_ = false;  // with the next chunk
  std::vector<std::string_view> fourccs_needed_;
  std::optional<ChannelEnd> over_;
};

}  // namespace klieg::push
