#include "studio/notice_records.h"

#include <gtest/gtest.h>

#include <set>

#include "studio/broadcast_records.h"
#include "studio/follow_records.h"
#include "studio/key_records.h"
#include "studio/records_test.h"
#include "studio/web_push.h"

namespace klieg::studio {
namespace {

class NoticeRecords : public Records {
 protected:
  NoticeRecords() { EXPECT_DONE(follow(*database, anna, ben, start)); }
  Notice live(int64_t account, WallTime at) {
    const auto key = make_key(*database, account, "x", at);
    EXPECT_DONE(key);
    const auto started = start_broadcast(*database, account, (*key)->id, at);
    EXPECT_DONE(started);
    EXPECT_TRUE(started->begins);
    return {.broadcast = started->broadcast.id, .account = account, .started = *started->broadcast.started};
  }
  std::vector<int64_t> heard(const NoticeCursor& after = {}) {
    std::vector<int64_t> ids;
    const auto notices = list_notices(*database, anna, after);
    EXPECT_DONE(notices);
    for (const HeardNotice& one : *notices) ids.push_back(one.notice.broadcast);
    return ids;
  }
  PushSubscription browser(const std::string& name) {
    return {"https://push.example/" + name, P256Key::make().point(),
            Bytes::copy_of(std::string(push_secret_size, 's'))};
  }
};
INSTANTIATE_ON_BOTH_ENGINES(NoticeRecords);

TEST_P(NoticeRecords, are_the_public_broadcasts_of_whom_one_follows_the_newest_first) {
  const int64_t carol = person("carol");
  ASSERT_DONE(follow(*database, anna, carol, start));
  const Notice first = live(ben, start), second = live(carol, start + 1s);
  live(anna, start + 2s);
  EXPECT_EQ(heard(), (std::vector{second.broadcast, first.broadcast}));
  EXPECT_EQ(heard(cursor_of(first)), std::vector{second.broadcast});
  EXPECT_TRUE(heard(cursor_of(second)).empty());
  EXPECT_EQ(NoticeCursor::parse(cursor_of(second).text()), cursor_of(second));
  for (const char* none : {"", "1", "-", "1-", "-1-1", "1--1", "a-b", "99999999999999999-1"}) {
    EXPECT_FALSE(NoticeCursor::parse(none)) << none;
  }
  ASSERT_DONE(database->run("UPDATE broadcasts SET visibility = 'private' WHERE id = $1", {second.broadcast}));
  EXPECT_EQ(heard(), std::vector{first.broadcast});
  ASSERT_DONE(unfollow(*database, anna, ben));
  EXPECT_TRUE(heard().empty());
}

TEST_P(NoticeRecords, are_seen_up_to_a_time_that_only_grows) {
  EXPECT_EQ(seen_until(*database, anna), WallTime());
  ASSERT_DONE(mark_seen(*database, anna, start + 5s));
  ASSERT_DONE(mark_seen(*database, anna, start));
  EXPECT_EQ(seen_until(*database, anna), start + 5s);
  EXPECT_EQ(seen_until(*database, ben), WallTime());
}

TEST_P(NoticeRecords, begin_once_however_often_it_is_said) {
  const Notice notice = live(ben, start);
  const auto again = start_broadcast(*database, ben, 1, start + 1s);
  ASSERT_DONE(again);
  EXPECT_EQ(again->broadcast.id, notice.broadcast);
  EXPECT_FALSE(again->begins);
}

TEST_P(NoticeRecords, who_drops_and_comes_back_is_told_of_once) {
  const Notice first = live(ben, start);
  EXPECT_EQ(is_noticed(*database, first), true);
  const Notice second = live(ben, start + noticed_again_after - 1s);
  EXPECT_EQ(is_noticed(*database, second), false);
  EXPECT_EQ(is_noticed(*database, first), true) << "which is still being told";
  const Notice third = live(ben, start + 3 * noticed_again_after);
  EXPECT_EQ(is_noticed(*database, third), true);
}

TEST_P(NoticeRecords, of_a_browser_belong_to_who_logged_in_last_and_twenty_are_kept) {
  ASSERT_DONE(put_push_subscription(*database, ben, browser("shared"), start));
  ASSERT_DONE(put_push_subscription(*database, anna, browser("shared"), start));
  EXPECT_EQ(count("SELECT count(*) FROM push_subscriptions WHERE account = 1"), 1);
  EXPECT_EQ(count("SELECT count(*) FROM push_subscriptions"), 1);
  for (size_t i = 0; i < push_subscriptions_max; ++i) {
    ASSERT_DONE(put_push_subscription(*database, anna, browser(std::to_string(i)), start + std::chrono::seconds(i)));
  }
  EXPECT_EQ(count("SELECT count(*) FROM push_subscriptions"), static_cast<int64_t>(push_subscriptions_max));
  EXPECT_EQ(count("SELECT count(*) FROM push_subscriptions WHERE endpoint LIKE '%shared'"), 0) << "the oldest went";
  ASSERT_DONE(remove_push_subscription(*database, ben, "https://push.example/3"));
  EXPECT_EQ(count("SELECT count(*) FROM push_subscriptions WHERE endpoint LIKE '%/3'"), 1) << "another's stays";
  ASSERT_DONE(remove_push_subscription(*database, anna, "https://push.example/3"));
  EXPECT_EQ(count("SELECT count(*) FROM push_subscriptions WHERE endpoint LIKE '%/3'"), 0);
}

TEST_P(NoticeRecords, reach_every_receiver_of_followers_page_by_page_each_once) {
  std::set<std::string> expected, told;
  for (int i = 0; i < 5; ++i) {
    const int64_t follower = person("f" + std::to_string(i));
    ASSERT_DONE(follow(*database, follower, ben, start));
    for (int k = 0; k < i; ++k) {
      const std::string name = std::to_string(i) + "-" + std::to_string(k);
      ASSERT_DONE(put_push_subscription(*database, follower, browser(name), start));
      expected.insert("https://push.example/" + name);
    }
  }
  ASSERT_DONE(put_push_subscription(*database, ben, browser("own"), start));
  ReceiverCursor after;
  for (int page = 0; page < 20; ++page) {
    const auto found = list_receivers(*database, Way::push, ben, after, 3);
    ASSERT_DONE(found);
    for (const Delivery& delivery : found->deliveries) EXPECT_TRUE(told.insert(delivery.url).second) << delivery.url;
    if (found->deliveries.size() < 3) break;
    after = found->last;
  }
  EXPECT_EQ(told, expected);
}

TEST_P(NoticeRecords, go_to_webhooks_of_followers_and_to_ones_own) {
  const auto bens = make_webhook(*database, ben, "https://ben.example/", start);
  const auto annas = make_webhook(*database, anna, "https://anna.example/", start);
  const auto carols = make_webhook(*database, person("carol"), "https://carol.example/", start);
  for (const auto& made_it : {bens, annas, carols}) ASSERT_TRUE(made_it && *made_it);
  const auto urls = [&] {
    std::vector<std::string> all;
    for (const Delivery& one : list_receivers(*database, Way::webhook, ben, {}, 10)->deliveries) all.push_back(one.url);
    return all;
  };
  EXPECT_EQ(urls(), (std::vector<std::string>{"https://ben.example/", "https://anna.example/"}));
  const auto paged = list_receivers(*database, Way::webhook, ben, {}, 1);
  EXPECT_EQ(list_receivers(*database, Way::webhook, ben, paged->last, 1)->deliveries[0].url, "https://anna.example/");

  for (int64_t i = 1; i < failures_max; ++i) {
    ASSERT_DONE(note_fate(*database, Way::webhook, (*annas)->id, Fate::given_up, start));
  }
  EXPECT_EQ(urls().size(), 2u);
  ASSERT_DONE(note_fate(*database, Way::webhook, (*annas)->id, Fate::delivered, start));
  EXPECT_EQ((*list_webhooks(*database, anna))[0].failures, 0);
  for (int64_t i = 0; i < failures_max; ++i) {
    ASSERT_DONE(note_fate(*database, Way::webhook, (*annas)->id, Fate::refused, start + 7s));
  }
  EXPECT_EQ(urls(), std::vector<std::string>{"https://ben.example/"});
  EXPECT_EQ((*list_webhooks(*database, anna))[0].disabled, start + 7s);
  EXPECT_EQ(remove_webhook(*database, ben, (*annas)->id), Removed::not_there);
  EXPECT_EQ(remove_webhook(*database, anna, (*annas)->id), Removed::yes);
  for (size_t i = 0; i < webhooks_max; ++i) EXPECT_TRUE(*make_webhook(*database, anna, "https://a.example/", start));
  EXPECT_FALSE(*make_webhook(*database, anna, "https://a.example/", start));
}

TEST_P(NoticeRecords, a_browser_that_is_gone_or_failed_too_often_is_forgotten) {
  ASSERT_DONE(put_push_subscription(*database, anna, browser("one"), start));
  ASSERT_DONE(put_push_subscription(*database, anna, browser("two"), start));
  const auto page = list_receivers(*database, Way::push, ben, {}, 10);
  ASSERT_EQ(page->deliveries.size(), 2u);
  EXPECT_EQ(page->deliveries[0].point.size(), p256_point_size);
  EXPECT_EQ(page->deliveries[0].secret.size(), push_secret_size);
  ASSERT_DONE(note_fate(*database, Way::push, page->deliveries[0].id, Fate::gone, start));
  EXPECT_EQ(count("SELECT count(*) FROM push_subscriptions"), 1);
  for (int64_t i = 0; i < failures_max; ++i) {
    EXPECT_EQ(count("SELECT count(*) FROM push_subscriptions"), 1);
    ASSERT_DONE(note_fate(*database, Way::push, page->deliveries[1].id, Fate::given_up, start));
  }
  EXPECT_EQ(count("SELECT count(*) FROM push_subscriptions"), 0);
}

TEST_P(NoticeRecords, are_signed_with_one_key_by_all_nodes) {
  const Bytes first = P256Key::make().scalar(), second = P256Key::make().scalar();
  EXPECT_EQ(server_key(*database, "vapid", first, start), first);
  EXPECT_EQ(server_key(*database, "vapid", second, start), first);
}

}  // namespace
}  // namespace klieg::studio
