#include "audience/room_log.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "wire/room_record.h"

namespace klieg::audience {

class RoomLog::Child final : public media::Subscription {
 public:
  Child(RoomLog* room, media::PushSink& listener, std::optional<media::TopicEnd> at_once)
      : log(room), sink(listener), end(at_once) {}
  ~Child() override {
    if (!log) return;
    // Somebody may be walking through the lists: the places stay, empty.
    std::ranges::replace(log->children_, this, nullptr);
    std::ranges::replace(log->newcomers_, this, nullptr);
  }

  RoomLog* log;  // null: the log is gone, or it was told its end
  media::PushSink& sink;
  std::optional<media::TopicEnd> end;  // is all that it will be told
};

std::string name_of_room(std::string_view topic) {
  const size_t end = topic.rfind('/');
  const size_t epoch = topic.substr(0, end).rfind('.');
  if (end == topic.npos || epoch == topic.npos || topic.substr(epoch, end - epoch).contains('/')) {
    return std::string(topic);
  }
  return std::string(topic.substr(0, epoch)) + std::string(topic.substr(end));
}

RoomLog::RoomLog(std::string topic)
    : topic_(std::move(topic)),
      head_(std::make_shared<const media::ObjectHead>(
          media::ObjectHead{{"content-type", "application/vnd.klieg.room"},
                            {"cache-control", "public, max-age=31536000, immutable"},
                            {std::string(media::topic_header), topic_}})) {}

RoomLog::~RoomLog() {
  children_.insert(children_.end(), newcomers_.begin(), newcomers_.end());
  newcomers_.clear();
  tell_end(over_ ? media::TopicEnd::finished : media::TopicEnd::lost);
}

std::unique_ptr<media::Subscription> RoomLog::subscribe(std::string_view topic, media::PushSink& sink) {
  auto child =
      std::make_unique<Child>(this, sink, topic == topic_ ? std::nullopt : std::optional(media::TopicEnd::unknown));
  newcomers_.push_back(child.get());
  return child;
}

void RoomLog::append(std::span<const media::RoomEvent> events, LoopTime now) {
  KLIEG_ASSERT(!over_, "nothing is said in a room that is closed");
  flush();
  if (objects_.empty() || objects_.back().log->size() >= object_size_max ||
      now >= objects_.back().begun + object_open_max) {
    begin(now);
  }
  write(events);
  for (const media::RoomEvent& event : events) state_.apply(event);
}

void RoomLog::begin(LoopTime now) {
  if (!objects_.empty()) {
    objects_.back().log->end(LogEnd::complete);
    tell(media::ObjectEnded{objects_.back().number, LogEnd::complete});
  }
  if (objects_.size() >= objects_max) objects_.pop_front();
  const media::ObjectNumber number = next_++;
  objects_.push_back({topic_ + '-' + std::to_string(number), number, std::make_shared<Log>(), now});
  tell(media::ObjectBegun{number, objects_.back().name, head_, objects_.back().log});
  write(state_.events());
}

void RoomLog::write(std::span<const media::RoomEvent> events) {
  std::vector<Bytes> records;
  records.reserve(events.size());
  for (const media::RoomEvent& event : events) {
    KLIEG_ASSERT(reader_of(event) == EventReader::everybody, "what anybody may be served anybody may read");
    records.push_back(wire::room::record_of(event));
  }
  if (records.empty()) return;
  const Object& open = objects_.back();
  Bytes content = Bytes::join(records);
  const media::ObjectGrew grew{open.number, open.log->size(), content};
  open.log->append(std::move(content));
  tell(grew);
}

void RoomLog::end() {
  KLIEG_ASSERT(!over_, "a room is closed once");
  flush();
  over_ = true;
  if (!objects_.empty()) {
    objects_.back().log->end(LogEnd::complete);
    tell(media::ObjectEnded{objects_.back().number, LogEnd::complete});
  }
  tell_end(media::TopicEnd::finished);
}

void RoomLog::flush() {
  // Who is told may leave, make another leave, or bring one more.
  for (size_t i = 0; i < newcomers_.size(); ++i) {
    Child* child = std::exchange(newcomers_[i], nullptr);
    if (!child) continue;
    if (!child->end && over_) child->end = media::TopicEnd::finished;
    if (child->end) {
      child->log = nullptr;
      child->sink.on_topic_end(*child->end);
      continue;
    }
    tell_all_there_is(*child);
  }
  std::erase(newcomers_, nullptr);
}

void RoomLog::tell_all_there_is(Child& newcomer) {
  const size_t place = children_.size();
  children_.push_back(&newcomer);
  if (objects_.empty()) return;
  const Object& open = objects_.back();
  newcomer.sink.on_push(media::ObjectBegun{open.number, open.name, head_, open.log});
  std::vector<Bytes> pieces;
  open.log->gather(0, UINT64_MAX, pieces);
  if (children_[place]) children_[place]->sink.on_push(media::ObjectGrew{open.number, 0, Bytes::join(pieces)});
}

void RoomLog::tell(const media::PushRecord& record) {
  for (size_t i = 0; i < children_.size(); ++i) {
    if (children_[i]) children_[i]->sink.on_push(record);
  }
  std::erase(children_, nullptr);
}

void RoomLog::tell_end(media::TopicEnd why) {
  for (size_t i = 0; i < children_.size(); ++i) {
    Child* child = std::exchange(children_[i], nullptr);
    if (!child) continue;
    child->log = nullptr;
    child->sink.on_topic_end(why);
  }
  children_.clear();
}

std::shared_ptr<const Log> RoomLog::find(std::string_view name) const {
  const auto found = std::ranges::find(objects_, name, &Object::name);
  return found == objects_.end() ? nullptr : found->log;
}

}  // namespace klieg::audience
