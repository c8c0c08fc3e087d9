#include "ingest/slots.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/assert.h"

namespace klieg::ingest {
namespace {

// Twenty wrong keys at once are forgiven, then one every three seconds.
constexpr Duration failure_cost = 3s;
constexpr Duration failure_credit = 20 * failure_cost;
// 1,024 addresses x 24 bytes = 24 KiB, looked through in a microsecond or two. A guesser with more addresses than that
// pushes out the least guilty ones; keys of 128 random bits do not mind.
constexpr size_t failures_max = 1024;

}  // namespace

Permit::Permit(Permit&& other) noexcept
    : slots_(std::exchange(other.slots_, nullptr)), slot_(other.slot_), publisher_(other.publisher_) {}

Permit& Permit::operator=(Permit&& other) noexcept {
  std::swap(slots_, other.slots_);
  std::swap(slot_, other.slot_);
  std::swap(publisher_, other.publisher_);
  return *this;
}

Permit::~Permit() {
  if (valid()) slots_->leave(slot_, publisher_, Departure::lost, slots_->slots_[slot_].last_media_at);
}

void Permit::touch(LoopTime now) {
  if (valid()) slots_->slots_[slot_].last_media_at = now;
}

AfterDeparture Permit::give_back(Departure why, LoopTime now) {
  return valid() ? slots_->leave(slot_, publisher_, why, now) : AfterDeparture::displaced;
}

bool Permit::valid() const {
  return slots_ && slots_->slots_[slot_].state == Slots::SlotState::live &&
         slots_->slots_[slot_].publisher == publisher_;
}

Slots::Slots(const std::vector<Channel>& channels, const SlotPolicy& policy) : policy_(policy) {
  for (const Channel& channel : channels) {
    KLIEG_ASSERT(!channel.key.empty(), "a channel has a key");
    const KeyDigest key = digest(channel.key);
    for (const Slot& other : slots_) {
      KLIEG_ASSERT(other.channel != channel.name && other.key != key, "channels have names and keys of their own");
    }
    slots_.push_back({channel.name, key, SlotState::empty, 0, {}, {}, Key::here});
  }
}

Result<Granted, Refusal> Slots::claim(std::string_view key, std::string_view peer, LoopTime now) {
  auto channel = recognise(key, peer, now);
  if (!channel) return std::unexpected(std::move(channel.error()));
  return claim_proven(*channel, now);
}

Result<std::string, Refusal> Slots::recognise(std::string_view key, std::string_view peer, LoopTime now) {
  if (auto refusal = too_often(peer, now)) return std::unexpected(std::move(*refusal));
  const std::optional<size_t> found = find_slot(key);
  if (!found) return std::unexpected(refuse_wrong_key(peer, now));
  return slots_[*found].channel;
}

std::optional<Refusal> Slots::too_often(std::string_view peer, LoopTime now) const {
  if (!guesses_too_often(peer_key(peer), now)) return std::nullopt;
  return Refusal{RefusalReason::too_many_wrong_keys, "too many wrong keys from your address; wait a minute"};
}

Refusal Slots::refuse_wrong_key(std::string_view peer, LoopTime now) {
  count_failure(peer_key(peer), now);
  return {RefusalReason::wrong_key, "wrong key"};
}

Result<Granted, Refusal> Slots::claim_proven(const std::string& channel, LoopTime now) {
  return grant(slot_of(channel), now);
}

size_t Slots::slot_of(const std::string& channel) {
  size_t free = slots_.size();
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].channel == channel) return i;
    if (slots_[i].kept == Key::elsewhere && slots_[i].state == SlotState::empty) free = i;
  }
  if (free == slots_.size()) slots_.push_back({"", {}, SlotState::empty, 0, {}, {}, Key::elsewhere});
  slots_[free].channel = channel;
  return free;
}

void Slots::end(std::string_view channel) {
  const auto slot = std::ranges::find(slots_, channel, &Slot::channel);
  if (slot == slots_.end()) return;
  slot->state = SlotState::empty;
  slot->publisher = 0;
}

