#include "bus/subject.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace klieg::bus {
namespace {

TEST(Subject, is_of_words_with_dots_between_them) {
  for (const char* subject : {"load", "load.fra-1", "a.b.c_D.0"}) EXPECT_TRUE(is_subject(subject)) << subject;
  for (const char* none : {"", ".", ".a", "a.", "a..b", "a b", "a.*", ">", "a.\xC3\xA4", "a/b"}) {
    EXPECT_FALSE(is_subject(none)) << none;
  }
  EXPECT_TRUE(is_subject(std::string(subject_size_max, 'a')));
  EXPECT_FALSE(is_subject(std::string(subject_size_max + 1, 'a')));
}

TEST(Subject, a_pattern_may_leave_words_open) {
  for (const char* pattern : {"load", "*", "*.*", "load.*.x", ">", "load.>"})
    EXPECT_TRUE(is_pattern(pattern)) << pattern;
  for (const char* none : {"", "load.>.x", "lo*", "load.>>", ">."}) EXPECT_FALSE(is_pattern(none)) << none;
}

TEST(Subject, a_star_is_one_word_and_an_angle_one_or_more) {
  EXPECT_TRUE(matches("load.*", "load.a"));
  EXPECT_FALSE(matches("load.*", "load"));
  EXPECT_FALSE(matches("load.*", "load.a.b"));
  EXPECT_TRUE(matches("*.a", "load.a"));
  EXPECT_TRUE(matches("load.>", "load.a.b"));
  EXPECT_FALSE(matches("load.>", "load"));
  EXPECT_TRUE(matches(">", "load"));
  EXPECT_FALSE(matches("load.a", "load.ab"));
  EXPECT_FALSE(matches("load.a.b", "load.a"));
}

std::vector<std::string> any_words() {
  return *rc::gen::resize(5, rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(
                                 rc::gen::map(rc::gen::arbitrary<std::string>(), [](const std::string& text) {
                                   return as_word(std::string_view(text).substr(0, 10));
                                 }))));
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ".") + word;
  return text;
}

RC_GTEST_PROP(Subject, is_matched_by_itself_and_with_any_of_its_words_left_open, ()) {
  std::vector<std::string> words = any_words();
  const std::string subject = joined(words);
  RC_ASSERT(is_subject(subject) && matches(subject, subject));
  const size_t open = *rc::gen::inRange<size_t>(0, words.size());
  words[open] = "*";
  RC_ASSERT(is_pattern(joined(words)) && matches(joined(words), subject));
  words.resize(open + 1);
  words[open] = ">";
  RC_ASSERT(is_pattern(joined(words)) && matches(joined(words), subject));
}

RC_GTEST_PROP(Subject, any_text_becomes_a_word_of_its_own, (const std::string& a, const std::string& b)) {
  RC_PRE(a.size() < 80 && b.size() < 80);
  RC_ASSERT(is_subject(as_word(a)));
  RC_ASSERT((as_word(a) == as_word(b)) == (a == b));
}

TEST(Subject, a_name_stays_readable_where_it_can) {
  EXPECT_EQ(as_word("fra-1"), "fra-1");
  EXPECT_EQ(as_word("a.b_c"), "a_2Eb_5Fc");
  EXPECT_EQ(as_word(""), "_");
}

}  // namespace
}  // namespace klieg::bus
