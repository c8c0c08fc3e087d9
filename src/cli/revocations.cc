#include "cli/revocations.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "base/whole_number.h"

namespace klieg::cli {
namespace {

// A node that hears nothing lets in whom it should not: soon. A parent that knows of no such topic has none to tell.
constexpr Duration again_after = 1s;
constexpr Duration again_after_refusal = 10s;

}  // namespace

std::string revocation_target(const media::GuestsRevoked& revoked) {
  std::string target = fmt::format("{}{}?issued_until={}", revocation_prefix, revoked.channel, revoked.issued_until_s);
  if (revoked.viewer) target += fmt::format("&viewer={}", *revoked.viewer);
  return target;
}

std::optional<media::GuestsRevoked> read_revocation(std::string_view path, std::string_view query) {
  if (!path.starts_with(revocation_prefix)) return std::nullopt;
  media::GuestsRevoked revoked{std::string(path.substr(revocation_prefix.size())), std::nullopt, -1};
  while (!query.empty()) {
    const std::string_view field = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(field.size() + 1, query.size()));
    const size_t equals = std::min(field.find('='), field.size());
    const auto value = whole_number<int64_t>(field.substr(std::min(equals + 1, field.size())));
    if (!value || *value < 0) return std::nullopt;
    if (field.substr(0, equals) == "issued_until") revoked.issued_until_s = *value;
    if (field.substr(0, equals) == "viewer") revoked.viewer = static_cast<uint64_t>(*value);
  }
  return revoked.channel.empty() || revoked.issued_until_s < 0 ? std::nullopt : std::optional(std::move(revoked));
}

class Revocations::Handle final : public media::Subscription {
 public:
  explicit Handle(std::shared_ptr<Subscriber> subscriber) : subscriber_(std::move(subscriber)) {}
  ~Handle() override { subscriber_->sink = nullptr; }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

 private:
  std::shared_ptr<Subscriber> subscriber_;
};

std::unique_ptr<media::Subscription> Revocations::subscribe(std::string_view topic, media::PushSink& sink) {
  if (topic != edge::revocations_topic) return others_.subscribe(topic, sink);
  std::erase_if(subscribers_, [](const auto& subscriber) { return !subscriber->sink; });
  const auto newcomer = std::make_shared<Subscriber>(&sink, false);
  subscribers_.push_back(newcomer);
  loop_.post([this, weak = std::weak_ptr(newcomer)] {
    const auto subscriber = weak.lock();  // which we hold: so we are there
    if (!subscriber) return;
    subscriber->told_all = true;
    for (const auto& [whose, until_s] : all_) {
      if (subscriber->sink) subscriber->sink->on_push(media::GuestsRevoked{whose.first, whose.second, until_s});
    }
  });
  return std::make_unique<Handle>(newcomer);
}

void Revocations::apply(const media::GuestsRevoked& revoked) {
  const auto [known, is_new] = all_.try_emplace({revoked.channel, revoked.viewer}, revoked.issued_until_s);
  if (!is_new && known->second >= revoked.issued_until_s) return;
  known->second = revoked.issued_until_s;
  guests_.revoke(revoked);
  for (const auto& subscriber : std::vector(subscribers_)) {
    if (subscriber->sink && subscriber->told_all) subscriber->sink->on_push(revoked);
  }
}

HeardRevocations::HeardRevocations(net::Loop& loop, Subscribe subscribe, Hear hear)
    : loop_(loop), subscribe_(std::move(subscribe)), hear_(std::move(hear)), again_(loop, [this] { listen(); }) {
  again_.arm(loop.now());  // once the loop runs
}

void HeardRevocations::listen() { subscription_ = subscribe_(*this); }

void HeardRevocations::on_push(media::PushRecord record) {
  if (const auto* revoked = std::get_if<media::GuestsRevoked>(&record)) hear_(*revoked);
}

void HeardRevocations::on_topic_end(media::TopicEnd why) {
  const bool refused = why == media::TopicEnd::unknown || why == media::TopicEnd::refused;
  again_.arm(loop_.now() + (refused ? again_after_refusal : again_after));
}

}  // namespace klieg::cli
