// What somebody typed becomes text that may be shown to everybody, or a refusal that says why not.
//
//   taken out    control characters; bidirectional embeddings, overrides and isolates (UAX #9: they reach beyond the
//                comment and turn round what stands beside it); whatever draws nothing and has no part in a visible
//                character; private and unassigned characters
//   one space    for every run of white space and line ends; none at the ends
//   NFC          so that equal text is equal bytes
//   marks        at most marks_max on one letter: more climb over the lines above
//   counted      in extended grapheme clusters (UAX #29), what a reader takes for one character: a flag, a family and
//                an accented letter are one each
//
// What was cleaned is left as it is when it is cleaned again.
//
// ICU knows the characters; no other folder includes it. Thread: one loop's; it holds a break iterator, which is costly
// to make and cheap to use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace klieg::audience {

constexpr size_t comment_graphemes_max = 200;
constexpr size_t name_graphemes_max = 40;
constexpr size_t question_graphemes_max = 140;
constexpr size_t option_graphemes_max = 60;

// No orthography puts more on one letter than Hebrew with points and cantillation.
constexpr size_t marks_max = 4;
// UTF-8 of a grapheme cluster, on the average of a whole text: a letter with four marks has 10, a family of four 25.
constexpr size_t grapheme_bytes_max = 28;

enum class TextFault : uint8_t {
  empty,     // nothing is left that anybody could see
  too_long,  // more grapheme clusters, or bytes, than allowed
  not_utf8,
};
std::string_view words_of(TextFault fault);  // for who typed it

class CommentText {
 public:
  CommentText();
  ~CommentText();
  CommentText(const CommentText&) = delete;
  CommentText& operator=(const CommentText&) = delete;

  // At most `graphemes_max` of them. Never reads more than graphemes_max * grapheme_bytes_max bytes.
  std::expected<std::string, TextFault> clean(std::string_view typed, size_t graphemes_max = comment_graphemes_max);

  // Of clean text.
  size_t graphemes(std::string_view text);

 private:
  struct Icu;
  std::unique_ptr<Icu> icu_;
};

// What two texts have in common that a reader takes for the same word: without case, width, accents and invisible
// characters (NFKC_Casefold of UAX #31, marks left out). For comparing, never for showing.
std::string folded(std::string_view text);

}  // namespace klieg::audience
