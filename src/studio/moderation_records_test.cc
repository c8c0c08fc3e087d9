#include "studio/moderation_records.h"

#include "studio/audit_records.h"
#include "studio/follow_records.h"
#include "studio/records_test.h"

namespace klieg::studio {
namespace {

using media::Standing;

class ModerationRecords : public Records {
 protected:
  Standing standing(int64_t account) {
    const auto found = standing_in_rooms(*database, "anna", account);
    EXPECT_DONE(found);
    return found.value_or(Standing::stranger);
  }
  std::vector<media::PersonBarred> barred(WallTime now = start) {
    const auto found = people_of_rooms(*database, "anna", now);
    EXPECT_DONE(found);
    return found.value_or(RoomPeople()).barred;
  }
  std::vector<media::AccountId> moderators() {
    const auto found = people_of_rooms(*database, "anna", start);
    EXPECT_DONE(found);
    return found.value_or(RoomPeople()).moderators;
  }
  static media::AccountId id_of(int64_t account) { return media::AccountId{static_cast<uint64_t>(account)}; }
};
INSTANTIATE_ON_BOTH_ENGINES(ModerationRecords);

TEST_P(ModerationRecords, a_moderator_is_one_until_he_is_dismissed_in_his_hosts_rooms_alone) {
  EXPECT_EQ(appoint_moderator(*database, anna, ben, start), Appointed::yes);
  EXPECT_EQ(appoint_moderator(*database, anna, ben, start), Appointed::yes);
  EXPECT_EQ(standing(ben), Standing::moderator);
  EXPECT_EQ(standing_in_rooms(*database, "ben", anna), Standing::stranger);
  const auto all = list_moderators(*database, anna);
  ASSERT_DONE(all);
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ(all->front().name, "ben");
  EXPECT_EQ(moderators(), std::vector{id_of(ben)});
  ASSERT_DONE(dismiss_moderator(*database, anna, ben, start));
  EXPECT_EQ(standing(ben), Standing::stranger);
  EXPECT_TRUE(moderators().empty());
  EXPECT_EQ(appoint_moderator(*database, anna, anna, start), Appointed::not_there);
  EXPECT_EQ(appoint_moderator(*database, anna, 4711, start), Appointed::not_there);
}

TEST_P(ModerationRecords, a_host_has_so_many_moderators_at_most) {
  for (size_t i = 0; i < moderators_max; ++i) {
    ASSERT_EQ(appoint_moderator(*database, anna, person("m" + std::to_string(i)), start), Appointed::yes);
  }
  EXPECT_EQ(appoint_moderator(*database, anna, ben, start), Appointed::too_many);
}

TEST_P(ModerationRecords, who_follows_stands_as_a_follower) {
  ASSERT_DONE(follow(*database, ben, anna, start));
  EXPECT_EQ(standing(ben), Standing::follower);
  EXPECT_EQ(standing_in_rooms(*database, "nobody", ben), Standing::stranger);
}

TEST_P(ModerationRecords, who_somebody_is_in_a_room_follows_from_whose_channel_it_is) {
  ASSERT_DONE(follow(*database, ben, anna, start));
  const auto in_room = [&](int64_t id, const std::string& name, Role role, const std::string& channel,
                           ChannelOf whose) {
    Account account;
    account.id = id;
    account.name = name;
    account.role = role;
    const auto found = person_in_room(*database, account, channel, whose);
    EXPECT_DONE(found);
    return found.value_or(media::Person());
  };
  using enum ChannelOf;
  EXPECT_EQ(in_room(ben, "ben", Role::person, "anna", account), (media::Person{id_of(ben), "ben", Standing::follower}));
  EXPECT_EQ(in_room(anna, "anna", Role::person, "anna", account).standing, Standing::broadcaster);
  EXPECT_EQ(in_room(ben, "ben", Role::operator_, "anna", account).standing, Standing::follower);
  EXPECT_EQ(in_room(ben, "ben", Role::operator_, "radio", server).standing, Standing::broadcaster);
  EXPECT_EQ(in_room(ben, "ben", Role::person, "radio", server).standing, Standing::stranger);

  // While nobody can be asked, too.
  Account host;
  host.id = anna;
  host.name = "anna";
  EXPECT_EQ(person_before_records(host, "anna", account).standing, Standing::broadcaster);
  EXPECT_EQ(person_before_records(host, "ben", account), (media::Person{id_of(anna), "anna", Standing::stranger}));
}

TEST_P(ModerationRecords, a_ban_lasts_until_it_is_lifted_or_its_time_is_up) {
  const int64_t cyd = person("cyd");
  EXPECT_EQ(appoint_moderator(*database, anna, ben, start), Appointed::yes);
  EXPECT_EQ(ban(*database, anna, ben, anna, "spam", std::nullopt, start), Banned::yes);
  EXPECT_EQ(ban(*database, anna, cyd, ben, "", start + 60s, start + 1s), Banned::yes);
  EXPECT_EQ(standing(ben), Standing::stranger) << "who is banned keeps no order";
  EXPECT_EQ(appoint_moderator(*database, anna, ben, start), Appointed::not_there);
  EXPECT_EQ(barred(), (std::vector<media::PersonBarred>{{id_of(cyd), start + 60s}, {id_of(ben), WallTime::max()}}));
  EXPECT_EQ(barred(start + 61s).size(), 1u);
  const auto bans = list_bans(*database, anna, 0, 100, start);
  ASSERT_DONE(bans);
  ASSERT_EQ(bans->size(), 2u);
  EXPECT_EQ(bans->front().account.name, "ben");
  EXPECT_EQ(bans->front().reason, "spam");
  EXPECT_EQ(bans->back().until, start + 60s);
  ASSERT_DONE(unban(*database, anna, ben, start));
  EXPECT_EQ(barred().size(), 1u);
  EXPECT_EQ(ban(*database, anna, anna, anna, "", std::nullopt, start), Banned::not_there);
}

TEST_P(ModerationRecords, who_is_blocked_takes_no_part) {
  ASSERT_DONE(block(*database, anna, ben, start));
  EXPECT_EQ(barred(), (std::vector<media::PersonBarred>{{id_of(ben), WallTime::max()}}));
  ASSERT_DONE(unblock(*database, anna, ben));
  EXPECT_TRUE(barred().empty());
}

TEST_P(ModerationRecords, what_the_host_decides_is_in_the_audit_log_once) {
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(appoint_moderator(*database, anna, ben, start), Appointed::yes);
  }
  for (int i = 0; i < 2; ++i) ASSERT_DONE(dismiss_moderator(*database, anna, ben, start));
  EXPECT_EQ(ban(*database, anna, ben, anna, "spam", std::nullopt, start), Banned::yes);
  for (int i = 0; i < 2; ++i) ASSERT_DONE(unban(*database, anna, ben, start));
  const auto log = list_deeds(*database, anna, 0, 100);
  ASSERT_DONE(log);
  std::vector<std::string> actions;
  for (const KeptDeed& deed : *log) {
    actions.push_back(deed.action);
    EXPECT_EQ(deed.detail, "@ben");
    EXPECT_EQ(deed.subject_name, "anna");
  }
  EXPECT_EQ(actions,
            (std::vector<std::string>{"room ban lifted", "room ban", "moderator dismissed", "moderator appointed"}));
}

TEST_P(ModerationRecords, what_is_done_in_a_room_lasts_and_is_in_the_audit_log) {
  const media::Person host{id_of(anna), "Anna", Standing::broadcaster};
  const media::AccountId guest{media::guest_id_min + 5};
  const std::vector<media::Audited> deeds{{host, media::Bar{id_of(ben), 600s}, start},
                                          {host, media::Bar{guest, Duration::max()}, start},
                                          {host, media::DeleteComment{12}, start}};
  ASSERT_DONE(write_moderation(*database, "anna", deeds, start));
  EXPECT_EQ(barred(), (std::vector<media::PersonBarred>{{id_of(ben), start + 600s}})) << "a guest has no account";
  const auto log = list_deeds(*database, anna, 0, 100);
  ASSERT_DONE(log);
  ASSERT_EQ(log->size(), 3u);
  EXPECT_EQ(log->front().action, "room comment deleted");
  EXPECT_EQ(log->front().actor, anna);
  EXPECT_EQ(log->back().action, "room time-out");
  EXPECT_EQ(log->back().detail, "@ben for 600 s");
  EXPECT_EQ((*log)[1].detail, "a guest");
  EXPECT_EQ(log->back().actor_name, "anna");
  ASSERT_DONE(write_moderation(*database, "anna", {{host, media::Unbar{id_of(ben)}, start}}, start));
  EXPECT_TRUE(barred().empty());
  ASSERT_DONE(write_moderation(*database, "a channel without an account", deeds, start));
}

}  // namespace
}  // namespace klieg::studio
