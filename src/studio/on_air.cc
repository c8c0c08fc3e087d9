#include "studio/on_air.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "base/whole_number.h"

namespace klieg::studio {
namespace {

std::pair<uint64_t, uint64_t> rank_of(ListOrder order, uint64_t viewers, uint64_t number) {
  return {order == ListOrder::viewers ? viewers : 0, number};
}

}  // namespace

std::string ListCursor::text() const { return fmt::format("{}.{}", viewers, number); }

std::optional<ListCursor> ListCursor::parse(std::string_view text) {
  const size_t dot = text.find('.');
  if (dot == text.npos) return std::nullopt;
  const auto viewers = whole_number<uint64_t>(text.substr(0, dot));
  const auto number = whole_number<uint64_t>(text.substr(dot + 1));
  if (!viewers || !number) return std::nullopt;
  return ListCursor{*viewers, *number};
}

Show& OnAir::begin(const std::string& channel, WallTime started) {
  const auto [found, added] = shows_.try_emplace(channel);
  Show& show = found->second;
  if (added) {
    show.channel = channel;
    show.started = started;
    show.number = ++last_number_;
  }
  return show;
}

Show* OnAir::find(std::string_view channel) {
  const auto found = shows_.find(channel);
  return found == shows_.end() ? nullptr : &found->second;
}

void OnAir::set_viewers(std::string_view channel, uint64_t viewers) {
  Show* show = find(channel);
  if (!show) return;
  if (viewers > show->viewers) show->viewers_came += viewers - show->viewers;
  show->viewers = viewers;
  show->viewers_peak = std::max(show->viewers_peak, viewers);
}

void OnAir::set_said(std::string_view channel, uint64_t comments, uint64_t hearts) {
  Show* show = find(channel);
  if (!show) return;
  show->comments = comments;
  show->hearts = hearts;
}

std::optional<Show> OnAir::end(std::string_view channel) {
  const auto found = shows_.find(channel);
  if (found == shows_.end()) return std::nullopt;
  return std::move(shows_.extract(found).mapped());
}

std::vector<const Show*> OnAir::listed() const {
  std::vector<const Show*> shows;
  for (const auto& [_, show] : shows_) {
    if (show.listing == Listing::listed) shows.push_back(&show);
  }
  return shows;
}

OnAir::Page OnAir::page(ListOrder order, const std::optional<ListCursor>& after, size_t limit) const {
  std::vector<const Show*> shows = listed();
  const auto rank = [&](const Show* show) { return rank_of(order, show->viewers, show->number); };
  if (after) {
    std::erase_if(shows, [&](const Show* show) { return rank(show) >= rank_of(order, after->viewers, after->number); });
  }
  std::ranges::sort(shows, std::greater(), rank);
  Page page;
  if (shows.size() > limit) {
    shows.resize(limit);
    page.next = ListCursor{shows.back()->viewers, shows.back()->number};
  }
  page.shows = std::move(shows);
  return page;
}

std::vector<const Show*> OnAir::draw(size_t count, Random& random) const {
  std::vector<const Show*> shows = listed();
  const size_t drawn = std::min(count, shows.size());
  for (size_t i = 0; i < drawn; ++i) std::swap(shows[i], shows[i + random.below(shows.size() - i)]);
  shows.resize(drawn);
  return shows;
}

}  // namespace klieg::studio
