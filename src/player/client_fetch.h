// One request at a time and its whole answer, with the instants at which it was asked for and came.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/client.h"
#include "net/loop.h"
#include "player/viewer.h"

namespace klieg::player {

class Fetch final : public http::ExchangeHandler {
 public:
  // Four seconds of 16 Mbit/s, or a playlist of a day; more is not live.
  static constexpr size_t body_size_max = size_t{8} << 20;

  // The error: the answer is larger than that. An answer with status 0 is none; ended() says why.
  using Done = std::move_only_function<void(Result<Answered>)>;
  // Of an answer that is coming: what its head said, and a piece of its body.
  using Grew = std::move_only_function<void(const Answered& so_far, ByteView piece)>;

  // Nothing is called any more once it is destroyed.
  Fetch(net::Loop& loop, http::Client& client) : loop_(loop), client_(client) {}

  // May be called from within `done`. With `grew` the body is not kept.
  void ask(std::string target, Done done, Grew grew = {});
  http::ExchangeEnd ended() const { return ended_; }

 private:
  void on_head(const http::ResponseHead& head) override;
  void on_body(Bytes piece) override;
  void on_end(http::ExchangeEnd why) override;

  net::Loop& loop_;
  http::Client& client_;
  std::unique_ptr<http::Exchange> exchange_;
  Done done_;
  Grew grew_;
  Answered answered_;
  std::vector<Bytes> pieces_;
  size_t body_size_ = 0;
  http::ExchangeEnd ended_ = http::ExchangeEnd::complete;
};

}  // namespace klieg::player
