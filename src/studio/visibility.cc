#include "studio/visibility.h"

#include <utility>

namespace klieg::studio {

std::optional<Visibility> visibility_of(std::string_view word) {
  for (const Visibility visibility : {Visibility::everyone, Visibility::with_link, Visibility::guests}) {
    if (word == word_of(visibility)) return visibility;
  }
  return std::nullopt;
}

std::string_view word_of(Visibility visibility) {
  switch (visibility) {
    case Visibility::everyone:
      return "public";
    case Visibility::with_link:
      return "unlisted";
    case Visibility::guests:
      return "private";
  }
  std::unreachable();
}

MayWatch judge(Visibility visibility, const Asking& asking) {
  if (asking.owns_it) return MayWatch::yes;
  const auto only_if = [](bool may) { return may ? MayWatch::yes : MayWatch::not_there; };
  switch (visibility) {
    case Visibility::everyone:
      return MayWatch::yes;  // who is blocked could log out and watch: blocking is about the room
    case Visibility::with_link:
      return only_if(asking.has_link && !asking.is_blocked);
    case Visibility::guests:
      return only_if(asking.is_guest && !asking.is_blocked);
  }
  std::unreachable();
}

}  // namespace klieg::studio
