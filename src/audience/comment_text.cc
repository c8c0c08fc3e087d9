#include "audience/comment_text.h"

#include <unicode/brkiter.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "base/assert.h"
#include "base/utf8.h"

namespace klieg::audience {
namespace {

constexpr UChar32 space = 0x20;
constexpr UChar32 joiner = 0x200D;      // of a family, of an Arabic or Indic shape
constexpr UChar32 non_joiner = 0x200C;  // of a Persian or Indic one
constexpr UChar32 braille_blank = 0x2800;
constexpr UChar32 black_flag = 0x1F3F4;  // with tags behind it: England, Scotland, Wales

bool is_tag(UChar32 c) { return c >= 0xE0020 && c <= 0xE007F; }
bool is_white(UChar32 c) {
  return u_isUWhiteSpace(c) || u_charType(c) == U_LINE_SEPARATOR || u_charType(c) == U_PARAGRAPH_SEPARATOR;
}
bool is_mark(UChar32 c) {
  const int8_t type = u_charType(c);
  return (type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK) && !u_hasBinaryProperty(c, UCHAR_VARIATION_SELECTOR);
}
bool draws_nothing(UChar32 c) {
  return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) || is_white(c) || c == braille_blank;
}

// Whether `c` may stand behind `before`, the last that was kept (0: there is none).
bool may_stay(UChar32 c, UChar32 before) {
  switch (u_charType(c)) {
    case U_CONTROL_CHAR:
    case U_UNASSIGNED:
    case U_PRIVATE_USE_CHAR:
    case U_SURROGATE:
      return false;
    default:
      break;
  }
  if (u_hasBinaryProperty(c, UCHAR_BIDI_CONTROL)) return false;
  if (is_tag(c)) return before == black_flag || is_tag(before);
  if (c == joiner || c == non_joiner) return before != 0 && !draws_nothing(before);
  if (u_hasBinaryProperty(c, UCHAR_VARIATION_SELECTOR)) return before != 0 && !draws_nothing(before);
  if (u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) return false;
  return u_charType(c) != U_FORMAT_CHAR;
}

icu::UnicodeString without_what_may_not_stay(const icu::UnicodeString& text) {
  icu::UnicodeString kept;
  UChar32 before = 0;
  for (int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) {
    UChar32 c = text.char32At(at);
    if (is_white(c)) c = space;
    if (c == space && (before == 0 || before == space)) continue;
    if (c != space && !may_stay(c, before)) continue;
    kept.append(c);
    before = c;
  }
  return kept.trim();
}

icu::UnicodeString with_few_marks(const icu::UnicodeString& text) {
  icu::UnicodeString kept;
  size_t marks = 0;
  UChar32 before = 0;
  for (int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) {
    const UChar32 c = text.char32At(at);
    if (is_mark(c)) {
      if (++marks > marks_max) continue;
    } else if (!u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) {
      marks = 0;  // a letter begins; what joins letters begins none
    } else if (!is_tag(c) && draws_nothing(before)) {
      continue;  // what stood between two joiners went
    }
    kept.append(c);
    before = c;
  }
  return kept;
}

bool can_be_seen(const icu::UnicodeString& text) {
  for (int32_t at = 0; at < text.length(); at = text.moveIndex32(at, 1)) {
    const UChar32 c = text.char32At(at);
    if (!draws_nothing(c) && !is_mark(c)) return true;
  }
  return false;
}

const icu::Normalizer2& normalizer(const icu::Normalizer2* (*instance)(UErrorCode&)) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* found = instance(error);
  KLIEG_ASSERT(U_SUCCESS(error), "ICU has its normalization data");
  return *found;
}

icu::UnicodeString normalized(const icu::Normalizer2& form, const icu::UnicodeString& text) {
  UErrorCode error = U_ZERO_ERROR;
  icu::UnicodeString out = form.normalize(text, error);
  KLIEG_ASSERT(U_SUCCESS(error), "a short text is normalized");
  return out;
}

std::string utf8_of(const icu::UnicodeString& text) {
  std::string out;
  text.toUTF8String(out);
  return out;
}

icu::UnicodeString of_utf8(std::string_view text) {
  return icu::UnicodeString::fromUTF8({text.data(), static_cast<int32_t>(text.size())});
}

}  // namespace

std::string_view words_of(TextFault fault) {
  switch (fault) {
    case TextFault::empty:
      return "there is nothing in it that anybody could see";
    case TextFault::too_long:
      return "this is too long";
    case TextFault::not_utf8:
      return "this is not text";
  }
  return "";
}

struct CommentText::Icu {
  std::unique_ptr<icu::BreakIterator> characters;

  size_t count(const icu::UnicodeString& text) const {
    characters->setText(text);
    size_t clusters = 0;
    while (characters->next() != icu::BreakIterator::DONE) ++clusters;
    return clusters;
  }
};

CommentText::CommentText() : icu_(std::make_unique<Icu>()) {
  UErrorCode error = U_ZERO_ERROR;
  icu_->characters.reset(icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), error));
  KLIEG_ASSERT(U_SUCCESS(error), "ICU has its data of grapheme clusters");
}

CommentText::~CommentText() = default;

std::expected<std::string, TextFault> CommentText::clean(std::string_view typed, size_t graphemes_max) {
  const size_t bytes_max = graphemes_max * grapheme_bytes_max;
  if (typed.size() > bytes_max) return std::unexpected(TextFault::too_long);
  if (!is_utf8(typed)) return std::unexpected(TextFault::not_utf8);
  // Composing may bring together what stands beside each other only then, so what may not stay goes before it, and the
  // marks are counted behind it.
  const icu::UnicodeString text = with_few_marks(
      normalized(normalizer(icu::Normalizer2::getNFCInstance), without_what_may_not_stay(of_utf8(typed))));
  if (!can_be_seen(text)) return std::unexpected(TextFault::empty);
  std::string cleaned = utf8_of(text);
  // NFC makes a few characters longer, the most of them threefold.
  if (cleaned.size() > bytes_max || icu_->count(text) > graphemes_max) return std::unexpected(TextFault::too_long);
  return cleaned;
}

size_t CommentText::graphemes(std::string_view text) { return icu_->count(of_utf8(text)); }

std::string folded(std::string_view text) {
  const icu::UnicodeString apart =
      normalized(normalizer(icu::Normalizer2::getNFDInstance),
                 normalized(normalizer(icu::Normalizer2::getNFKCCasefoldInstance), of_utf8(text)));
  icu::UnicodeString kept;
  for (int32_t at = 0; at < apart.length(); at = apart.moveIndex32(at, 1)) {
    const UChar32 c = apart.char32At(at);
    if (u_charType(c) != U_NON_SPACING_MARK && u_charType(c) != U_ENCLOSING_MARK) kept.append(c);
  }
  return utf8_of(kept);
}

}  // namespace klieg::audience
