#include "studio/sign_up.h"

#include <utility>

namespace klieg::studio {

std::optional<SignUpPolicy> sign_up_policy_of(std::string_view word) {
  if (word == "open") return SignUpPolicy::open;
  if (word == "invite") return SignUpPolicy::invite;
  if (word == "closed") return SignUpPolicy::closed;
  return std::nullopt;
}

SignUpIs judge(SignUpPolicy policy, Offered offered, const std::optional<Invite>& found, WallTime now) {
  switch (policy) {
    case SignUpPolicy::open:
      return SignUpIs::allowed;
    case SignUpPolicy::closed:
      return SignUpIs::closed;
    case SignUpPolicy::invite:
      if (offered == Offered::no) return SignUpIs::needs_invite;
      return found && found->uses_left > 0 && now < found->expires ? SignUpIs::allowed : SignUpIs::invite_is_over;
  }
  std::unreachable();
}

}  // namespace klieg::studio
