#include "wire/room_record.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "wire/room_message.h"

namespace klieg::wire::room {
namespace {

MediaTime any_at() { return MediaTime(std::chrono::milliseconds(*rc::gen::inRange<int64_t>(0, time_ms_max))); }
WallTime any_wall() { return WallTime(std::chrono::milliseconds(*rc::gen::inRange<int64_t>(0, time_ms_max * 2))); }
Duration any_duration() {
  return *rc::gen::arbitrary<bool>() ? Duration::max()
                                     : Duration(std::chrono::milliseconds(*rc::gen::inRange(0, 1 << 30)));
}
uint32_t any_u32() { return *rc::gen::arbitrary<uint32_t>(); }
uint64_t any_u64() { return *rc::gen::arbitrary<uint64_t>(); }
uint8_t any_option() { return static_cast<uint8_t>(*rc::gen::inRange<size_t>(0, media::poll_options_max)); }
std::string any_text() {
  return *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127)) +
         *rc::gen::element<std::string>("", "é", "👩");
}
std::vector<std::string> any_texts(size_t max) {
  std::vector<std::string> texts(*rc::gen::inRange<size_t>(0, max + 1));
  for (std::string& text : texts) text = any_text();
  return texts;
}
media::AccountId any_account() {
  return static_cast<media::AccountId>(*rc::gen::inRange<uint64_t>(0, media::account_id_max));
}
std::vector<media::AccountId> any_accounts() {
  std::vector<media::AccountId> accounts(*rc::gen::inRange<size_t>(0, 20));
  for (media::AccountId& account : accounts) account = any_account();
  return accounts;
}
media::Person any_person() {
  return {any_account(), any_text(), static_cast<media::Standing>(*rc::gen::inRange(0, 4))};
}
media::Comment any_comment() { return {any_u64(), any_person(), any_text(), any_at(), any_wall()}; }
std::vector<media::HeartCount> any_hearts() {
  std::vector<media::HeartCount> hearts(*rc::gen::inRange<size_t>(0, 20));
  for (media::HeartCount& heart : hearts) heart = {any_u32(), any_u32()};
  return hearts;
}
media::RoomRules any_rules() {
  return {static_cast<media::WhoMayComment>(*rc::gen::inRange(0, 4)), *rc::gen::inRange<uint32_t>(0, media::first_max),
          any_duration(), static_cast<media::Review>(*rc::gen::inRange(0, 3))};
}
media::Command any_command() {
  switch (*rc::gen::inRange(0, 9)) {
    case 0:
      return media::DeleteComment{any_u64()};
    case 1:
      return media::ReleaseComment{any_u64()};
    case 2:
      return media::PinComment{any_u64()};
    case 3:
      return media::Bar{any_account(), any_duration()};
    case 4:
      return media::Unbar{any_account()};
    case 5:
      return media::SetRules{any_rules()};
    case 6:
      return media::SetWords{any_texts(5)};
    case 7:
      return media::OpenPoll{any_text(), any_texts(media::poll_options_max), any_duration()};
    default:
      return media::ClosePoll{any_u32()};
  }
}

media::RoomEvent any_event() {
  switch (*rc::gen::inRange(0, 17)) {
    case 0:
      return media::EdgeStamped{any_at(), any_wall()};
    case 1:
      return media::CommentMade{any_comment()};
    case 2:
      return media::CommentHeld{any_comment()};
    case 3:
      return media::CommentGone{any_u64()};
    case 4:
      return media::CommentPinned{any_comment()};
    case 5:
      return media::HeartsCounted{any_hearts()};
    case 6:
      return media::PollOpened{{any_u32(), any_text(), any_texts(media::poll_options_max), any_at(), any_at()}};
    case 7:
      return media::PollClosed{any_u32(), any_at()};
    case 8:
      return media::PollCounted{any_u32(), std::vector<uint64_t>(any_option(), any_u64()), media::Counting::final};
    case 9:
      return media::RulesChanged{any_rules()};
    case 10:
      return media::ViewersCounted{any_u64()};
    case 11:
      return media::PeopleJoined{any_texts(3), any_u32()};
    case 12:
      return media::Audited{any_person(), any_command(), any_wall()};
    case 13:
      return media::VotesCast{any_u32(), any_option(), any_accounts()};
    case 14:
      return media::PersonBarred{any_account(), any_wall()};
    case 15:
      return media::OrderKept{any_accounts()};
    default:
      return media::RoomEnded{};
  }
}

