#include "edge/viewers.h"

#include <algorithm>
#include <bit>
#include <string>
#include <unordered_set>

namespace klieg::edge {
namespace {

constexpr std::string_view cookie_name = "klieg_viewer";
constexpr size_t identity_size_max = 256;  // a longer one is nobody's name

bool is_of_level(uint64_t identity, uint32_t level) { return std::countl_zero(identity) >= static_cast<int>(level); }

std::string_view cookie_of(std::string_view cookies) {
  while (!cookies.empty()) {
    const size_t end = std::min(cookies.find(';'), cookies.size());
    std::string_view cookie = cookies.substr(0, end);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
    cookie.remove_prefix(std::min(cookie.find_first_not_of(' '), cookie.size()));
    if (cookie.starts_with(cookie_name) && cookie.substr(cookie_name.size()).starts_with('=')) {
      return cookie.substr(cookie_name.size() + 1);
    }
  }
  return {};
}

bool is_identity(std::string_view text) { return !text.empty() && text.size() <= identity_size_max; }

}  // namespace

uint64_t Viewers::identity_of(const ViewerTraits& viewer) const {
  // What it is comes first, so that no session passes for a cookie.
  const auto hash = [&](char kind, std::string_view text) { return sip_hash(key_, std::string{kind}.append(text)); };
  if (is_identity(viewer.session)) return hash('s', viewer.session);
  if (const std::string_view cookie = cookie_of(viewer.cookies); is_identity(cookie)) return hash('c', cookie);
  return hash('a', viewer.client_address);
}

void Viewers::saw(const ViewerTraits& viewer, LoopTime now) {
  const uint64_t identity = identity_of(viewer);
  if (!is_of_level(identity, level_)) return;
  if (const auto found = known_.find(identity); found != known_.end()) {
    found->second->last = now;
    sightings_.splice(sightings_.end(), sightings_, found->second);
    return;
  }
  forget_before(now - window);
  while (known_.size() == kept_max) set_level(level_ + 1);
  if (!is_of_level(identity, level_)) return;
  sightings_.push_back({identity, now});
  known_.emplace(identity, std::prev(sightings_.end()));
}

void Viewers::forget_before(LoopTime then) {
  while (!sightings_.empty() && sightings_.front().last < then) {
    known_.erase(sightings_.front().identity);
    sightings_.pop_front();
  }
}

// A higher one: not all that are kept can stay.
void Viewers::set_level(uint32_t level) {
  level_ = level;
  counted_level_ = std::max(counted_level_, level);
  for (auto at = sightings_.begin(); at != sightings_.end();) {
    if (is_of_level(at->identity, level)) {
      ++at;
    } else {
      known_.erase(at->identity);
      at = sightings_.erase(at);
    }
  }
}

Viewers::Sample Viewers::sample(LoopTime now) {
  forget_before(now - window);
  if (counted_level_ > level_ && now - lowered_ >= window) counted_level_ = level_;
  // As far as leaves room for twice as many, so that it does not go up and down.
  if (level_ == counted_level_) {
    while (level_ > 0 && known_.size() << (counted_level_ - level_) < kept_max / 4) --level_;
    lowered_ = now;
  }
  Sample sample{counted_level_, {}};
  sample.identities.reserve(known_.size());
  for (const Sighting& sighting : sightings_) {
    if (is_of_level(sighting.identity, counted_level_)) sample.identities.push_back(sighting.identity);
  }
  return sample;
}

uint64_t Viewers::count(LoopTime now) {
  const Sample own = sample(now);
  return uint64_t{own.identities.size()} << own.level;
}

uint64_t Viewers::total_of(std::span<const Sample> samples) {
  uint32_t level = 0;
  for (const Sample& sample : samples) level = std::max(level, sample.level);
  std::unordered_set<uint64_t> distinct;
  for (const Sample& sample : samples) {
    for (const uint64_t identity : sample.identities) {
      if (is_of_level(identity, level)) distinct.insert(identity);
    }
  }
  return uint64_t{distinct.size()} << level;
}

}  // namespace klieg::edge
