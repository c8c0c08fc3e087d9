#include "push/admission.h"

#include <gtest/gtest.h>

namespace klieg::push {
namespace {

constexpr Duration narrow = 5ms, widest = 100ms;

TEST(Admission, the_first_so_many_get_in_and_who_leaves_makes_room) {
  Admission admission({.viewers_max = 2, .rule = AdmissionRule::first});
  Admission::Place first, second, third;
  EXPECT_EQ(admission.ask(Standing::stranger, widest, widest, first), AdmissionVerdict::admitted);
  EXPECT_EQ(admission.ask(Standing::stranger, widest, widest, second), AdmissionVerdict::admitted);
  EXPECT_EQ(admission.ask(Standing::stranger, narrow, widest, third), AdmissionVerdict::full);
  {
    const Admission::Place leaving = std::move(first);
  }
  EXPECT_EQ(admission.ask(Standing::stranger, narrow, widest, third), AdmissionVerdict::admitted);
}

TEST(Admission, everybody_gets_in_until_the_window_stands_at_its_widest) {
  Admission admission({});
  Admission::Place place;
  EXPECT_EQ(admission.ask(Standing::stranger, narrow, widest, place), AdmissionVerdict::admitted);
  EXPECT_EQ(admission.ask(Standing::stranger, widest, widest, place), AdmissionVerdict::no_headroom);
}

TEST(Admission, a_limit_of_nobody_lets_nobody_in) {
  for (const AdmissionRule rule : {AdmissionRule::first, AdmissionRule::headroom}) {
    Admission admission({.viewers_max = 0, .rule = rule});
    Admission::Place place;
    EXPECT_EQ(admission.ask(Standing::stranger, narrow, widest, place), AdmissionVerdict::full);
  }
}

TEST(Admission, strangers_leave_a_quarter_of_the_places_and_half_of_the_window_to_followers) {
  Admission admission({.viewers_max = 8, .rule = AdmissionRule::followers});
  Admission::Place places[8], place;
  EXPECT_EQ(admission.ask(Standing::stranger, widest / 2, widest, place), AdmissionVerdict::reserved);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(admission.ask(Standing::stranger, narrow, widest, places[i]), AdmissionVerdict::admitted) << i;
  }
  EXPECT_EQ(admission.ask(Standing::stranger, narrow, widest, place), AdmissionVerdict::reserved);
  for (int i = 6; i < 8; ++i) {
    EXPECT_EQ(admission.ask(Standing::follower, widest / 2, widest, places[i]), AdmissionVerdict::admitted) << i;
  }
  EXPECT_EQ(admission.ask(Standing::follower, widest, widest, place), AdmissionVerdict::no_headroom);
  EXPECT_EQ(admission.ask(Standing::follower, narrow, widest, place), AdmissionVerdict::full);
  EXPECT_EQ(admission.ask(Standing::stranger, narrow, widest, place), AdmissionVerdict::full);
}

}  // namespace
}  // namespace klieg::push
