#include "audience/gallery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "audience/made_up_journal.h"
#include "audience/room.h"
#include "audience/room_log.h"

namespace klieg::audience {
namespace {

using media::AccountId;
using media::Standing;
using nlohmann::json;
using wire::room::Hearer;

const std::string topic = "/live/ada/x7f.1/room";
const media::Person cyd{AccountId{3}, "Cyd", Standing::moderator};

media::Person person(uint64_t account) { return {AccountId{account}, "n" + std::to_string(account), {}}; }

// A home and some nodes, joined by nothing but what would go over the wire.
struct World {
  struct Node final : media::PushSink {
    Node(World& world, const std::string& name, const GallerySettings& settings)
        : now(world.clock), gallery(name, 1, std::hash<std::string>()(name), settings) {
      subscription = world.log.subscribe(topic, *this);
      gallery.connected();
    }
    void on_push(media::PushRecord record) override {
      if (std::holds_alternative<media::ObjectBegun>(record)) gallery.begin_object();
      if (const auto* grew = std::get_if<media::ObjectGrew>(&record)) {
        EXPECT_TRUE(gallery.hear(grew->content.view(), now));
      }
    }
    void on_topic_end(media::TopicEnd) override {}

    const LoopTime& now;
    Gallery gallery;
    std::unique_ptr<media::Subscription> subscription;
  };

  explicit World(const GallerySettings& settings = {}, size_t count = 2) {
    for (size_t i = 0; i < count; ++i) {
      nodes.push_back(std::make_unique<Node>(*this, std::string(1, static_cast<char>('a' + i)), settings));
    }
    run(1s);
  }

  void run(Duration duration) {
    for (const LoopTime until = clock + duration; clock < until; clock += 250ms) {
      const Now now{clock, WallTime(clock.time_since_epoch())};
      room.stamp(MediaTime(clock - start), now);
      for (const auto& node : nodes) {
        for (const media::Batch& batch : node->gallery.to_send(clock)) {
          std::vector<media::Batch> heard;
          EXPECT_TRUE(wire::room::BatchReader().feed(wire::room::record_of(batch), heard));
          EXPECT_EQ(room.take(heard.at(0), now), Taken::taken);
        }
      }
      room.safe_up_to(journal.entries.size());
      room.wake(now);
      room.safe_up_to(journal.entries.size());
      log.append(room.take_events(), clock);
      const auto desk = room.take_desk_events();
      for (const media::BatchAnswer& answer : room.take_answers()) {
        for (const auto& node : nodes) node->gallery.hear(answer);
      }
      for (const auto& node : nodes) {
        for (const media::RoomEvent& event : desk) node->gallery.hear_desk(event);
        node->gallery.turn(clock);
      }
    }
  }
  MediaTime newest() const { return MediaTime(clock - start); }

  const LoopTime start = LoopTime(1000s);
  LoopTime clock = start + 600s;
  MadeUpJournal journal;
  Room room{{}, journal};
  RoomLog log{topic};
  std::vector<std::unique_ptr<Node>> nodes;
};

struct Viewer {
  Viewer(World& world, size_t node, media::Person who, Duration behind)
      : world(world), behind(behind), seat(world.nodes[node]->gallery, std::move(who)) {}

  void say(json message) {
    message["at"] = to_ms((world.newest() - behind).time_since_epoch());
    EXPECT_TRUE(seat.hear(message.dump(), world.clock));
  }
  // What he has heard since, as objects.
  std::vector<json> heard() {
    std::vector<json> all;
    while (seat.due()) {
      std::vector<Bytes> pieces;
      seat.next(pieces);
      for (const Bytes& frame : pieces) {
        const size_t head = frame[1] < 126 ? 2 : frame[1] == 126 ? 4 : 10;
        for (const json& one : json::parse(frame.text().substr(head))) all.push_back(one);
      }
    }
    return all;
  }
  std::vector<json> heard(const std::string& type) {
    std::vector<json> all = heard();
    std::erase_if(all, [&](const json& one) { return one.at("type") != type; });
    return all;
  }

