#include "bus/broadcasts.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "bus/json_field.h"
#include "bus/members.h"
#include "bus/subject.h"

namespace klieg::bus {
namespace {

using nlohmann::json;
using State = BroadcastNews::State;

constexpr std::array<std::string_view, 4> state_names{"claimed", "live", "paused", "over"};

}  // namespace

std::string broadcast_subject(std::string_view channel) { return "broadcast." + as_word(channel); }

Bytes json_of(const BroadcastNews& news) {
  json object{{"channel", news.channel},
              {"node", news.node},
              {"number", news.number},
              {"state", state_names[static_cast<size_t>(news.state)]},
              {"broadcast", news.broadcast},
              {"viewers", news.viewers},
              {"guests_only", news.is_for == BroadcastNews::For::guests}};
  if (news.started) object["started_ns"] = news.started->time_since_epoch().count();
  return Bytes::take(object.dump());
}

std::optional<BroadcastNews> broadcast_news_of(ByteView text) {
  const json object = json::parse(text.begin(), text.end(), nullptr, false);
  BroadcastNews news;
  std::string state;
  int64_t viewers = 0, started_ns = 0;
  if (!object.is_object() || !read(object, "channel", news.channel) || news.channel.empty() ||
      !read(object, "node", news.node) || !read(object, "number", news.number) || !read(object, "state", state) ||
      !read(object, "broadcast", news.broadcast) || !read(object, "viewers", viewers)) {
    return std::nullopt;
  }
  const auto found = std::ranges::find(state_names, state);
  if (found == state_names.end()) return std::nullopt;
  news.state = static_cast<State>(found - state_names.begin());
  news.viewers = static_cast<uint64_t>(viewers);
  if (object.value("guests_only", json()) == true) news.is_for = BroadcastNews::For::guests;
  if (read(object, "started_ns", started_ns)) news.started = WallTime(Duration(started_ns));
  return news;
}

Broadcasts::Heard Broadcasts::heard(BroadcastNews news, LoopTime now) {
  const auto found = known_.find(news.channel);
  if (found == known_.end()) {
    if (known_.size() == broadcasts_max) return Heard::full;
    const bool over = news.state == State::over;
    std::string channel = news.channel;
    known_.emplace(std::move(channel), Known{std::move(news), now + gone_after});
    return over ? Heard::unchanged : Heard::changed;
  }
  Known& known = found->second;
  const bool is_over = known.last.state == State::over;
  if (news.number < known.last.number || (news.number == known.last.number && is_over)) return Heard::stale;
  const bool changed = news != known.last && !(is_over && news.state == State::over);
  known = {std::move(news), now + gone_after};
  return changed ? Heard::changed : Heard::unchanged;
}

const BroadcastNews* Broadcasts::find(std::string_view channel, LoopTime now) const {
  const auto found = known_.find(channel);
  if (found == known_.end() || found->second.last.state == State::over || now >= found->second.until) return nullptr;
  return &found->second.last;
}

std::vector<BroadcastNews> Broadcasts::expire(LoopTime now) {
  std::vector<BroadcastNews> gone;
  std::erase_if(known_, [&](auto& entry) {
    if (now < entry.second.until) return false;
    if (entry.second.last.state != State::over) gone.push_back(std::move(entry.second.last));
    return true;
  });
  return gone;
}

}  // namespace klieg::bus
