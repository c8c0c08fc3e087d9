#include "bus/members.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/rendezvous.h"
#include "bus/json_field.h"
#include "bus/subject.h"

namespace klieg::bus {
namespace {

bool is_newer(const Announcement& announcement, const Announcement& than) {
  if (announcement.started != than.started) return announcement.started > than.started;
  return announcement.sequence > than.sequence;
}

using nlohmann::json;

}  // namespace

std::string announcement_subject(std::string_view node) { return "node." + as_word(node); }

Bytes json_of(const Announcement& it) {
  return Bytes::take(json{{"node", it.node},
                          {"process", it.process},
                          {"started_ns", it.started.time_since_epoch().count()},
                          {"sequence", it.sequence},
                          {"roles", it.roles},
                          {"http", it.http},
                          {"rtmp", it.rtmp},
                          {"leaves", it.stays == Announcement::Stays::leaves}}
                         .dump());
}

std::optional<Announcement> announcement_of(ByteView text) {
  const json object = json::parse(text.begin(), text.end(), nullptr, false);
  Announcement it;
  int64_t started_ns = 0, sequence = 0, roles = 0;
  if (!object.is_object() || !read(object, "node", it.node) || it.node.empty() ||
      !read(object, "process", it.process) || !read(object, "started_ns", started_ns) ||
      !read(object, "sequence", sequence) || !read(object, "roles", roles) || roles > UINT8_MAX ||
      !read(object, "http", it.http) || !read(object, "rtmp", it.rtmp)) {
    return std::nullopt;
  }
  it.started = WallTime(Duration(started_ns));
  it.sequence = static_cast<uint64_t>(sequence);
  it.roles = static_cast<uint8_t>(roles);
  const auto leaves = object.find("leaves");
  if (leaves != object.end() && *leaves == true) it.stays = Announcement::Stays::leaves;
  return it;
}

Members::Heard Members::heard(Announcement announcement, LoopTime now) {
  forget(now);
  const auto found = members_.find(announcement.node);
  if (found == members_.end() && members_.size() == members_max) return Heard::full;
  if (found != members_.end() && !is_newer(announcement, found->second.last)) return Heard::stale;
  const bool was_alive = found != members_.end() && now < found->second.until;
  const bool leaves = announcement.stays == Announcement::Stays::leaves;
  std::string name = announcement.node;
  members_.insert_or_assign(std::move(name), Member{std::move(announcement), leaves ? now : now + gone_after});
  if (leaves) return Heard::left;
  return was_alive ? Heard::renewed : Heard::joined;
}

const Announcement* Members::find(std::string_view node, LoopTime now) const {
  const auto found = members_.find(node);
  return found != members_.end() && now < found->second.until ? &found->second.last : nullptr;
}

const Announcement* Members::find_process(std::string_view process, LoopTime now) const {
  for (const auto& [name, member] : members_) {
    if (member.last.process == process && now < member.until) return &member.last;
  }
  return nullptr;
}

const Announcement* Members::home_of(std::string_view broadcast, LoopTime now) const {
  const Announcement* home = nullptr;
  uint64_t most = 0;
  for (const auto& [name, member] : members_) {  // by name: of equals the first, everywhere
    if (now >= member.until || !member.last.is(Role::home)) continue;
    const uint64_t weight = rendezvous_weight(broadcast, name);
    if (home && weight <= most) continue;
    home = &member.last;
    most = weight;
  }
  return home;
}

size_t Members::alive(LoopTime now) const {
  return static_cast<size_t>(std::ranges::count_if(members_, [&](const auto& one) { return now < one.second.until; }));
}

std::optional<LoopTime> Members::wake_at(LoopTime now) const {
  std::optional<LoopTime> next;
  for (const auto& [name, member] : members_) {
    if (now < member.until && (!next || member.until < *next)) next = member.until;
  }
  return next;
}

void Members::forget(LoopTime now) {
  std::erase_if(members_, [&](const auto& one) { return now >= one.second.until + gone_after; });
}

}  // namespace klieg::bus
