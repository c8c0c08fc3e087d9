#include "push/admission.h"

#include <gtest/gtest.h>

namespace klieg::push {
namespace {

constexpr Duration narrow = 5ms, widest = 100ms;

TEST(Admission, the_first_so_many_get_in_and_who_leaves_makes_room) {
  Admission admission({.viewers_max = 2, .rule = AdmissionRule::first});
  Admission::Place first, second, third;
  EXPECT_EQ(admission.ask(widest, widest, first), AdmissionVerdict::admitted);
  EXPECT_EQ(admission.ask(widest, widest, second), AdmissionVerdict::admitted);
  EXPECT_EQ(admission.ask(narrow, widest, third), AdmissionVerdict::full);
  {
    const Admission::Place leaving = std::move(first);
  }
  EXPECT_EQ(admission.ask(narrow, widest, third), AdmissionVerdict::admitted);
}

TEST(Admission, everybody_gets_in_until_the_window_stands_at_its_widest) {
  Admission admission({});
  Admission::Place place;
  EXPECT_EQ(admission.ask(narrow, widest, place), AdmissionVerdict::admitted);
  EXPECT_EQ(admission.ask(widest, widest, place), AdmissionVerdict::no_headroom);
}

TEST(Admission, a_limit_of_nobody_lets_nobody_in) {
  for (const AdmissionRule rule : {AdmissionRule::first, AdmissionRule::headroom}) {
    Admission admission({.viewers_max = 0, .rule = rule});
    Admission::Place place;
    EXPECT_EQ(admission.ask(narrow, widest, place), AdmissionVerdict::full);
  }
}

}  // namespace
}  // namespace klieg::push
