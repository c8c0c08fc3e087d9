// What a node has to tell the home of a room, until it is known to be safe there.
//
//   say() ──gathered for batch_every──► batch ──to_send()──► on its way ──answered()──► safe
//                                                  └── the way broke: all that is on its way is sent again, as it was
//
// Who writes waits for his own words, so a comment takes the batch with it sooner: batches by comments are no more than
// comments.
//
// A batch keeps its sequence and its content however often it is sent, so that the home knows it again and counts it
// once (room.h). Hearts and votes are summed until they leave: numbers by moments of media, accounts by option. What is
// answered belongs to whoever said it: each record that wants an answer carries a token of the caller's.
//
// After the way broke the home may be another that has never heard of who is here: behind what is sent again comes
// everybody who is.
//
// A plain state machine. Owner: the node's Gallery. Thread: its loop.
// Limit: on_way_max batches of at most batch_bytes_max and a record, and waiting_max records behind them; then room()
// is false, and a viewer is told that the room is busy. While there is no way no record is to be said: a viewer is told
// so. Votes wait, one for each account that is here and poll that is open (polls.h). So do hearts, which are numbers:
// ten more, of 48 bytes, for each second of media, 1.7 MB in an hour.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "audience/hearts.h"
#include "base/time.h"
#include "media/room.h"

namespace klieg::audience {

using AnswerToken = uint64_t;

class Outbox {
 public:
  // As fast as a page says hearts: of four thousand nodes 16,000 batches a second.
  static constexpr Duration batch_every = 250ms;
  static constexpr Duration word_within = 25ms;  // after the batch before
  // Nothing to say is said, too, that the home knows that the node is there (presence.h).
  static constexpr Duration silent_max = 5s;
  // 2 s of round trip, of comments alone 0.2 s: beyond that batches grow. The home keeps its answers to so many
  // (room.h).
  static constexpr size_t on_way_max = 8;
  static constexpr size_t batch_bytes_max = 24 * 1024;  // of votes 3,000; some fit into a request (upward.h)
  static constexpr size_t waiting_max = 4'000;          // comments and commands, at most 24 MB
  static constexpr size_t presence_max = 20'000;

  Outbox(std::string node, uint64_t run) : node_(std::move(node)), run_(run) {}

  void say_hearts(media::HeartBucket bucket, uint32_t count) { hearts_.add(bucket, count); }
  // Whether a record more may be said.
  bool room() const { return waiting_.size() < waiting_max; }
  void say(media::RoomRecord record, AnswerToken token);  // asserted: room()
  // One account's vote; that it is its first by this node is the caller's to see to.
  void say_vote(media::PollId poll, uint8_t option, media::AccountId account, AnswerToken token);
  // PersonCame, PersonLeft, AnonymousCounted: needs no answer.
  void say_presence(media::RoomRecord record);

  // Batches to be sent now, in their order; made if they are due. Each comes out once, until the way breaks.
  std::vector<media::Batch> to_send(LoopTime now);
  LoopTime wake_at() const;  // when to_send() may have more

  // The batches up to this are safe; what became of what was said with a token.
  struct Answered {
    AnswerToken token = 0;
    media::RecordOutcome outcome;
    bool operator==(const Answered&) const = default;
  };
  std::vector<Answered> answered(const media::BatchAnswer& answer);

  // There is a way to a home, which may be another than before. `census`: everybody who is here now.
  void connected(media::Census census);
  // It broke, or the home was too busy for a batch.
  void disconnected() { connected_ = false; }
  bool has_way() const { return connected_; }
  size_t on_way() const { return on_way_.size(); }
  bool all_is_safe() const { return on_way_.empty() && !anything_waits(); }
  // More came and went than is worth telling: connected() is to be called again with everybody.
  bool wants_census() const { return connected_ && presence_.size() >= presence_max; }

 private:
  struct Voter {
    media::AccountId account;
    AnswerToken token;
  };
  struct Said {
    media::RoomRecord record;
    AnswerToken token = 0;  // 0: wants no answer
  };
  struct OnWay {
    media::Batch batch;
    std::map<uint32_t, AnswerToken> tokens;         // by record
    std::map<uint32_t, std::vector<Voter>> voters;  // by record of votes
  };
  void make_batch(LoopTime now);
  bool anything_waits() const;

  const std::string node_;
  const uint64_t run_;
  uint64_t sequence_ = 0;
  HeartSums hearts_;
  std::deque<Said> waiting_;
  std::deque<Said> presence_;
  std::map<std::pair<media::PollId, uint8_t>, std::vector<Voter>> votes_;
  std::deque<OnWay> on_way_;
  bool connected_ = false;
  size_t sent_ = 0;  // of on_way_, by the way there is
  LoopTime next_ = LoopTime::min();
  LoopTime said_ = LoopTime::min();
};

}  // namespace klieg::audience
