#include "edge/topic.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "edge/forwarding.h"
#include "wire/gzip.h"

namespace klieg::edge {
namespace {

// How many parts ahead of what is listed are the next ones. A player asks for one, or for the one its hint named.
constexpr uint64_t parts_ahead_max = 3;
// Names that are expected at once: a few parts and segments. More are a parent's mistake, and asked for upward.
constexpr size_t expected_max = 64;
constexpr size_t open_max = 16;
constexpr size_t documents_max = 8;
constexpr size_t revoked_max = 10'000;               // x 100 bytes; a home says no more (cli/revocations.h)
constexpr size_t plain_size_max = size_t{16} << 20;  // 16 times what is pushed compressed (wire/push_record.h)

}  // namespace

std::shared_ptr<const Object> PushedDocument::coded_for(std::span<const wire::HeaderView> fields) const {
  const std::vector<wire::HeaderView> said = views_of(object->fields);
  if (field_of(said, "content-encoding") != "gzip" || takes_gzip(fields)) {
    return variant_of(object->facts.vary, fields) == object->variant ? object : nullptr;
  }
  if (!plain) {
    auto content = wire::gunzip(as_it_came.content, plain_size_max);
    if (!content) return nullptr;
    auto made = std::make_shared<Object>(*object);
    made->rendered.reset();
    // Its tag is of the other coding's bytes.
    std::erase_if(made->fields,
                  [](const auto& field) { return field.first == "content-encoding" || field.first == "etag"; });
    made->facts.etag.clear();
    made->log = Log::complete(std::move(*content));
    plain = std::move(made);
  }
  return plain;
}

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

bool Topic::has_children() const {
  return !newcomers_.empty() || std::ranges::any_of(sinks_, [](const Child* child) { return child != nullptr; });
}

void Topic::tell_newcomers() {
  if (!(begun_ || over()) || newcomers_.empty()) return;
  const std::vector<media::PushRecord> records = snapshot();
  // Whoever is told may leave, make another leave, or bring one more.
  for (size_t left = newcomers_.size(); left > 0 && !newcomers_.empty(); --left) {
    Child* child = newcomers_.front();
    newcomers_.erase(newcomers_.begin());
    const size_t place = sinks_.size();
    sinks_.push_back(child);
    for (const media::PushRecord& record : records) {
      if (!sinks_[place]) break;
      child->sink.on_push(record);
    }
    if (!over() || !std::exchange(sinks_[place], nullptr)) continue;
    child->topic = nullptr;
    child->sink.on_topic_end(*end_);
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
  for (const media::GuestsRevoked& revoked : revoked_) records.emplace_back(revoked);
  return records;
}

void Topic::on_push(media::PushRecord record) {
  begun_ = true;
  tell_newcomers();  // of what was before this record
  std::visit([this](const auto& one) { apply(one); }, record);
  for (size_t i = 0; i < sinks_.size(); ++i) {
    if (Child* child = sinks_[i]) child->sink.on_push(record);
  }
  std::erase(sinks_, nullptr);
}

void Topic::apply(const media::ObjectBegun& begun) {
  if (const auto found = open_.find(begun.number); found != open_.end()) {
    if (found->second.name == begun.name) return;  // said twice
    orphan(found);
  }
  if (open_.size() >= open_max) return expect_no_longer(begun.name);
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
  if (grew.offset > log->size()) return orphan(found);  // the bytes between will not come from here
  const uint64_t known = log->size() - grew.offset;
  if (known < grew.content.size()) log->append(grew.content.slice(known));
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
  if (found == open_.end()) return expect_no_longer(alias.name);
  Open& open = found->second;
  if (std::ranges::find(open.aliases, alias.name, &media::AliasBorn::name) != open.aliases.end()) return;  // said twice
  const uint64_t born = open.object->log->size();
  if (alias.size > born || alias.offset > born - alias.size) return expect_no_longer(alias.name);
  std::shared_ptr<Object> object = host_.pushed_object(*alias.head, *this);
  object->log = open.object->log;
  object->alias_of = open.name;
  object->offset = alias.offset;
  object->end = alias.offset + alias.size;
  open.aliases.push_back(alias);
  expected_.erase(alias.name);
  host_.on_pushed(alias.name, std::move(object));
}

void Topic::apply(const media::DocumentChanged& changed) {
  const auto found = documents_.find(changed.name);
  if (found == documents_.end() && documents_.size() >= documents_max) return;
  // Whoever has seen a version is never shown an older one.
  if (found != documents_.end() && changed.version < found->second.as_it_came.version) return;
  std::shared_ptr<Object> object = host_.pushed_object(*changed.head, *this);
  object->log = Log::complete(changed.content);
  documents_[changed.name] = {std::move(object), changed};
  host_.on_document(changed.name, *this);
}

void Topic::apply(const media::NameExpected& expected) {
  if (expected_.size() >= expected_max || !expected_.insert(expected.name).second) return;
  host_.on_expected(expected.name);
}

void Topic::apply(const media::NameGone& gone) {
  expect_no_longer(gone.name);
  if (documents_.erase(gone.name) > 0) host_.on_document_lost(gone.name, *this);
}

// What is left out beyond the limit is told to those who are here, and to newcomers no more.
void Topic::apply(const media::GuestsRevoked& revoked) {
  const auto same = [&](const media::GuestsRevoked& one) {
    return one.channel == revoked.channel && one.viewer == revoked.viewer;
  };
  if (const auto known = std::ranges::find_if(revoked_, same); known != revoked_.end()) {
    *known = revoked;
  } else if (revoked_.size() < revoked_max) {
    revoked_.push_back(revoked);
  }
}

void Topic::expect_no_longer(const std::string& name) {
  if (expected_.erase(name) > 0) host_.on_unexpected(name);
}

// What is still to come of it is fetched.
void Topic::orphan(std::map<media::ObjectNumber, Open>::iterator open) {
  const Open taken = std::move(open->second);
  open_.erase(open);
  if (taken.log) host_.on_orphaned(taken.name, taken.object, taken.log);
}

// The rest of what is being born would be fetched for nobody.
void Topic::leave() {
  while (!open_.empty()) {
    const Open left = std::move(open_.begin()->second);
    open_.erase(open_.begin());
    if (left.log) left.log->end(LogEnd::aborted);
    host_.on_pushed_whole(left.name);
  }
  if (!over()) on_topic_end(media::TopicEnd::lost);  // a reader may have made an end of it
}

void Topic::on_topic_end(media::TopicEnd why) {
  KLIEG_ASSERT(!over(), "a topic ends once");
  end_ = why;
  subscription_.reset();
  while (!open_.empty()) orphan(open_.begin());
  for (const std::string& name : std::exchange(expected_, {})) host_.on_unexpected(name);
  // The last playlists of a broadcast that is over stay as they are; others would grow old here.
  for (auto next = documents_.begin(); next != documents_.end();) {
    const auto document = next++;
    if (why == media::TopicEnd::finished && document->second.as_it_came.finality == media::Finality::is_final) continue;
    const std::string name = document->first;
    documents_.erase(document);
    host_.on_document_lost(name, *this);
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
