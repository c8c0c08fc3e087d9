// Who may comment, how often, and with which words: the rules of a room and who broke them.
//
// Who is a moderator or the broadcaster is above the rules, but for typing faster than anybody can. Time-outs and bans
// are until a moment on the wall, because they outlive the process; how often somebody comments is measured by the
// loop.
//
// A plain state machine. Owner: the Room. Thread: its loop.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "media/room.h"

namespace klieg::audience {

// Words that a room does not want, found as words: "ass" is not in "class". Compared as a reader compares
// (comment_text.h, folded()); a word of a script without spaces is found wherever it stands.
class WordFilter {
 public:
  void set(const std::vector<std::string>& words);
  bool finds(std::string_view text) const;

 private:
  std::vector<std::string> folded_;
};

struct ConductLimits {
  // Nobody types more; what is beyond is a machine's, or a paste's.
  Duration comment_every = 500ms;
  uint32_t burst_max = 5;
  // Who has commented lately, 64 bytes each, and who is barred: 6 and 3 MB.
  size_t talkers_max = 100'000;
  size_t barred_max = 50'000;
};

class Conduct {
 public:
  explicit Conduct(const ConductLimits& limits = {}) : limits_(limits) {}

  const media::RoomRules& rules() const { return rules_; }
  void set_rules(const media::RoomRules& rules) { rules_ = rules; }
  void set_words(const std::vector<std::string>& words) { words_.set(words); }

  // WallTime::max(): for good; one that is past: no longer. False: there are barred_max already.
  bool bar(media::AccountId account, WallTime until, WallTime wall);
  // Of all but guests: these are barred and no others.
  void set_barred(const std::vector<media::PersonBarred>& all, WallTime wall);
  std::optional<media::Refusal> barred(media::AccountId account, WallTime wall) const;

  // What becomes of a comment. `came_as`: the how-manieth account he was to come (from 0); nothing: beyond counting.
  // Who is let through has commented.
  std::expected<media::Visibility, media::Refusal> judge(const media::Person& author, std::string_view text,
                                                         std::optional<uint32_t> came_as, LoopTime now, WallTime wall);

 private:
  struct Talker {
    LoopTime last = LoopTime::min();
    LoopTime full_at = LoopTime::min();  // when the whole burst is there again
  };
  std::optional<media::Refusal> may_comment(const media::Person& author, std::optional<uint32_t> came_as) const;
  void forget_quiet_ones(LoopTime now);

  const ConductLimits limits_;
  media::RoomRules rules_;
  WordFilter words_;
  std::unordered_map<media::AccountId, WallTime> barred_;
  std::unordered_map<media::AccountId, Talker> talkers_;
};

}  // namespace klieg::audience
