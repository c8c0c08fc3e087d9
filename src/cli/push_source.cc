#include "cli/push_source.h"

#include <utility>

#include "http/target.h"
#include "media/push.h"
#include "wire/path_token.h"

namespace klieg::cli {
namespace {

push::Answer answer_of(const edge::Answer& answer) {
  if (const auto* refused = std::get_if<edge::Refused>(&answer)) return {.status = refused->status};
  const std::shared_ptr<const edge::Object>& whole = std::get<edge::Served>(answer).object;
  const edge::Object& object = *whole;
  push::Answer out{.status = object.status, .header_name = {}};
  for (const auto& [name, value] : object.fields) {
    if (name == wire::private_header) out.audience = media::Audience::guests;
    if (name == media::header_header) out.header_name = value;
  }
  if (object.status != 200) return out;
  // The object stays with its log: what is for one reader alone goes with it (edge::Object::progress).
  out.log = std::shared_ptr<const Log>(whole, object.log.get());
  out.offset = object.offset;
  out.end = object.end;
  return out;
}

}  // namespace

void PushSource::ask(const std::string& path, std::move_only_function<void(push::Answer)> then) {
  ask(Question{.method = "GET", .path = path, .query = {}, .body = {}}, std::move(then));
}

void PushSource::post(std::string path, std::string query, Bytes body,
                      std::move_only_function<void(push::Answer)> then) {
  ask(Question{.method = "POST", .path = std::move(path), .query = std::move(query), .body = std::move(body)},
      std::move(then));
}

// In a turn of its own: who asks stands in the middle of what the engine does, when a segment ends and the next is
// wanted.
void PushSource::ask(Question question, std::move_only_function<void(push::Answer)> then) {
  loop_.post([weak = std::weak_ptr(self_), question = std::move(question), then = std::move(then)]() mutable {
    if (const auto self = weak.lock()) (*self)->ask_now(question, std::move(then));
  });
}

void PushSource::ask_now(const Question& asked, std::move_only_function<void(push::Answer)> then) {
  // Paths are made of names in a parent's playlists and heads, which may be anything.
  if (!http::is_target(asked.path)) return then({.status = 404, .header_name = {}});
  const edge::Question question{.method = asked.method,
                                .path = asked.path,
                                .query = asked.query,
                                .fields = {},
                                .body = asked.body,
                                .client_address = {}};
  edge::Engine::Found found = engine_.ask(question);
  if (const auto* pending = std::get_if<edge::Pending>(&found)) {
    engine_.wait(*pending, [&loop = loop_, then = std::move(then)](edge::Answer answer) mutable {
      // Not in the turn of the answer itself: then() may ask again.
      loop.post([then = std::move(then), answer = answer_of(answer)]() mutable { then(std::move(answer)); });
    });
  } else if (const auto* served = std::get_if<edge::Served>(&found)) {
    then(answer_of(*served));
  } else {
    then(answer_of(std::get<edge::Refused>(found)));
  }
  server_.arm();
}

void PushSource::after(Duration pause, std::move_only_function<void()> then) {
  const uint64_t number = pauses_count_++;
  auto timer = std::make_unique<net::Timer>(loop_, [this, number, then = std::move(then)]() mutable {
    const auto done = pauses_.extract(number);
    then();
  });
  timer->arm(loop_.now() + pause);
  pauses_.emplace(number, std::move(timer));
}

}  // namespace klieg::cli