  World& world;
  Duration behind;
  Seat seat;
};

TEST(Gallery, a_comment_reaches_everybody_on_every_node_with_the_moment_its_author_saw) {
  World world;
  Viewer ada(world, 0, person(1), 11s), ben(world, 1, person(2), 300ms);
  ben.heard();
  ada.say({{"type", "comment"}, {"ref", 7}, {"text", "hello"}});
  const auto at = to_ms((world.newest() - 11s).time_since_epoch());
  world.run(1s);
  const auto comments = ben.heard("comment");
  ASSERT_EQ(comments.size(), 1u);
  EXPECT_EQ(comments[0].at("text"), "hello");
  EXPECT_EQ(comments[0].at("at"), at);
  const auto done = ada.heard("done");
  ASSERT_EQ(done.size(), 1u);
  EXPECT_EQ(done[0].at("ref"), 7);
  EXPECT_EQ(done[0].at("id"), comments[0].at("id"));
}

TEST(Gallery, who_joins_late_is_told_how_things_are) {
  World world;
  {
    Viewer ada(world, 0, person(1), 1s);
    ada.say({{"type", "comment"}, {"ref", 1}, {"text", "early"}});
    world.run(1s);
  }
  Viewer late(world, 1, person(2), 1s);
  EXPECT_EQ(late.heard("comment").size(), 1u);
}

TEST(Gallery, tells_each_viewer_once_who_he_is_taken_for) {
  World world;
  Viewer ada(world, 0, person(1), 1s);
  Viewer nobody(world, 0, media::Person{}, 1s);
  const auto you = ada.heard("you");
  ASSERT_EQ(you.size(), 1u);
  EXPECT_EQ(you[0].at("account"), 1);
  EXPECT_EQ(nobody.heard("you").at(0).at("account"), 0);
  world.run(1s);
  EXPECT_EQ(ada.heard("you").size(), 0u);
}

TEST(Gallery, a_guest_speaks_and_has_no_vote) {
  World world;
  Viewer host(world, 0, cyd, 1s);
  Viewer guest(world, 1, {media::AccountId{media::guest_id_min + 7}, "guest 0007"}, 1s);
  guest.say({{"type", "comment"}, {"ref", 1}, {"text", "hello"}});
  world.run(1s);
  EXPECT_EQ(guest.heard("done").size(), 1u);
  EXPECT_EQ(host.heard("comment").at(0).at("by").at("name"), "guest 0007");
  host.say({{"type", "open_poll"}, {"ref", 1}, {"question", "Tea?"}, {"options", {"yes", "no"}}, {"seconds", 60}});
  world.run(3s);
  const auto poll = guest.heard("poll").at(0);
  guest.say({{"type", "vote"}, {"ref", 2}, {"poll", poll.at("id")}, {"option", 0}});
  world.run(1s);
  EXPECT_EQ(guest.heard("refused").at(0).at("why"), "nameless");
}

TEST(Gallery, one_frame_is_built_for_any_number_of_viewers) {
  World world;
  std::vector<std::unique_ptr<Viewer>> viewers;
  for (uint64_t i = 1; i <= 50; ++i) viewers.push_back(std::make_unique<Viewer>(world, 0, person(i), 1s));
  std::vector<Bytes> opening;
  for (const auto& viewer : viewers) viewer->seat.next(opening);
  viewers[0]->say({{"type", "comment"}, {"ref", 1}, {"text", "hello"}});
  world.run(500ms);
  std::vector<Bytes> first, second;
  viewers[1]->seat.next(first);
  viewers[2]->seat.next(second);
  ASSERT_FALSE(first.empty());
  EXPECT_EQ(first[0].data(), second[0].data());
}

TEST(Gallery, hearts_of_one_flash_lie_at_the_flash_whatever_each_viewers_delay) {
  World world;
  const MediaTime flash = world.newest() + 2s;
  std::vector<std::unique_ptr<Viewer>> viewers;
  for (uint64_t i = 0; i < 60; ++i) {
    viewers.push_back(
        std::make_unique<Viewer>(world, i % 2, media::Person{}, std::array<Duration, 3>{300ms, 1300ms, 11s}[i % 3]));
  }
  std::vector<bool> tapped(viewers.size());
  for (int turn = 0; turn < 80; ++turn) {
    for (size_t i = 0; i < viewers.size(); ++i) {
      const MediaTime screen = world.newest() - viewers[i]->behind;
      if (tapped[i] || screen < flash) continue;
      viewers[i]->say({{"type", "hearts"}, {"count", 2}});  // up to a turn after the flash
      tapped[i] = true;
    }
    world.run(250ms);
  }
  EXPECT_EQ(world.room.hearts().total(), 120u);
  EXPECT_GE(world.room.hearts().count(flash - 200ms, flash + 300ms), 114u);
}

TEST(Gallery, a_poll_is_open_on_each_viewers_own_screen_and_loses_no_vote) {
  World world;
  Viewer moderator(world, 0, cyd, 300ms);
  moderator.say({{"type", "open_poll"}, {"ref", 1}, {"question", "?"}, {"options", {"a", "b"}}, {"seconds", 20}});
  world.run(500ms);
  std::vector<std::unique_ptr<Viewer>> viewers;
  for (uint64_t i = 0; i < 30; ++i) {
    viewers.push_back(
        std::make_unique<Viewer>(world, i % 2, person(100 + i), std::array<Duration, 3>{300ms, 1300ms, 11s}[i % 3]));
  }
  viewers[1]->heard();
  const json vote{{"type", "vote"}, {"ref", 5}, {"poll", 1}, {"option", 1}};
  viewers[2]->say(vote);  // eleven seconds behind: his screen does not show it yet
  EXPECT_EQ(viewers[2]->heard("refused").at(0).at("why"), "not_open");
  const media::Poll poll = *world.nodes[0]->gallery.state().poll(1);
  std::vector<bool> voted(viewers.size());
  for (int turn = 0; turn < 140; ++turn) {
    for (size_t i = 0; i < viewers.size(); ++i) {
      // In the last moment of the poll on his screen, which for some is long after it closed at home.
      const MediaTime screen = world.newest() - viewers[i]->behind;
      if (voted[i] || screen < poll.closes - 500ms) continue;
      viewers[i]->say(vote);
      voted[i] = true;
    }
    world.run(250ms);
  }
  viewers[0]->say(vote);
  EXPECT_EQ(viewers[0]->heard("refused").at(0).at("why"), "not_open") << "on his screen it has closed";
  world.run(Polls::wait_after_close);
  const auto counts = viewers[1]->heard("votes");
  ASSERT_FALSE(counts.empty());
  EXPECT_EQ(counts.back(), json::parse(R"({"type":"votes","poll":1,"votes":[0,30],"final":true})"));
  for (size_t i = 1; i < viewers.size(); ++i) EXPECT_EQ(voted[i], true);
}

TEST(Gallery, one_account_has_one_vote_by_two_windows_and_two_nodes) {
  World world;
  Viewer moderator(world, 0, cyd, 300ms);
  moderator.say({{"type", "open_poll"}, {"ref", 1}, {"question", "?"}, {"options", {"a", "b"}}, {"seconds", 20}});
  world.run(2s);
  Viewer first(world, 0, person(5), 300ms), second(world, 0, person(5), 300ms), third(world, 1, person(5), 300ms);
  const json vote{{"type", "vote"}, {"ref", 5}, {"poll", 1}, {"option", 0}};
  for (Viewer* viewer : {&first, &second, &third}) viewer->say(vote);
  world.run(1s);
  EXPECT_EQ(first.heard("done").size(), 1u);
  EXPECT_EQ(second.heard("refused").at(0).at("why"), "voted");
  EXPECT_EQ(third.heard("refused").at(0).at("why"), "voted");
}

TEST(Gallery, in_a_flood_viewers_have_a_sample_authors_their_own_and_moderators_all) {
  World world({.sample = {.per_second_max = 4, .burst_max = 4}});
  Viewer moderator(world, 0, cyd, 1s), reader(world, 0, person(9), 1s);
  moderator.heard();
  reader.heard();
  std::vector<std::unique_ptr<Viewer>> crowd;
  for (uint64_t i = 0; i < 40; ++i) crowd.push_back(std::make_unique<Viewer>(world, i % 2, person(100 + i), 1s));
  for (const auto& viewer : crowd) viewer->say({{"type", "comment"}, {"ref", 1}, {"text", "me"}});
  world.run(1s);
  EXPECT_EQ(moderator.heard("comment").size(), 40u);
  EXPECT_LE(reader.heard("comment").size(), 8u);
  for (const auto& viewer : crowd) EXPECT_EQ(viewer->heard("done").size(), 1u);
  EXPECT_GT(world.nodes[0]->gallery.comments_left_out(), 0u);
}

TEST(Gallery, one_that_is_gone_before_it_is_heard_that_it_was_held_is_not_held) {
  World world;
  Viewer moderator(world, 0, cyd, 1s);
  world.log.append(std::vector<media::RoomEvent>{media::CommentGone{7}}, world.clock);
  world.nodes[0]->gallery.hear_desk(media::CommentHeld{{7, person(1), "please", {}, {}}});
  world.run(1s);
  EXPECT_TRUE(moderator.heard("held").empty());
}

TEST(Gallery, what_is_held_and_audited_reaches_moderators_alone) {
  World world;
  Viewer moderator(world, 0, cyd, 1s), ada(world, 1, person(1), 1s);
  moderator.heard();
  moderator.say({{"type", "rules"}, {"ref", 1}, {"who", "everyone"}, {"review", "everything"}});
  world.run(1s);
  ada.say({{"type", "comment"}, {"ref", 1}, {"text", "please"}});
  world.run(1s);
  const auto told = moderator.heard();
  const auto count = [&](const char* type) {
    return std::ranges::count_if(told, [&](const json& one) { return one.at("type") == type; });
  };
  EXPECT_EQ(count("held"), 1);
  EXPECT_EQ(count("audit"), 1);
  Viewer late(world, 0, {AccountId{4}, "Dan", Standing::moderator}, 1s);
  EXPECT_EQ(late.heard("held").size(), 1u) << "who comes later has it before him, too";
  moderator.say({{"type", "release"}, {"ref", 2}, {"comment", 1}});
  world.run(1s);
  Viewer latest(world, 0, {AccountId{5}, "Eve", Standing::moderator}, 1s);
  EXPECT_EQ(latest.heard("held").size(), 0u);
  for (const json& one : ada.heard()) {
    EXPECT_NE(one.at("type"), "held");
    EXPECT_NE(one.at("type"), "audit");
  }
}

TEST(Gallery, who_came_in_as_a_moderator_hears_what_they_hear_while_he_is_one) {
  World world;
  const media::Person dan{AccountId{4}, "Dan", Standing::moderator}, eve{AccountId{5}, "Eve", Standing::broadcaster};
  Viewer moderator(world, 0, dan, 1s), host(world, 0, eve, 1s), ada(world, 1, person(1), 1s);
  host.say({{"type", "rules"}, {"ref", 1}, {"who", "everyone"}, {"review", "everything"}});
  world.run(1s);
  Gallery& gallery = world.nodes[0]->gallery;
  EXPECT_EQ(moderator.heard("you").at(0).at("standing"), "moderator");
  gallery.hear_desk(media::OrderKept{});
  EXPECT_EQ(moderator.heard("you").at(0).at("standing"), "stranger");
  ada.say({{"type", "comment"}, {"ref", 1}, {"text", "please"}});
  world.run(1s);
  EXPECT_EQ(moderator.heard("held").size(), 0u);
  EXPECT_EQ(host.heard("held").size(), 1u) << "whose room it is";
  Viewer with_an_old_ticket(world, 0, dan, 1s);
  EXPECT_EQ(with_an_old_ticket.heard("held").size(), 0u);

  EXPECT_EQ(gallery.moderators(), 3u) << "they are to hear when they are again";
  gallery.hear_desk(media::OrderKept{{dan.account}});
  EXPECT_EQ(moderator.heard("held").size(), 1u);
  EXPECT_EQ(with_an_old_ticket.heard("held").size(), 1u);
}

TEST(Gallery, anonymous_viewers_may_give_hearts_if_the_operator_lets_them_and_no_more) {
  World world({.hearts_of = HeartsOf::accounts});
  Viewer nobody(world, 0, {}, 1s), somebody(world, 0, person(1), 1s);
  nobody.say({{"type", "hearts"}, {"count", 3}});
  somebody.say({{"type", "hearts"}, {"count", 2}});
  nobody.say({{"type", "comment"}, {"ref", 1}, {"text", "hello"}});
  nobody.say({{"type", "delete"}, {"ref", 2}, {"comment", 1}});
  world.run(1s);
  EXPECT_EQ(world.room.hearts().total(), 2u);
  const auto refused = nobody.heard("refused");
  ASSERT_EQ(refused.size(), 2u);
  EXPECT_EQ(refused[0].at("why"), "nameless");
  EXPECT_EQ(refused[1].at("why"), "no_standing");
}

TEST(Gallery, who_says_more_than_anybody_does_is_told_so_and_who_is_no_page_is_closed) {
  World world;
  Viewer machine(world, 0, person(1), 1s);
  for (int i = 0; i < 100; ++i) machine.say({{"type", "comment"}, {"ref", i}, {"text", "spam"}});
  world.run(1s);
  EXPECT_GE(machine.heard("refused").size(), 88u);
  EXPECT_FALSE(machine.seat.hear("GET / HTTP/1.1", world.clock));
}

TEST(Gallery, tells_at_once_what_can_be_shown_and_draws_from_a_flood) {
  World world({.sample = {.per_second_max = 4, .burst_max = 4}}, 1);
  Gallery& gallery = world.nodes[0]->gallery;
  media::CommentId id = 0;
  const auto say = [&](int count) {
    while (count-- > 0) {
      const media::Comment comment{++id, person(2), "hello", MediaTime(1s), WallTime()};
      EXPECT_TRUE(gallery.hear(wire::room::record_of(media::RoomEvent(media::CommentMade{comment})), world.clock));
    }
  };
  world.clock += Gallery::draw_every;
  gallery.turn(world.clock);
  const auto after = [&](Duration time) { return gallery.turn(world.clock + time); };
  EXPECT_FALSE(after(50ms)) << "nothing was said";
  say(3);
  EXPECT_TRUE(after(50ms));
  say(8);
  EXPECT_FALSE(after(100ms));
  EXPECT_FALSE(after(Gallery::draw_every - 1ms));
  EXPECT_TRUE(after(Gallery::draw_every));
  EXPECT_EQ(gallery.comments_left_out(), 7u);
}

TEST(Gallery, where_a_room_goes_on_what_is_seen_is_believed_anew_and_nothing_is_shown_twice) {
  World world({}, 1);
  Gallery& gallery = world.nodes[0]->gallery;
  Viewer ada(world, 0, person(1), 1s), ben(world, 0, person(2), 1s);
  ada.say({{"type", "comment"}, {"ref", 1}, {"text", "hello"}});
  world.run(1s);
  EXPECT_EQ(ben.heard("comment").size(), 1u);

  gallery.move();
  gallery.begin_object();
  const media::Comment said{1, person(1), "hello", MediaTime(), WallTime()};
  for (const media::RoomEvent& event : std::vector<media::RoomEvent>{
           media::EdgeStamped{MediaTime(2s), WallTime()}, media::CommentMade{said}, media::ViewersCounted{2}}) {
    EXPECT_TRUE(gallery.hear(wire::room::record_of(event), world.clock));
  }
  gallery.turn(world.clock);
  EXPECT_EQ(ben.heard("comment").size(), 0u);
  EXPECT_TRUE(ben.seat.hear(R"({"type":"comment","ref":2,"at":1200,"text":"back"})", world.clock));
  const auto batches = gallery.to_send(world.clock + 1s);
  ASSERT_EQ(batches.size(), 1u);
  const auto* offered = std::get_if<media::CommentOffered>(&batches[0].records.at(0));
  ASSERT_TRUE(offered);
  EXPECT_EQ(offered->at, MediaTime(1200ms));
}

TEST(Gallery, who_lags_goes_on_with_how_things_are) {
  World world({.sample = {.per_second_max = 0}}, 1);
  Viewer slow(world, 0, person(1), 1s);
  slow.heard();
  Gallery& gallery = world.nodes[0]->gallery;
  media::Comment comment{0, person(2), std::string(5'000, 'x'), MediaTime(1s), WallTime()};
  for (int i = 0; i < 400; ++i) {
    ++comment.id;
    EXPECT_TRUE(gallery.hear(wire::room::record_of(media::RoomEvent(media::CommentMade{comment})), world.clock));
    gallery.turn(world.clock);
  }
  const Log& frames = gallery.frames(Hearer::viewer);
  EXPECT_LE(frames.size() - frames.first(), Gallery::frames_kept_max + 6'000);
  EXPECT_EQ(slow.heard("comment").size(), RoomState::recent_max);
  EXPECT_EQ(slow.seat.skips(), 1u);
}

TEST(Gallery, everybody_is_counted_once_over_nodes) {
  World world;
  Viewer one(world, 0, person(1), 1s), again(world, 1, person(1), 1s), other(world, 1, {}, 1s);
  world.run(1s);
  EXPECT_EQ(world.room.presence().viewers(), 2u);
  {
    const Viewer passing(world, 0, person(8), 1s);
    world.run(1s);
    EXPECT_EQ(world.room.presence().viewers(), 3u);
  }
  world.run(1s);
  EXPECT_EQ(world.room.presence().viewers(), 2u);
  EXPECT_EQ(world.nodes[0]->gallery.state().viewers(), 2u);
}

}  // namespace
}  // namespace klieg::audience
