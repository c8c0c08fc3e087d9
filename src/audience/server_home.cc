#include "audience/server_home.h"

#include <utility>

#include "audience/resumption.h"
#include "wire/room_record.h"

namespace klieg::audience {

namespace {

std::vector<Told> last_words() {
  std::vector<Told> told;
  told.emplace_back(ObjectOpened());
  told.emplace_back(ObjectContinued{wire::room::record_of(media::RoomEvent(media::RoomEnded()))});
  return told;
}

}  // namespace

// A loop that has joined.
class HomeServer::Member final : public media::PushSink {
 public:
  Member(RoomLog& log, const std::string& topic, Tell tell)
      : tell_(std::move(tell)), subscription_(log.subscribe(topic, *this)) {}

  void on_push(media::PushRecord record) override {
    if (std::holds_alternative<media::ObjectBegun>(record)) gathered.emplace_back(ObjectOpened());
    if (auto* grew = std::get_if<media::ObjectGrew>(&record)) {
      gathered.emplace_back(ObjectContinued{std::move(grew->content)});
    }
  }
  void on_topic_end(media::TopicEnd) override {}  // the log's last words are RoomEnded

  void send() {
    if (!gathered.empty()) tell_(std::exchange(gathered, {}));
  }

  std::vector<Told> gathered;

 private:
  const Tell tell_;
  const std::unique_ptr<media::Subscription> subscription_;
};

HomeServer::HomeServer(net::Loop& loop, const std::string& topic, const RoomSettings& settings, Journal& journal)
    : loop_(loop), topic_(topic), room_(settings, journal), log_(topic), timer_(loop, [this] { wake(); }) {
  timer_.arm(loop_.now() + Room::wake_every);
}

HomeServer::~HomeServer() {
  if (over()) log_.end();
  for (Caller& caller : callers_) caller.reply(std::move(caller.answers));
  for (DeskReader& reader : desk_readers_) reader.reply({});
}

void HomeServer::restore(JournalEntry entry) { room_.restore(resumed(std::move(entry), loop_.wall_now()), now()); }

void HomeServer::restored() { wake(); }

void HomeServer::join(const std::string& node, Tell tell) {
  if (abandoned_) return tell(last_words());
  auto& member = members_[node];
  member.reset();  // the log may be told of one at a time
  member = std::make_unique<Member>(log_, topic_, std::move(tell));
  for (media::RoomEvent& event : room_.desk_state()) member->gathered.emplace_back(DeskHeard{std::move(event)});
  log_.flush();
  member->send();
}

void HomeServer::leave(const std::string& node) { members_.erase(node); }

void HomeServer::take(const std::vector<media::Batch>& batches) {
  if (abandoned_) return;
  for (const media::Batch& batch : batches) {
    if (room_.take(batch, now()) != Taken::busy) continue;
    if (const auto member = members_.find(batch.key.node); member != members_.end()) {
      member->second->gathered.emplace_back(NotTaken());
    }
    break;  // none behind it is taken before it
  }
  publish();
}

void HomeServer::take(const std::vector<media::Batch>& batches, Reply reply) {
  if (abandoned_ || callers_.size() >= callers_max) return reply({});
  Caller& caller = callers_.emplace_back();
  caller.reply = std::move(reply);
  caller.until = loop_.now() + answered_within;
  for (const media::Batch& batch : batches) {
    const Taken taken = room_.take(batch, now());
    if (taken == Taken::busy || taken == Taken::outdated) break;
    caller.missing.push_back(batch.key);
  }
  publish();
}

void HomeServer::read_desk(DeskPlace heard, DeskReply reply) {
  if (abandoned_ || desk_readers_.size() >= callers_max) return reply({});
  desk_readers_.push_back({heard, std::move(reply), loop_.now() + answered_within});
  this->reply(loop_.now());
}

void HomeServer::write_desk(const std::vector<media::RoomEvent>& events) {
  for (const media::RoomEvent& event : events) desk_.append(wire::room::record_of(event));
  if (desk_.size() - desk_.first() > desk_kept_max) desk_.forget_before(desk_.size() - desk_kept_max);
}

// A place is one more than the offset, as 0 is nobody's.
std::optional<Bytes> HomeServer::desk_behind(DeskPlace heard) const {
  const DeskPlace all = desk_.size() + 1;
  if (heard == all) return std::nullopt;
  std::vector<Bytes> records;
  if (heard > desk_.first() && heard < all) {
    desk_.gather(heard - 1, UINT64_MAX, records);
  } else {
    for (const media::RoomEvent& event : room_.desk_state()) records.push_back(wire::room::record_of(event));
  }
  return desk_answer_of(all, records);
}

void HomeServer::abandon() {
  abandoned_ = true;
  timer_.cancel();
  for (DeskReader& reader : std::exchange(desk_readers_, {})) reader.reply({});
  for (const auto& [_, member] : std::exchange(members_, {})) {
    member->gathered = last_words();
    member->send();
  }
  for (Caller& caller : std::exchange(callers_, {})) std::exchange(caller.reply, nullptr)(std::move(caller.answers));
}

void HomeServer::safe_up_to(uint64_t number) {
  if (abandoned_) return;
  room_.safe_up_to(number);
  publish();
}

void HomeServer::stamp(MediaTime newest) {
  if (over()) return;
  room_.stamp(newest, now());
  publish();
}

void HomeServer::end() {
  room_.end(now());
  publish();
}

void HomeServer::wake() {
  room_.wake(now());
  publish();
  log_.flush();
  if (!over()) timer_.arm(loop_.now() + Room::wake_every);
}

void HomeServer::publish() {
  if (const auto events = room_.take_events(); !events.empty()) log_.append(events, loop_.now());
  const auto desk = room_.take_desk_events();
  for (media::BatchAnswer& answer : room_.take_answers()) {
    for (Caller& caller : callers_) {
      if (std::erase(caller.missing, answer.key) > 0) caller.answers.push_back(answer);
    }
    const auto member = members_.find(answer.key.node);
    if (member != members_.end()) member->second->gathered.emplace_back(std::move(answer));
  }
  write_desk(desk);
  reply(loop_.now());
  for (const auto& [_, member] : members_) {
    for (const media::RoomEvent& event : desk) member->gathered.emplace_back(DeskHeard{event});
    member->send();
  }
}

void HomeServer::reply(LoopTime now) {
  for (Caller& caller : callers_) {
    if (caller.missing.empty() || now >= caller.until) std::exchange(caller.reply, nullptr)(std::move(caller.answers));
  }
  std::erase_if(callers_, [](const Caller& caller) { return !caller.reply; });
  for (DeskReader& reader : desk_readers_) {
    std::optional<Bytes> more = desk_behind(reader.heard);
    if (!more && now >= reader.until) more = desk_answer_of(reader.heard, {});
    if (more) std::exchange(reader.reply, nullptr)(std::move(*more));
  }
  std::erase_if(desk_readers_, [](const DeskReader& reader) { return !reader.reply; });
}

}  // namespace klieg::audience
