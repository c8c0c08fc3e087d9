#include "wire/room_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

#include "wire/websocket.h"

namespace klieg::wire::room {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string refusal_of(std::string_view text) {
  const auto said = read_said(text);
  return said ? "" : said.error().message;
}

MediaTime any_at() { return MediaTime(std::chrono::milliseconds(*rc::gen::inRange<int64_t>(0, time_ms_max + 1))); }
uint32_t any_ref() { return *rc::gen::arbitrary<uint32_t>(); }
std::string any_text() {
  return *rc::gen::container<std::string>(rc::gen::element('a', 'Z', '"', '\\', '/', '\n', '\x01', ' ', '{', ']')) +
         *rc::gen::element<std::string>("", "é", "👩‍👩‍👧‍👦", "\u2028");
}
std::vector<std::string> any_texts(size_t min, size_t max) {
  std::vector<std::string> texts(*rc::gen::inRange(min, max + 1));
  for (std::string& text : texts) text = any_text();
  return texts;
}
media::CommentId any_comment() { return *rc::gen::inRange<media::CommentId>(1, 1u << 30); }
media::AccountId any_account() {
  return static_cast<media::AccountId>(*rc::gen::inRange<uint64_t>(1, media::account_id_max));
}

media::Command any_command() {
  switch (*rc::gen::inRange(0, 9)) {
    case 0:
      return media::DeleteComment{any_comment()};
    case 1:
      return media::ReleaseComment{any_comment()};
    case 2:
      return media::PinComment{any_comment() - 1};
    case 3:
      return media::Bar{any_account(), *rc::gen::element<Duration>(Duration::max(), 1s, 600s)};
    case 4:
      return media::Unbar{any_account()};
    case 5:
      return media::SetRules{
          {*rc::gen::element(media::WhoMayComment::everyone, media::WhoMayComment::followers,
                             media::WhoMayComment::first, media::WhoMayComment::nobody),
           *rc::gen::inRange<uint32_t>(1, media::first_max), std::chrono::milliseconds(*rc::gen::inRange(0, 60'000)),
           *rc::gen::element(media::Review::nothing, media::Review::filtered, media::Review::everything)}};
    case 6:
      return media::SetWords{any_texts(0, 20)};
    case 7:
      return media::OpenPoll{any_text(), any_texts(media::poll_options_min, media::poll_options_max),
                             std::chrono::seconds(*rc::gen::inRange<int64_t>(1, poll_seconds_max))};
    default:
      return media::ClosePoll{any_ref() | 1u};
  }
}

Said any_said() {
  switch (*rc::gen::inRange(0, 4)) {
    case 0:
      return HeartsTapped{*rc::gen::inRange<uint32_t>(1, hearts_max + 1), any_at()};
    case 1:
      return CommentTyped{any_ref(), any_at(), any_text()};
    case 2:
      return VoteCast{any_ref(), any_at(), any_ref() | 1u,
                      static_cast<uint8_t>(*rc::gen::inRange<size_t>(0, media::poll_options_max))};
    default:
      return CommandSaid{any_ref(), any_at(), any_command()};
  }
}

RC_GTEST_PROP(RoomMessage, what_a_viewer_says_is_what_is_heard, ()) {
  const Said said = any_said();
  const auto heard = read_said(json_of(said));
  RC_ASSERT(heard.has_value());
  RC_ASSERT(*heard == said);
}

RC_GTEST_PROP(RoomMessage, what_is_broken_on_its_way_is_heard_or_refused_in_words, ()) {
  std::string text = json_of(any_said());
  for (int hits = *rc::gen::inRange(1, 4); hits > 0; --hits) {
    text[*rc::gen::inRange<size_t>(0, text.size())] = *rc::gen::arbitrary<char>();
  }
  const auto heard = read_said(text);
  const bool same_or_words = heard ? read_said(json_of(*heard)) == heard : !heard.error().message.empty();
  RC_ASSERT(same_or_words);
}

TEST(RoomMessage, a_field_of_a_newer_page_is_passed_over_and_a_type_is_not) {
  const auto said = read_said(R"({"type":"hearts","count":2,"at":5,"colour":"red","big":true,"x":1.5,"y":null})");
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ(*said, Said(HeartsTapped{2, MediaTime(5ms)}));
  EXPECT_THAT(refusal_of(R"({"type":"dance","at":5})"), HasSubstr("type"));
  EXPECT_THAT(refusal_of(R"({"at":5})"), HasSubstr("type"));
}

TEST(RoomMessage, what_is_not_as_it_should_be_is_refused) {
  for (const char* text : {
           "",
           "[]",
           "7",
           "null",
           "{",
           R"("hearts")",
           R"({"type":"hearts"} x)",
           R"({"type":"hearts","count":2})",                            // no time
           R"({"type":"hearts","count":0,"at":1})",                     // no heart
           R"({"type":"hearts","count":101,"at":1})",                   // too many
           R"({"type":"hearts","count":-1,"at":1})",                    //
           R"({"type":"hearts","count":1.0,"at":1})",                   // not whole
           R"({"type":"hearts","count":"1","at":1})",                   //
           R"({"type":"hearts","count":1,"count":1,"at":1})",           // twice
           R"({"type":"hearts","count":1,"at":18446744073709551615})",  //
           R"({"type":"hearts","count":1,"at":6125056057518533291})",   // overflows as nanoseconds
           R"({"type":"hearts","count":1,"at":-1})",                    //
           R"({"type":"hearts","count":1,"at":{"x":1}})",               // nested
           R"({"type":"hearts","count":1,"at":1,"z":[]})",              //
           R"({"type":"hearts","count":1,"at":1,"z":{"count":1}})",     //
           R"({"type":"comment","ref":1,"at":1,"text":["a"]})",         //
           R"({"type":"comment","ref":1,"at":1,"text":"\ud800"})",      // half a character
           R"({"type":"vote","ref":1,"at":1,"poll":1,"option":6})",     //
           R"({"type":"vote","ref":1,"at":1,"poll":0,"option":1})",     //
           R"({"type":"rules","ref":1,"at":1,"who":"me","review":"nothing"})",
           R"({"type":"open_poll","ref":1,"at":1,"question":"?","options":["one"],"seconds":5})",
           R"({"type":"open_poll","ref":1,"at":1,"question":"?","options":["a",["b"]],"seconds":5})",
           R"({"type":"open_poll","ref":1,"at":1,"question":"?","options":["a",1],"seconds":5})",
           R"({"type":"bar","ref":1,"at":1,"account":9007199254740992})",
       }) {
    EXPECT_NE(refusal_of(text), "") << text;
  }
  EXPECT_NE(refusal_of(std::string(100'000, '[')), "");
  EXPECT_NE(refusal_of(R"({"type":"comment","ref":1,"at":1,"text":")" + std::string(text_size_max + 1, 'a') + "\"}"),
            "");
}

// One of each, with everything in it that has to be escaped.
std::vector<media::RoomEvent> one_of_each() {
  const media::Person ada{media::AccountId{12}, "A\"da\\", media::Standing::moderator};
  const media::Comment comment{7, ada, "<b>\n\"hi\"</b> é 👩‍👩‍👧‍👦", MediaTime(61'250ms),
                               WallTime(1'764'000'000s)};
  return {media::EdgeStamped{MediaTime(1s), WallTime(1s)},
          media::CommentMade{comment},
          media::CommentHeld{comment},
          media::CommentGone{7},
          media::CommentPinned{comment},
          media::CommentPinned{},
          media::HeartsCounted{{{612, 3}, {613, 1}}},
          media::PollOpened{{1, "why \"?\"", {"a", "b\\"}, MediaTime(60s), MediaTime(120s)}},
          media::PollClosed{1, MediaTime(90s)},
          media::PollCounted{1, {3, 4}, media::Counting::final},
          media::RulesChanged{},
          media::ViewersCounted{812},
          media::PeopleJoined{{"A\"da"}, 3},
          media::Audited{ada, media::Bar{media::AccountId{5}, 600s}, WallTime(5s)},
          media::VotesCast{1, 0, {media::AccountId{5}}},
          media::PersonBarred{media::AccountId{5}, WallTime::max()},
          media::OrderKept{{media::AccountId{5}}},
          media::RoomEnded{}};
}

// The payload of a frame, as a viewer's JSON parser sees it.
json payload_of(const Bytes& frame) {
  EXPECT_EQ(frame[0], 0x81);
  const size_t head = frame[1] < 126 ? 2 : 4;
  return json::parse(frame.text().substr(head));
}

TEST(RoomMessage, everybody_hears_one_frame_and_moderators_hear_more) {
  Message viewers, moderators;
  for (const media::RoomEvent& event : one_of_each()) {
    viewers.add(event, Hearer::viewer);
    moderators.add(event, Hearer::moderator);
  }
  const json heard = payload_of(viewers.take_frame());
  std::string types;
  for (const json& one : heard) types += one.at("type").get<std::string>() + ' ';
  EXPECT_EQ(types, "comment gone pinned pinned hearts poll poll_closes votes rules viewers joined over ");
  EXPECT_EQ(heard[0].at("by").at("name"), "A\"da\\");
  EXPECT_EQ(heard[0].at("text"), "<b>\n\"hi\"</b> é 👩‍👩‍👧‍👦");
  EXPECT_EQ(heard[0].at("at"), 61'250);
  EXPECT_TRUE(heard[3].at("comment").is_null());
  EXPECT_EQ(heard[4].at("hearts"), json::parse("[[612,3],[613,1]]"));
  EXPECT_EQ(heard[7].at("final"), true);
  const json all = payload_of(moderators.take_frame());
  EXPECT_EQ(all.size(), heard.size() + 2);
  EXPECT_EQ(all[12].at("did"), json::parse(R"({"type":"bar","account":5,"seconds":600})"));
  EXPECT_TRUE(viewers.empty());
}

TEST(RoomMessage, each_refusal_has_a_name_and_words) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(media::Refusal::busy); ++i) {
    Message message;
    message.add_answer(5, static_cast<media::Refusal>(i));
    const json heard = payload_of(message.take_frame());
    EXPECT_EQ(heard.at(0).at("ref"), 5);
    EXPECT_FALSE(heard.at(0).at("why").get<std::string>().empty());
    EXPECT_FALSE(heard.at(0).at("words").get<std::string>().empty());
  }
  EXPECT_EQ(name_of(media::Refusal::busy), "busy");
  EXPECT_EQ(name_of(media::Refusal::word), "word");
}

TEST(RoomMessage, a_comment_that_was_taken_is_answered_with_what_is_shown) {
  Message message;
  message.add_answer(1, media::CommentTaken{7, "hello", media::Visibility::held});
  message.add_answer(2, media::CommandDone{});
  EXPECT_EQ(payload_of(message.take_frame()),
            json::parse(R"([{"type":"done","ref":1,"id":7,"text":"hello","held":true},{"type":"done","ref":2}])"));
}

}  // namespace
}  // namespace klieg::wire::room
