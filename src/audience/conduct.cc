#include "audience/conduct.h"

#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "audience/comment_text.h"

namespace klieg::audience {
namespace {

// Letters and digits of scripts that part their words: between two of them no word begins or ends (UAX #29, WB5 to 10).
bool continues_a_word(UChar32 c) {
  const int32_t kind = u_getIntPropertyValue(c, UCHAR_WORD_BREAK);
  return kind == U_WB_ALETTER || kind == U_WB_NUMERIC || kind == U_WB_HEBREW_LETTER;
}

// The characters on both sides of a place. Of what lies further away a piece may be cut off: it is not looked at.
constexpr size_t utf8_size_max = 4;
UChar32 before(std::string_view text, size_t at) {
  const size_t size = std::min(at, utf8_size_max);
  const auto piece = icu::UnicodeString::fromUTF8({text.data() + at - size, static_cast<int32_t>(size)});
  return piece.isEmpty() ? 0 : piece.char32At(piece.length() - 1);
}
UChar32 behind(std::string_view text, size_t at) {
  const size_t size = std::min(text.size() - at, utf8_size_max);
  const auto piece = icu::UnicodeString::fromUTF8({text.data() + at, static_cast<int32_t>(size)});
  return piece.isEmpty() ? 0 : piece.char32At(0);
}

bool is_boundary(std::string_view text, size_t at) {
  return !(continues_a_word(before(text, at)) && continues_a_word(behind(text, at)));
}

}  // namespace

void WordFilter::set(const std::vector<std::string>& words) {
  folded_.clear();
  for (const std::string& word : words) {
    if (std::string one = folded(word); !one.empty()) folded_.push_back(std::move(one));
  }
}

bool WordFilter::finds(std::string_view text) const {
  if (folded_.empty()) return false;
  const std::string said = folded(text);
  return std::ranges::any_of(folded_, [&](const std::string& word) {
    for (size_t at = said.find(word); at != std::string::npos; at = said.find(word, at + 1)) {
      if (is_boundary(said, at) && is_boundary(said, at + word.size())) return true;
    }
    return false;
  });
}

bool Conduct::bar(media::AccountId account, WallTime until, WallTime wall) {
  if (until <= wall) {
    barred_.erase(account);
    return true;
  }
  if (barred_.size() >= limits_.barred_max && !barred_.contains(account)) {
    std::erase_if(barred_, [&](const auto& one) { return one.second <= wall; });
    if (barred_.size() >= limits_.barred_max) return false;
  }
  barred_[account] = until;
  return true;
}

void Conduct::set_barred(const std::vector<media::PersonBarred>& all, WallTime wall) {
  std::erase_if(barred_, [](const auto& one) { return !media::is_guest(one.first); });
  for (const media::PersonBarred& one : all) bar(one.account, one.until, wall);
}

std::optional<media::Refusal> Conduct::barred(media::AccountId account, WallTime wall) const {
  const auto found = barred_.find(account);
  if (found == barred_.end() || found->second <= wall) return std::nullopt;
  return found->second == WallTime::max() ? media::Refusal::banned : media::Refusal::timed_out;
}

std::optional<media::Refusal> Conduct::may_comment(const media::Person& author, std::optional<uint32_t> came_as) const {
  switch (rules_.who) {
    case media::WhoMayComment::everyone:
      return std::nullopt;
    case media::WhoMayComment::followers:
      if (author.standing >= media::Standing::follower) return std::nullopt;
      return media::Refusal::not_follower;
    case media::WhoMayComment::first:
      if (came_as && *came_as < rules_.first) return std::nullopt;
      return media::Refusal::not_first;
    case media::WhoMayComment::nobody:
      break;
  }
  return media::Refusal::not_now;
}

std::expected<media::Visibility, media::Refusal> Conduct::judge(const media::Person& author, std::string_view text,
                                                                std::optional<uint32_t> came_as, LoopTime now,
                                                                WallTime wall) {
  if (author.account == media::AccountId::anonymous) return std::unexpected(media::Refusal::nameless);
  const bool above_the_rules = author.standing >= media::Standing::moderator;
  if (!above_the_rules) {
    if (const auto refusal = barred(author.account, wall)) return std::unexpected(*refusal);
    if (const auto refusal = may_comment(author, came_as)) return std::unexpected(*refusal);
  }
  if (talkers_.size() >= limits_.talkers_max && !talkers_.contains(author.account)) {
    forget_quiet_ones(now);
    if (talkers_.size() >= limits_.talkers_max) return std::unexpected(media::Refusal::busy);
  }
  Talker& talker = talkers_[author.account];
  if (!above_the_rules && talker.last != LoopTime::min() && now < talker.last + rules_.slow) {
    return std::unexpected(media::Refusal::too_soon);
  }
  const LoopTime full_at = std::max(talker.full_at, now) + limits_.comment_every;
  if (full_at > now + limits_.comment_every * limits_.burst_max) return std::unexpected(media::Refusal::too_much);
  auto visibility = media::Visibility::shown;
  if (!above_the_rules) {
    const bool found = rules_.review != media::Review::everything && words_.finds(text);
    if (found && rules_.review == media::Review::nothing) return std::unexpected(media::Refusal::word);
    if (found || rules_.review == media::Review::everything) visibility = media::Visibility::held;
  }
  talker = {now, full_at};
  return visibility;
}

void Conduct::forget_quiet_ones(LoopTime now) {
  std::erase_if(talkers_,
                [&](const auto& one) { return one.second.full_at <= now && one.second.last <= now - rules_.slow; });
}

}  // namespace klieg::audience
