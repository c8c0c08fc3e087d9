#include "studio/throttle.h"

#include <algorithm>
#include <string>

namespace klieg::studio {

Duration Budget::spend(const Network& network, LoopTime now) {
  auto found = paid_off_at_.find(network);
  const LoopTime paid_off_at = std::max(found == paid_off_at_.end() ? now : found->second, now) + one_per_;
  if (paid_off_at - now > credit_) return paid_off_at - now - credit_;
  if (found == paid_off_at_.end()) {
    if (paid_off_at_.size() == rows_max) {
      std::erase_if(paid_off_at_, [now](const auto& row) { return row.second <= now; });
    }
    if (paid_off_at_.size() == rows_max) {
      paid_off_at_.erase(std::ranges::min_element(paid_off_at_, {}, [](const auto& row) { return row.second; }));
    }
    found = paid_off_at_.emplace(network, now).first;
  }
  found->second = paid_off_at;
  return Duration(0);
}

Duration Suspicion::wait(const Network& network, std::string_view account_name, LoopTime now) const {
  const auto found = rows_.find(key_of(network, account_name));
  if (found == rows_.end() || found->second.failures < free_tries) return Duration(0);
  const Row& row = found->second;
  if (now - row.last >= forgotten_after) return Duration(0);
  const int doublings = std::min(row.failures - free_tries, 20);
  const Duration wait = std::min(longest_wait, first_wait * (int64_t{1} << doublings));
  return std::max(Duration(0), row.last + wait - now);
}

void Suspicion::failed(const Network& network, std::string_view account_name, LoopTime now) {
  const uint64_t key = key_of(network, account_name);
  if (!rows_.contains(key) && rows_.size() == rows_max) {
    std::erase_if(rows_, [now](const auto& row) { return now - row.second.last >= forgotten_after; });
    if (rows_.size() == rows_max) {
      rows_.erase(std::ranges::min_element(rows_, {}, [](const auto& row) { return row.second.failures; }));
    }
  }
  Row& row = rows_[key];
  if (row.failures > 0 && now - row.last >= forgotten_after) row.failures = 0;
  ++row.failures;
  row.last = now;
}

void Suspicion::succeeded(const Network& network, std::string_view account_name) {
  rows_.erase(key_of(network, account_name));
}

uint64_t Suspicion::key_of(const Network& network, std::string_view account_name) const {
  std::string both(network.begin(), network.end());
  both += account_name;
  return sip_hash(key_, both);
}

}  // namespace klieg::studio
