#include "player/client_fetch.h"

#include <utility>

namespace klieg::player {

void Fetch::ask(std::string target, Done done, Grew grew) {
  done_ = std::move(done);
  grew_ = std::move(grew);
  answered_ = {.asked = loop_.now(), .first_byte = {}, .last_byte = {}, .status = 0, .body = {}};
  pieces_.clear();
  body_size_ = 0;
  http::Ask ask;
  ask.target = std::move(target);
  exchange_ = client_.ask(std::move(ask), *this);
}

void Fetch::on_head(const http::ResponseHead& head) {
  answered_.status = head.status;
  answered_.first_byte = loop_.now();
}

void Fetch::on_body(Bytes piece) {
  body_size_ += piece.size();
  if (body_size_ > body_size_max) {
    exchange_.reset();
    return std::exchange(done_, nullptr)(fail("an answer is larger than anything live"));
  }
  grew_ ? grew_(answered_, piece) : pieces_.push_back(std::move(piece));
}

void Fetch::on_end(http::ExchangeEnd why) {
  ended_ = why;
  if (why != http::ExchangeEnd::complete) answered_.status = 0;
  answered_.last_byte = loop_.now();
  if (answered_.status == 0) answered_.first_byte = answered_.last_byte;
  answered_.body = Bytes::join(pieces_);
  std::exchange(done_, nullptr)(std::move(answered_));
}

}  // namespace klieg::player
