#include "audience/line.h"

#include <algorithm>
#include <utility>

#include "audience/room_log.h"
#include "audience/upward.h"
#include "base/assert.h"
#include "wire/room_record.h"

namespace klieg::audience {
namespace {

Duration pause_after(uint32_t failures) {
  return std::min(Line::pause_max, Line::pause_first * (int64_t{1} << std::min(failures, 8u)));
}

}  // namespace

Line::Line(LineHost& host, std::string topic) : host_(host), topic_(std::move(topic)) { listen(); }

void Line::tell(Told told) {
  std::vector<Told> one;
  one.push_back(std::move(told));
  host_.tell(std::move(one));
}

void Line::wake() {
  if (state_ == State::over) return;
  if (state_ == State::listening && end_) {
    if (*end_ == media::TopicEnd::finished) return finish();
    rest();
  }
  if (state_ == State::resting && host_.now() >= look_at_) {
    state_ = State::looking;
    host_.look([this](Looked looked, const std::string& topic) { on_looked(looked, topic); });
  }
  if (way_lost_ && object_ && host_.now() >= up_again_at_) {
    way_lost_ = false;
    tell(WayFound());
  }
  if (host_.now() >= desk_again_at_) ask_desk();
}

// --- down ---

void Line::listen() {
  state_ = State::listening;
  end_.reset();
  media::PushSink& sink = *this;
  subscription_ = host_.subscribe(topic_, sink);
}

void Line::on_push(media::PushRecord record) {
  if (end_) return;
  if (const auto* begun = std::get_if<media::ObjectBegun>(&record)) {
    failures_ = 0;
    object_ = begun->number;
    if (std::exchange(object_name_, begun->name) == begun->name) return;
    offset_ = 0;
    tell(ObjectOpened());
  }
  auto* grew = std::get_if<media::ObjectGrew>(&record);
  if (!grew || grew->number != object_) return;
  if (grew->offset > offset_) {  // the bytes between will not come
    end_ = media::TopicEnd::lost;
    return;
  }
  const uint64_t known = offset_ - grew->offset;
  if (known >= grew->content.size()) return;
  offset_ += grew->content.size() - known;
  tell(ObjectContinued{grew->content.slice(known)});
}

void Line::rest() {
  subscription_.reset();
  object_.reset();
  state_ = State::resting;
  // What was heard a moment ago is asked for at once, of whoever is next.
  look_at_ = host_.now() + (failures_ == 0 ? Duration(0) : pause_after(failures_));
  ++failures_;
  lose_way_up();
  ++desk_request_;
  desk_asked_ = false;
}

void Line::on_looked(Looked looked, const std::string& topic) {
  if (state_ != State::looking) return;
  if (looked == Looked::live) {
    if (name_of_room(topic) != name_of_room(topic_)) return finish();
    absent_since_.reset();
    if (std::exchange(topic_, topic) != topic) {
      object_name_.clear();
      desk_heard_ = 0;
      tell(RoomMoved());
    }
    return listen();
  }
  if (looked == Looked::absent) {
    if (!absent_since_) absent_since_ = host_.now();
    if (host_.now() - *absent_since_ >= absent_max) return finish();
  }
  state_ = State::resting;
  look_at_ = host_.now() + pause_after(failures_++);
}

void Line::finish() {
  subscription_.reset();
  state_ = State::over;
  std::vector<Told> last;  // again, if the log had it
  last.emplace_back(ObjectOpened());
  last.emplace_back(ObjectContinued{wire::room::record_of(media::RoomEvent(media::RoomEnded()))});
  host_.tell(std::move(last));
}

// --- up ---

void Line::send(const std::vector<media::Batch>& batches) {
  if (way_lost_ || state_ == State::over) return;  // they are sent again
  for (const media::Batch& batch : batches) waiting_.push_back(wire::room::record_of(batch));
  ask();
}

void Line::ask() {
  if (under_way_ > 0 || waiting_.empty()) return;
  std::vector<Bytes> pieces;
  size_t size = 0;
  for (const Bytes& batch : waiting_) {
    if (size + batch.size() > upward_size_max) break;
    size += batch.size();
    pieces.push_back(batch);
  }
  under_way_ = pieces.size();
  KLIEG_ASSERT(under_way_ > 0, "a batch fits into a request");
  Bytes body = Bytes::join(pieces);
  std::string query = upward_query_of(topic_, ByteView(body.data(), body.size()));
  host_.post(upward_path_of(topic_), std::move(query), std::move(body),
             [this, request = ++request_](std::optional<Bytes> answered) {
               if (request == request_) on_answer(std::move(answered));
             });
}

void Line::on_answer(std::optional<Bytes> body) {
  std::vector<media::BatchAnswer> answers;
  bool understood = false;
  if (body) {
    wire::room::AnswerReader reader;
    understood = reader.feed(ByteView(body->data(), body->size()), answers).has_value();
  }
  const bool whole = understood && answers.size() == under_way_;
  if (!answers.empty()) {
    std::vector<Told> told;
    for (media::BatchAnswer& answer : answers) told.emplace_back(std::move(answer));
    host_.tell(std::move(told));
  }
  if (!whole) return lose_way_up();
  failures_up_ = 0;
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<ptrdiff_t>(under_way_));
  under_way_ = 0;
  ask();
}

// --- what is said among moderators ---

void Line::ask_desk() {
  if (desk_ == Desk::empty || desk_asked_ || state_ != State::listening || !object_) return;
  desk_asked_ = true;
  host_.post(upward_path_of(topic_), desk_query_of(desk_heard_), {},
             [this, request = ++desk_request_](std::optional<Bytes> answered) {
               if (request == desk_request_) on_desk(std::move(answered));
             });
}

void Line::on_desk(std::optional<Bytes> body) {
  desk_asked_ = false;
  std::optional<DeskRead> read;
  if (body) read = read_desk_answer(body->view());
  if (!read) {
    desk_again_at_ = host_.now() + pause_after(desk_failures_++);
    return;
  }
  desk_failures_ = 0;
  desk_heard_ = read->heard;
  std::vector<Told> told;
  for (media::RoomEvent& event : read->events) told.emplace_back(DeskHeard{std::move(event)});
  if (!told.empty()) host_.tell(std::move(told));
  ask_desk();
}

void Line::lose_way_up() {
  ++request_;
  waiting_.clear();
  under_way_ = 0;
  up_again_at_ = host_.now() + pause_after(failures_up_++);
  if (!std::exchange(way_lost_, true)) tell(WayLost());
}

}  // namespace klieg::audience
