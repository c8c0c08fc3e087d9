#include "edge/guests.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace klieg::edge {
namespace {

bool is_link(const wire::Guest& guest) { return guest.viewer == 0; }

WallTime end_of(const wire::Guest& guest) {
  return is_link(guest) ? guest.expires : guest.issued + wire::guest_chain_life;
}

}  // namespace

class Guests::Stay final : public media::Pass {
 public:
  Stay(std::shared_ptr<Stays> stays, std::string_view channel, const wire::Guest& guest)
      : channel(channel), guest(guest), stays_(std::move(stays)), place_(stays_->emplace(end_of(guest), this)) {}
  ~Stay() override { leave(); }

  bool over() const override { return !here_; }
  void when_over(std::move_only_function<void()> call) override { call_ = std::move(call); }

  void end() {
    leave();
    if (auto call = std::exchange(call_, nullptr)) call();  // which may be the end of us
  }

  const std::string channel;
  const wire::Guest guest;

 private:
  void leave() {
    if (!std::exchange(here_, false)) return;
    stays_->erase(place_);
  }

  const std::shared_ptr<Stays> stays_;
  const Stays::iterator place_;
  bool here_ = true;
  std::move_only_function<void()> call_;
};

bool Guests::Revoked::concerns(const wire::Guest& guest) const {
  const auto viewer = until_s.find(guest.viewer);
  const int64_t until = std::max(everybody_until_s, viewer == until_s.end() ? INT64_MIN : viewer->second);
  return wire::seconds_of(guest.issued) <= until;
}

Guests::Verdict Guests::judge(const wire::TokenPath& path, WallTime now) const {
  const auto judged = key_.judge(path.token, path.name, now);
  if (judged.trust == wire::PathTrust::wrong) return Verdict::wrong;
  if (judged.trust == wire::PathTrust::expired) return Verdict::expired;
  const auto revoked = revoked_.find(path.name);
  return revoked != revoked_.end() && revoked->second.concerns(judged.guest) ? Verdict::revoked : Verdict::trusted;
}

std::unique_ptr<media::Pass> Guests::let_in(const wire::TokenPath& path) {
  const auto guest = wire::guest_of(path.token);
  KLIEG_ASSERT(guest, "what was trusted can be read");
  return std::make_unique<Stay>(stays_, path.name, *guest);
}

Guests::Renewed Guests::renew(const wire::TokenPath& path, WallTime now) const {
  const auto guest = wire::guest_of(path.token);
  KLIEG_ASSERT(guest, "what was trusted can be read");
  if (is_link(*guest)) return {std::string(path.token), guest->expires};
  wire::Guest renewed = *guest;
  renewed.expires =
      std::max(guest->expires, std::min(now + wire::guest_token_life, guest->issued + wire::guest_chain_life));
  return {key_.sign(path.name, renewed), renewed.expires};
}

void Guests::revoke(const media::GuestsRevoked& revoked) {
  Revoked& known = revoked_[revoked.channel];
  if (revoked.viewer && known.until_s.size() < viewers_max) {
    int64_t& until_s = known.until_s.try_emplace(*revoked.viewer, INT64_MIN).first->second;
    until_s = std::max(until_s, revoked.issued_until_s);
  } else {
    known.everybody_until_s = std::max(known.everybody_until_s, revoked.issued_until_s);
  }
  std::vector<std::pair<WallTime, Stay*>> concerned;
  for (const auto& [end, stay] : *stays_) {
    if (stay->channel == revoked.channel && known.concerns(stay->guest)) concerned.emplace_back(end, stay);
  }
  for (const auto& [end, stay] : concerned) {
    // One may have left by what another did.
    const auto [first, last] = stays_->equal_range(end);
    if (std::any_of(first, last, [&](const auto& entry) { return entry.second == stay; })) stay->end();
  }
}

void Guests::expire(WallTime now) {
  while (!stays_->empty() && stays_->begin()->first <= now) stays_->begin()->second->end();
}

std::optional<WallTime> Guests::next_end() const {
  return stays_->empty() ? std::nullopt : std::optional(stays_->begin()->first);
}

}  // namespace klieg::edge
