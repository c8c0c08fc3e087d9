#include "edge/topic.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace klieg::edge {
namespace {

// How many parts ahead of what is listed are the next ones. A player asks for one, or for the one its hint named.
constexpr uint64_t parts_ahead_max = 3;
// Names that are expected at once: a few parts and segments. More are a parent's mistake, and asked for upward.
constexpr size_t expected_max = 64;
constexpr size_t open_max = 16;
constexpr size_t documents_max = 8;

}  // namespace

bool PushedDocument::answers(uint64_t msn, std::optional<uint64_t> part) const {
  if (as_it_came.finality == media::Finality::is_final) return true;
  const media::DocumentVersion& has = as_it_came.version;
  if (msn != has.msn) return msn < has.msn;
  if (!part) return has.last == media::Segment::finished;
  return *part < has.parts;
}

bool PushedDocument::nearly_answers(uint64_t msn, std::optional<uint64_t> part) const {
  const media::DocumentVersion& has = as_it_came.version;
  if (msn == has.msn) return part.value_or(0) <= has.parts + parts_ahead_max;
  return msn == has.msn + 1 && part.value_or(0) <= parts_ahead_max;
}

class Topic::Child final : public media::Subscription {
 public:
  Child(Topic& topic, media::PushSink& sink) : topic(&topic), sink(sink) { topic.newcomers_.push_back(this); }
  ~Child() override {
    if (!topic) return;
    std::erase(topic->newcomers_, this);
    // Somebody may be walking through the list: the place stays, empty.
    std::ranges::replace(topic->sinks_, this, nullptr);
  }

  Topic* topic;  // null: it is over
  media::PushSink& sink;
};

Topic::~Topic() {
  for (Child* child : sinks_) {
    if (child) child->topic = nullptr;
  }
  for (Child* child : newcomers_) child->topic = nullptr;
}

void Topic::join(media::TopicSource& source) { subscription_ = source.subscribe(name_, *this); }

const PushedDocument* Topic::document(std::string_view name) const {
  const auto found = documents_.find(name);
  return found == documents_.end() ? nullptr : &found->second;
}

std::unique_ptr<media::Subscription> Topic::subscribe(media::PushSink& sink) {
  return std::make_unique<Child>(*this, sink);
}

void Topic::tell_newcomers() {
  if (!live_ || newcomers_.empty()) return;
  const std::vector<media::PushRecord> records = snapshot();
  for (Child* child : std::exchange(newcomers_, {})) {
    sinks_.push_back(child);
    // It may leave while it is told.
    for (const media::PushRecord& record : records) {
      if (sinks_.back() != child) break;
      child->sink.on_push(record);
    }
  }
}

std::vector<media::PushRecord> Topic::snapshot() const {
  std::vector<media::PushRecord> records;
  for (const auto& [name, document] : documents_) records.emplace_back(document.as_it_came);
  for (const auto& [number, open] : open_) {
    records.emplace_back(media::ObjectBegun{number, open.name, open.head, open.object->log});
    std::vector<Bytes> pieces;
    open.object->log->gather(0, open.object->log->size(), pieces);
    uint64_t offset = 0;
    for (Bytes& piece : pieces) {
      const uint64_t size = piece.size();
      records.emplace_back(media::ObjectGrew{number, offset, std::move(piece)});
      offset += size;
    }
    for (const media::AliasBorn& alias : open.aliases) records.emplace_back(alias);
  }
  for (const std::string& name : expected_) records.emplace_back(media::NameExpected{name});
  return records;
}

void Topic::on_push(media::PushRecord record) {
  live_ = true;
  tell_newcomers();  // of what was before this record
  std::visit([this](const auto& one) { apply(one); }, record);
  for (size_t i = 0; i < sinks_.size(); ++i) {
    if (Child* child = sinks_[i]) child->sink.on_push(record);
  }
  std::erase(sinks_, nullptr);
}

void Topic::apply(const media::ObjectBegun& begun) {
  if (open_.size() >= open_max) return;
  std::shared_ptr<Object> object = host_.pushed_object(*begun.head, *this);
  Open& open = open_[begun.number];
  open = {begun.name, begun.head, object, nullptr, {}};
  if (begun.log) {
    object->log = begun.log;
  } else {
    object->log = open.log = std::make_shared<Log>();
  }
  expected_.erase(begun.name);
  host_.on_pushed(begun.name, open.object);
}

void Topic::apply(const media::ObjectGrew& grew) {
  const auto found = open_.find(grew.number);
  if (found == open_.end() || !found->second.log) return;
  // Its readers may end the topic; the log outlives it.
  const std::shared_ptr<Log> log = found->second.log;
  if (grew.offset == log->size()) log->append(grew.content);
}

void Topic::apply(const media::ObjectEnded& ended) {
  const auto found = open_.find(ended.number);
  if (found == open_.end()) return;
  const Open open = std::move(found->second);
  open_.erase(found);
  if (open.log) open.log->end(ended.how);
  host_.on_pushed_whole(open.name);
}

void Topic::apply(const media::AliasBorn& alias) {
  const auto found = open_.find(alias.of);
  if (found == open_.end()) return;
  Open& open = found->second;
  if (alias.offset + alias.size > open.object->log->size()) return;
  std::shared_ptr<Object> object = host_.pushed_object(*alias.head, *this);
  object->log = open.object->log;
  object->owns_log = false;
  object->offset = alias.offset;
  object->end = alias.offset + alias.size;
  open.aliases.push_back(alias);
  expected_.erase(alias.name);
  host_.on_pushed(alias.name, std::move(object));
}

void Topic::apply(const media::DocumentChanged& changed) {
  if (!documents_.contains(changed.name) && documents_.size() >= documents_max) return;
  std::shared_ptr<Object> object = host_.pushed_object(*changed.head, *this);
  object->log = Log::complete(changed.content);
  documents_[changed.name] = {std::move(object), changed};
  host_.on_document(changed.name, *this);
}

void Topic::apply(const media::NameExpected& expected) {
  if (expected_.size() >= expected_max || !expected_.insert(expected.name).second) return;
  host_.on_expected(expected.name, *this);
}

void Topic::apply(const media::NameGone& gone) {
  if (expected_.erase(gone.name) > 0) host_.on_unexpected(gone.name);
}

void Topic::on_topic_end(media::TopicEnd why) {
  KLIEG_ASSERT(!over_, "a topic ends once");
  over_ = true;
  live_ = false;
  subscription_.reset();
  for (auto& [_, open] : std::exchange(open_, {})) {
    if (open.log) host_.on_orphaned(open.name, open.object, open.log);
  }
  for (const std::string& name : std::exchange(expected_, {})) host_.on_unexpected(name);
  // The playlists of a broadcast that is over stay as they are; others would grow old here.
  if (why != media::TopicEnd::finished) {
    for (const auto& [name, _] : std::exchange(documents_, {})) host_.on_document_lost(name);
  }
  sinks_.insert(sinks_.end(), newcomers_.begin(), newcomers_.end());
  newcomers_.clear();
  for (size_t i = 0; i < sinks_.size(); ++i) {
    Child* child = std::exchange(sinks_[i], nullptr);
    if (!child) continue;
    child->topic = nullptr;
    child->sink.on_topic_end(why);
  }
  host_.on_topic_over(*this, why);
}

}  // namespace klieg::edge
