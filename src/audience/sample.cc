#include "audience/sample.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace klieg::audience {
namespace {

bool is_always_shown(const media::Comment& comment) { return comment.author.standing >= media::Standing::moderator; }

}  // namespace

size_t Sample::places(LoopTime now) const {
  if (settings_.per_second_max == 0) return SIZE_MAX;
  const Duration each = Duration(1s) / settings_.per_second_max;
  return static_cast<size_t>((now + each * settings_.burst_max - std::max(full_at_, now)) / each);
}

std::vector<media::Comment> Sample::turn(LoopTime now) {
  if (settings_.per_second_max == 0 || offered_.empty()) return std::exchange(offered_, {});
  const Duration each = Duration(1s) / settings_.per_second_max;
  const std::vector<size_t> chosen = drawn(places(now));
  full_at_ = std::max(full_at_, now) + each * static_cast<int64_t>(chosen.size());

  std::vector<media::Comment> shown;
  std::vector<media::Comment> offered = std::exchange(offered_, {});
  auto next = chosen.begin();
  for (size_t i = 0; i < offered.size(); ++i) {
    const bool is_chosen = next != chosen.end() && *next == i;
    if (is_chosen) ++next;
    if (is_chosen || is_always_shown(offered[i])) {
      shown.push_back(std::move(offered[i]));
    } else {
      ++left_out_;
    }
  }
  return shown;
}

std::vector<size_t> Sample::drawn(size_t places) {
  std::unordered_map<media::AccountId, std::vector<size_t>> by_author;
  std::vector<media::AccountId> authors;  // in the order of their first: the draw is the seed's, not the table's
  for (size_t i = 0; i < offered_.size(); ++i) {
    if (is_always_shown(offered_[i])) continue;
    std::vector<size_t>& comments = by_author[offered_[i].author.account];
    if (comments.empty()) authors.push_back(offered_[i].author.account);
    comments.push_back(i);
  }
  std::vector<size_t> chosen;
  while (!authors.empty() && chosen.size() < places) {
    // A round: each author once, in a random order, as far as there are places.
    for (size_t i = 0; i < authors.size() && chosen.size() < places; ++i) {
      std::swap(authors[i], authors[i + random_.below(authors.size() - i)]);
      std::vector<size_t>& comments = by_author[authors[i]];
      const size_t one = random_.below(comments.size());
      chosen.push_back(comments[one]);
      comments.erase(comments.begin() + static_cast<ptrdiff_t>(one));
    }
    std::erase_if(authors, [&](media::AccountId author) { return by_author[author].empty(); });
  }
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace klieg::audience
