// One topic that this node takes from its parent by push, and offers to its own children.
//
//   joining --(first record)--> live --(finished)--> over
//      |                          |
//      +--(unknown, refused)------+--(lagged, lost)--> over; the engine subscribes anew while somebody watches
//                                 +--(left)----------> over; what was being born is let go of
//
// Records become cached objects as if they had been fetched. While the topic is live a name that is expected, or a
// playlist version that is the next one, is waited for here; when it ends, whoever waits asks upward, and an object
// that was being born is taken on by a fetch from the byte it had reached.
//
// Children hear what this node heard: first what makes them whole (snapshot), then every record. A child on the network
// reads one encoded log with a cursor of its own (Feed); one in this process is a sink.
//
// Owner: the Engine. Thread: its loop.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "edge/object.h"
#include "media/push.h"

namespace klieg::edge {

class Topic;

class TopicHost {
 public:
  virtual ~TopicHost() = default;
  virtual std::shared_ptr<Object> pushed_object(const media::ObjectHead& head, const Topic& topic) = 0;
  virtual void on_pushed(const std::string& name, std::shared_ptr<const Object> object) = 0;  // it has a name now
  virtual void on_pushed_whole(const std::string& name) = 0;
  virtual void on_orphaned(const std::string& name, std::shared_ptr<const Object> object, std::shared_ptr<Log> log) = 0;
  virtual void on_expected(const std::string& name) = 0;
  virtual void on_unexpected(const std::string& name) = 0;  // gone, or nobody is left who would say so
  virtual void on_document(const std::string& name, Topic& topic) = 0;
  virtual void on_document_lost(const std::string& name, const Topic& topic) = 0;
  virtual void on_topic_over(Topic& topic, media::TopicEnd why) = 0;  // the last call
};

// A playlist as it was pushed last.
struct PushedDocument {
  std::shared_ptr<const Object> object;
  media::DocumentChanged as_it_came;
  mutable std::shared_ptr<const Object> plain = nullptr;  // uncompressed, for the first who takes it so and those after

  // In the coding that a request with these fields takes. Null: it is not here in any.
  std::shared_ptr<const Object> coded_for(std::span<const wire::HeaderView> fields) const;
  // Whether it answers who asks for (msn, part); of a finished segment a part past the last is the next one's first
  // (6.2.5.2 of rfc8216bis).
  bool answers(uint64_t msn, std::optional<uint64_t> part) const;
  // What may come soon enough to be waited for here; what lies further ahead is for the origin to refuse.
  bool nearly_answers(uint64_t msn, std::optional<uint64_t> part) const;
};

class Topic final : private media::PushSink {
 public:
  Topic(TopicHost& host, std::string name) : host_(host), name_(std::move(name)) {}
  ~Topic() override;

  const std::string& name() const { return name_; }
  void join(media::TopicSource& source);
  void leave();                                       // nobody has asked for any of it for longer than a segment takes
  void refuse() { end_ = media::TopicEnd::refused; }  // instead of joining: children are told so
  bool begun() const { return begun_; }               // something was heard
  bool live() const { return begun_ && !over(); }
  bool over() const { return end_.has_value(); }

  const PushedDocument* document(std::string_view name) const;

  // The node's own children. `sink` first hears the snapshot, in a later call to tell_newcomers() (never inside this
  // one); of a topic that is over what is left of it, and its end.
  std::unique_ptr<media::Subscription> subscribe(media::PushSink& sink);
  void tell_newcomers();
  std::vector<media::PushRecord> snapshot() const;
  bool has_children() const;

 private:
  struct Open {
    std::string name;
    std::shared_ptr<const media::ObjectHead> head;
    std::shared_ptr<const Object> object;
    std::shared_ptr<Log> log;  // null: it is the parent's own
    std::vector<media::AliasBorn> aliases;
  };
  class Child;

  void on_push(media::PushRecord record) override;
  void on_topic_end(media::TopicEnd why) override;
  void apply(const media::ObjectBegun& begun);
  void apply(const media::ObjectGrew& grew);
  void apply(const media::ObjectEnded& ended);
  void apply(const media::AliasBorn& alias);
  void apply(const media::DocumentChanged& changed);
  void apply(const media::NameExpected& expected);
  void apply(const media::NameGone& gone);
  void apply(const media::GuestsRevoked& revoked);
  void orphan(std::map<media::ObjectNumber, Open>::iterator open);
  void expect_no_longer(const std::string& name);

  TopicHost& host_;
  const std::string name_;
  std::unique_ptr<media::Subscription> subscription_;
  bool begun_ = false;
  std::optional<media::TopicEnd> end_;
  std::map<media::ObjectNumber, Open> open_;  // a segment or two
  std::map<std::string, PushedDocument, std::less<>> documents_;
  std::unordered_set<std::string> expected_;
  std::vector<media::GuestsRevoked> revoked_;
  std::vector<Child*> sinks_;  // null: it has left
  std::vector<Child*> newcomers_;
};

}  // namespace klieg::edge