media::BatchKey any_key() { return {any_text(), any_u64(), any_u64()}; }
media::Batch any_batch() {
  media::Batch batch{any_key(), {}};
  for (int count = *rc::gen::inRange(0, 6); count > 0; --count) {
    switch (*rc::gen::inRange(0, 8)) {
      case 0:
        batch.records.emplace_back(media::HeartsGiven{any_hearts()});
        break;
      case 1:
        batch.records.emplace_back(media::CommentOffered{any_person(), any_text(), any_at()});
        break;
      case 2:
        batch.records.emplace_back(media::VotesGiven{any_u32(), any_option(), any_accounts()});
        break;
      case 3:
        batch.records.emplace_back(media::CommandGiven{any_person(), any_at(), any_command()});
        break;
      case 4:
        batch.records.emplace_back(media::Census{{any_person(), any_person()}, any_u32()});
        break;
      case 5:
        batch.records.emplace_back(media::PersonCame{any_person()});
        break;
      case 6:
        batch.records.emplace_back(media::PersonLeft{any_account()});
        break;
      default:
        batch.records.emplace_back(media::AnonymousCounted{any_u32()});
    }
  }
  return batch;
}
media::BatchAnswer any_answer() {
  media::BatchAnswer answer{any_key(), {}};
  answer.answers.push_back({any_u32(), media::CommentTaken{any_u64(), any_text(), media::Visibility::held}});
  answer.answers.push_back({any_u32(), media::VotesTaken{any_accounts(), any_accounts()}});
  answer.answers.push_back({any_u32(), media::CommandDone{}});
  answer.answers.push_back({any_u32(), static_cast<media::Refusal>(*rc::gen::inRange(0, 18))});
  return answer;
}

template <class Kind, class Any>
void survives_fragmentation(Any&& any) {
  std::vector<Kind> said;
  std::vector<Bytes> pieces;
  for (int count = *rc::gen::inRange(0, 6); count > 0; --count) {
    said.push_back(any());
    pieces.push_back(record_of(said.back()));
  }
  const Bytes stream = Bytes::join(pieces);
  RecordReader<Kind> reader;
  std::vector<Kind> heard;
  for (size_t done = 0; done < stream.size();) {
    const size_t size = std::min(stream.size() - done, *rc::gen::inRange<size_t>(1, 100));
    RC_ASSERT(reader.feed(stream.view().subspan(done, size), heard).has_value());
    done += size;
  }
  RC_ASSERT(heard == said);
}

RC_GTEST_PROP(RoomRecord, events_survive_any_fragmentation, ()) { survives_fragmentation<media::RoomEvent>(any_event); }
RC_GTEST_PROP(RoomRecord, batches_survive_any_fragmentation, ()) { survives_fragmentation<media::Batch>(any_batch); }
RC_GTEST_PROP(RoomRecord, answers_survive_any_fragmentation, ()) {
  survives_fragmentation<media::BatchAnswer>(any_answer);
}

RC_GTEST_PROP(RoomRecord, what_is_broken_is_refused_or_is_what_would_be_written, ()) {
  std::string stream(record_of(any_batch()).text());
  for (int hits = *rc::gen::inRange(1, 4); hits > 0; --hits) {
    stream[*rc::gen::inRange<size_t>(0, stream.size())] = *rc::gen::arbitrary<char>();
  }
  BatchReader reader;
  std::vector<media::Batch> heard;
  const auto fed = reader.feed(as_bytes(stream), heard);
  RC_ASSERT(fed.has_value() || !fed.error().message.empty());
  for (const media::Batch& batch : heard) RC_ASSERT(record_of(batch) == Bytes::copy_of(stream));
}

TEST(RoomRecord, an_event_of_a_later_kind_is_passed_over) {
  std::string stream("\0\0\0\3\xf0xy", 7);
  stream += record_of(media::RoomEvent(media::CommentGone{5})).text();
  EventReader reader;
  std::vector<media::RoomEvent> heard;
  ASSERT_TRUE(reader.feed(as_bytes(stream), heard));
  EXPECT_EQ(heard, (std::vector<media::RoomEvent>{media::CommentGone{5}}));
}

TEST(RoomRecord, what_claims_to_be_long_is_refused_before_it_comes) {
  BatchReader reader;
  std::vector<media::Batch> heard;
  EXPECT_FALSE(reader.feed(as_bytes(std::string_view("\xff\xff\xff\xff", 4)), heard));
  EXPECT_FALSE(reader.feed(as_bytes("x"), heard)) << "an error is final";
  // A list of four thousand million accounts in a record of thirty bytes.
  std::string stream("\0\0\0\x1e\0\1n", 7);
  stream += std::string(16, '\0') + std::string("\0\0\0\1\2\0\0\0\1\0\xff\xff\xff\xff", 14);
  stream[3] = static_cast<char>(stream.size() - 4);
  EXPECT_FALSE(BatchReader().feed(as_bytes(stream), heard));
}

TEST(RoomRecord, a_batch_may_hold_the_votes_of_forty_thousand) {
  media::VotesGiven votes{1, 0, std::vector<media::AccountId>(40'000, media::AccountId{7})};
  const media::Batch batch{{"edge-1", 5, 6}, {votes}};
  EXPECT_LE(record_of(batch).size(), record_size_max);
  EXPECT_GE(size_of(votes), 8 * 40'000u);
}

}  // namespace
}  // namespace klieg::wire::room