Result<Granted, Refusal> Slots::grant(size_t index, LoopTime now) {
  Slot& slot = slots_[index];
  Granted granted{slot.channel, Continuity::begins, 0, {}};
  switch (slot.state) {
    case SlotState::empty:
      break;
    case SlotState::away:
      granted.continuity = Continuity::continues;
      break;
    case SlotState::live: {
      const bool silent = now - slot.last_media_at >= policy_.silent_after;
      if (!silent && policy_.takeover == Takeover::refused) {
        return std::unexpected(
            Refusal{RefusalReason::already_live, "already live: another encoder uses this key", slot.channel});
      }
      granted.continuity = Continuity::continues;
      granted.displaced = slot.publisher;
      break;
    }
  }
  slot.state = SlotState::live;
  slot.publisher = ++last_publisher_;
  slot.last_media_at = now;
  granted.permit = Permit(*this, index, slot.publisher);
  return granted;
}

AfterDeparture Slots::leave(size_t index, PublisherId publisher, Departure why, LoopTime now) {
  Slot& slot = slots_[index];
  KLIEG_ASSERT(slot.state == SlotState::live && slot.publisher == publisher, "only a slot's publisher leaves it");
  slot.publisher = 0;
  if (why == Departure::unpublished && policy_.unpublish_means == UnpublishMeans::ended) {
    slot.state = SlotState::empty;
    return AfterDeparture::ended;
  }
  slot.state = SlotState::away;
  slot.away_until = now + policy_.return_within;
  return AfterDeparture::paused;
}

std::vector<std::string> Slots::expire(LoopTime now) {
  std::vector<std::string> ended;
  for (Slot& slot : slots_) {
    if (slot.state != SlotState::away || now < slot.away_until) continue;
    slot.state = SlotState::empty;
    ended.push_back(slot.channel);
  }
  return ended;
}

std::optional<LoopTime> Slots::wake_at() const {
  std::optional<LoopTime> earliest;
  for (const Slot& slot : slots_) {
    if (slot.state == SlotState::away && (!earliest || slot.away_until < *earliest)) earliest = slot.away_until;
  }
  return earliest;
}

size_t Slots::live_count() const {
  return static_cast<size_t>(
      std::ranges::count_if(slots_, [](const Slot& slot) { return slot.state == SlotState::live; }));
}

Slots::KeyDigest Slots::digest(std::string_view key) {
  KeyDigest digest{};
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
  return digest;
}

std::optional<size_t> Slots::find_slot(std::string_view key) const {
  const KeyDigest wanted = digest(key);
  std::optional<size_t> found;
  for (size_t i = 0; i < slots_.size(); ++i) {  // all of them, always
    const bool same = CRYPTO_memcmp(slots_[i].key.data(), wanted.data(), wanted.size()) == 0;
    if (same && slots_[i].kept == Key::here) found = i;
  }
  return found;
}

Slots::PeerKey Slots::peer_key(std::string_view peer) {
  PeerKey key;
  std::string address(peer.substr(0, peer.rfind(':')));
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  std::array<uint8_t, 16> v6{};
  if (inet_pton(AF_INET, address.c_str(), key.bytes.data() + 1) == 1) {
    key.bytes[0] = 4;
  } else if (inet_pton(AF_INET6, address.c_str(), v6.data()) == 1) {
    constexpr std::array<uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (std::ranges::equal(mapped, std::span(v6).first(12))) {  // IPv4 on a socket of both kinds
      key.bytes[0] = 4;
      std::copy_n(v6.begin() + 12, 4, key.bytes.begin() + 1);
    } else {
      key.bytes[0] = 6;
      std::copy_n(v6.begin(), 8, key.bytes.begin() + 1);
    }
  }
  return key;
}

bool Slots::guesses_too_often(const PeerKey& peer, LoopTime now) const {
  const auto found = std::ranges::find(failures_, peer, &Failures::peer);
  return found != failures_.end() && found->paid_off_at - now > failure_credit - failure_cost;
}

void Slots::count_failure(const PeerKey& peer, LoopTime now) {
  auto found = std::ranges::find(failures_, peer, &Failures::peer);
  if (found == failures_.end()) {
    std::erase_if(failures_, [&](const Failures& failures) { return failures.paid_off_at <= now; });
    if (failures_.size() == failures_max) {
      failures_.erase(std::ranges::min_element(failures_, {}, &Failures::paid_off_at));
    }
    failures_.push_back({peer, now});
    found = failures_.end() - 1;
  }
  found->paid_off_at = std::max(found->paid_off_at, now) + failure_cost;
}

}  // namespace klieg::ingest
