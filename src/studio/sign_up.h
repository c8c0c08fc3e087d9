// Who may make an account.
//
//   open     anybody, as often as the budget of their network allows
//   invite   who holds an invite that has uses left; each account uses it once
//   closed   nobody: accounts are made by the operator
//
// The first account of all is made at the first start, whatever the policy, and is the operator's.
//
// Pure: what the database knows comes in.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace klieg::studio {

enum class SignUpPolicy : uint8_t { open, invite, closed };
std::optional<SignUpPolicy> sign_up_policy_of(std::string_view word);

constexpr Duration invite_lifetime = std::chrono::days(14);
constexpr int64_t invite_uses_max = 100;
constexpr int64_t invites_max = 20;  // of an account, that are good yet
// A family signs up at once; a network of a thousand people has its own Klieg, or invites.
constexpr int sign_ups_at_once = 5;
constexpr Duration sign_up_every = std::chrono::minutes(10);

struct Invite {
  int64_t id = 0;
  int64_t made_by = 0;
  int64_t uses_left = 0;
  WallTime created;
  WallTime expires;
};

enum class SignUpIs : uint8_t { allowed, closed, needs_invite, invite_is_over };
// `offered`: an invite came with it, whether or not there is one like it.
enum class Offered : uint8_t { no, yes };
SignUpIs judge(SignUpPolicy policy, Offered offered, const std::optional<Invite>& found, WallTime now);

}  // namespace klieg::studio
