#include "audience/comment_text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

namespace klieg::audience {
namespace {

std::string cleaned(std::string_view typed) {
  CommentText text;
  const auto result = text.clean(typed);
  return result ? *result : std::string("refused: ").append(words_of(result.error()));
}

std::string repeated(std::string_view what, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += what;
  return all;
}

TEST(CommentText, what_people_write_stays_as_it_is) {
  for (const char* typed :
       {"hello", "¿qué tal?", "こんにちは", "नमस्ते", "שָׁלוֹם", "العربية", "می‌خواهم",
        "👩‍👩‍👧‍👦 ❤️ 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🇨🇭", "1️⃣", "C# & <b> \"quoted\"", "việt"}) {
    EXPECT_EQ(cleaned(typed), typed);
  }
}

TEST(CommentText, two_hundred_characters_are_counted_as_readers_count_them) {
  for (const char* one :
       {"a", "é", "e\u0301", "👩‍👩‍👧‍👦", "🇨🇭", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "ก็"}) {
    CommentText text;
    EXPECT_TRUE(text.clean(repeated(one, 200))) << one;
    const auto refused = text.clean(repeated(one, 201));
    ASSERT_FALSE(refused) << one;
    EXPECT_EQ(refused.error(), TextFault::too_long);
  }
}

TEST(CommentText, what_would_turn_round_or_hide_its_neighbours_is_taken_out) {
  EXPECT_EQ(cleaned("a\u202Eb\u202Cc"), "abc");              // override
  EXPECT_EQ(cleaned("\u2066x\u2069 \u202Ay\u202B"), "x y");  // isolates, embeddings
  EXPECT_EQ(cleaned("a\u200Bb\uFEFFc\u00ADd"), "abcd");      // zero width, byte order mark, soft hyphen
  EXPECT_EQ(cleaned("be\u0007ll \u001B[31mred\u0085next"), "bell [31mred next");
  EXPECT_EQ(cleaned("private \uE000 unassigned \U000E0FFF"), "private unassigned");
  EXPECT_EQ(cleaned("tags \U000E0041\U000E0042 alone"), "tags alone");
}

TEST(CommentText, white_space_is_one_space) { EXPECT_EQ(cleaned("  a \t\r\n\r\n b\u2003\u3000c\u2028d  "), "a b c d"); }

TEST(CommentText, equal_text_becomes_equal_bytes) {
  EXPECT_EQ(cleaned("e\u0301"), "\u00E9");
  EXPECT_EQ(cleaned("\u1112\u1161\u11AB"), "\uD55C");
  EXPECT_EQ(cleaned("e\u202D\u0301"), "\u00E9");  // what is taken out does not keep them apart
}

TEST(CommentText, marks_do_not_climb) {
  CommentText text;
  const auto climbing = text.clean("Z" + repeated("\u0335", 40) + "algo");
  ASSERT_TRUE(climbing);
  EXPECT_EQ(*climbing, "Z" + repeated("\u0335", marks_max) + "algo");
  const auto hidden = text.clean("Z" + repeated("\u0335\u200D", 40));
  ASSERT_TRUE(hidden);
  EXPECT_EQ(*hidden, "Z" + repeated("\u0335\u200D", marks_max)) << "a joiner begins no letter";
}

TEST(CommentText, what_nobody_can_see_is_refused) {
  for (const char* typed : {"", "   ", "\u200B\u200D", "\u3164", "\u2800\u2800", "\u0301", "\uFE0F", "\u202E"}) {
    CommentText text;
    const auto result = text.clean(typed);
    ASSERT_FALSE(result) << typed;
    EXPECT_EQ(result.error(), TextFault::empty);
  }
}

TEST(CommentText, what_is_no_text_is_refused) {
  for (const char* typed : {"\xff", "a\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "cut \xe2\x82"}) {
    CommentText text;
    const auto result = text.clean(typed);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), TextFault::not_utf8);
  }
}

// Letters, marks, joiners, controls, emoji, jamo: in any order.
std::string any_text() {
  static const std::vector<std::string> pieces{
      "a",  "Z",      "e",      "é",      " ",      "\n",     "\u0301", "\u0335",
      "👩", "👧",     "\u200D", "\uFE0F", "\u202E", "\u200B", "🇨",      "🇭",
      "क",  "\u094D", "\u1112", "\u1161", "\u11AB", "\u0958", "🏴",     "\U000E0067",
      "𝅗𝅥", "\u2066", "\u05C1", "\u05E9", "\u3164", "\u2028", "\u0F73", "\U000E007F"};
  std::string text;
  for (const size_t index : *rc::gen::container<std::vector<size_t>>(rc::gen::inRange<size_t>(0, pieces.size()))) {
    text += pieces[index];
  }
  return text;
}

RC_GTEST_PROP(CommentText, what_was_cleaned_is_clean, ()) {
  CommentText text;
  const auto once = text.clean(any_text());
  if (!once) return;
  const auto twice = text.clean(*once);
  RC_ASSERT(twice.has_value());
  RC_ASSERT(*twice == *once);
  RC_ASSERT(text.graphemes(*once) <= comment_graphemes_max);
}

RC_GTEST_PROP(CommentText, any_bytes_are_text_or_refused, ()) {
  CommentText text;
  const auto result = text.clean(*rc::gen::arbitrary<std::string>());
  if (!result) return;
  RC_ASSERT(result->size() <= comment_graphemes_max * grapheme_bytes_max);
  for (const char letter : *result) RC_ASSERT(static_cast<uint8_t>(letter) >= 0x20 && letter != 0x7f);
}

TEST(CommentText, folded_is_what_a_reader_takes_for_the_same) {
  EXPECT_EQ(folded("Straße"), folded("STRASSE"));
  EXPECT_EQ(folded("Ｆｕｌｌ"), folded("full"));
  EXPECT_EQ(folded("nаïve"), folded("nа\u00ADive"));
  EXPECT_NE(folded("cat"), folded("dog"));
}

}  // namespace
}  // namespace klieg::audience
