// Who may watch a broadcast, and who is not even told that there is one.
//
// Somebody who may not watch gets the answer of a broadcast that does not exist: a private one is no secret if its
// refusal says that it is there.
//
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace klieg::studio {

enum class Visibility : uint8_t {
  everyone,   // "public": listed
  with_link,  // "unlisted": who has the link, which is random
  guests,     // "private": chosen people, logged in
};
std::optional<Visibility> visibility_of(std::string_view word);
std::string_view word_of(Visibility visibility);

// Who asks, as far as the broadcast goes. Somebody who is not logged in is none of these but perhaps has the link.
struct Asking {
  bool owns_it = false;
  bool has_link = false;
  bool is_guest = false;
  bool is_blocked = false;  // by whose it is
};

enum class MayWatch : uint8_t { yes, not_there };
MayWatch judge(Visibility visibility, const Asking& asking);

}  // namespace klieg::studio
