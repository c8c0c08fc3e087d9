#include "wire/room_record.h"

#include <algorithm>
#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

#include "base/utf8.h"
#include "wire/room_message.h"

namespace klieg::wire::room {
namespace {

constexpr size_t length_size = 4;
constexpr uint64_t for_ever = UINT64_MAX;

// Both directions pass the same members in the same order: what is written is what is read, by construction.
class Writing {
 public:
  void number(const std::unsigned_integral auto& value, uint64_t /*max*/ = UINT64_MAX) {
    for (size_t i = sizeof(value); i-- > 0;) out_.u8(static_cast<uint8_t>(value >> (8 * i)));
  }
  template <class T>
    requires std::is_enum_v<T>
  void number(const T& value, T last) {
    KLIEG_ASSERT(value <= last, "an enumerator is one");
    number(static_cast<std::underlying_type_t<T>>(value));
  }
  void duration(const Duration& value) {
    number(value == Duration::max() ? for_ever : static_cast<uint64_t>(to_ms(value)));
  }
  template <class Time>
  void time(const Time& value) {
    duration(value.time_since_epoch());
  }
  void text(const std::string& value, size_t max) {
    KLIEG_ASSERT(value.size() <= max && max <= UINT16_MAX, "texts are short");
    number(static_cast<uint16_t>(value.size()));
    out_.text(value);
  }
  template <class T>
  void list(const std::vector<T>& values, size_t max, size_t /*size_least*/, auto&& member) {
    KLIEG_ASSERT(values.size() <= max, "lists are short");
    number(static_cast<uint32_t>(values.size()));
    for (const T& value : values) member(*this, value);
  }
  template <class... Kinds>
  void one_of(const std::variant<Kinds...>& value) {
    number(static_cast<uint8_t>(value.index()));
    std::visit([this](const auto& kind) { pass(*this, kind); }, value);
  }

  size_t size() const { return out_.size(); }
  Bytes take() {
    KLIEG_ASSERT(out_.size() <= record_size_max, "a record is within its limit");
    ByteWriter whole;
    whole.u32(static_cast<uint32_t>(out_.size()));
    whole.bytes(out_.view());
    return whole.take();
  }

 private:
  ByteWriter out_;
};

class Reading {
 public:
  explicit Reading(ByteView content) : in_(content) {}

  template <std::unsigned_integral T>
  void number(T& value, uint64_t max = UINT64_MAX) {
    uint64_t read = 0;
    for (size_t i = 0; i < sizeof(T); ++i) read = read << 8 | in_.u8();
    require(read <= max);
    value = static_cast<T>(read);
  }
  template <class T>
    requires std::is_enum_v<T>
  void number(T& value, T last) {
    std::underlying_type_t<T> read{};
    number(read, static_cast<uint64_t>(last));
    value = static_cast<T>(read);
  }
  void duration(Duration& value) {
    uint64_t ms = 0;
    number(ms);
    value = ms == for_ever ? Duration::max() : Duration(std::chrono::milliseconds(bounded(ms)));
  }
  void time(MediaTime& value) {
    uint64_t ms = 0;
    number(ms);
    value = MediaTime(std::chrono::milliseconds(bounded(ms)));
  }
  void time(WallTime& value) {
    Duration since{0};
    duration(since);
    value = WallTime(since);
  }
  void text(std::string& value, size_t max) {
    uint16_t size = 0;
    number(size, max);
    const ByteView content = in_.bytes(ok() ? size : 0);
    require(is_utf8(content));
    value.assign(content.begin(), content.end());
  }
  template <class T>
  void list(std::vector<T>& values, size_t max, size_t size_least, auto&& member) {
    uint32_t count = 0;
    number(count, max);
    require(count <= in_.remaining() / size_least);
    if (!ok()) return;
    values.resize(count);
    for (T& value : values) {
      member(*this, value);
      if (!ok()) return;
    }
  }
  template <class... Kinds>
  void one_of(std::variant<Kinds...>& value) {
    uint8_t index = 0;
    number(index, sizeof...(Kinds) - 1);
    if (!ok()) return;
    uint8_t at = 0;
    (void)((at++ == index ? (pass(*this, value.template emplace<Kinds>()), true) : false) || ...);
  }

  bool ok() const { return ok_ && in_.ok(); }
  bool at_end() const { return in_.remaining() == 0; }

 private:
  void require(bool holds) { ok_ = ok_ && holds; }
  int64_t bounded(uint64_t ms) {
    require(ms <= static_cast<uint64_t>(time_ms_max) * 4);  // of the wall: the year 2109
    return ok_ ? static_cast<int64_t>(ms) : 0;
  }

  ByteReader in_;
  bool ok_ = true;
};

// One that is read may be written to, one that is written may not.
template <class T, class Value>
concept Of = std::same_as<std::remove_const_t<T>, Value>;

void account(auto& io, Of<media::AccountId> auto& id) { io.number(id, media::AccountId{media::account_id_max}); }

void pass(auto& io, Of<media::Person> auto& it) {
  account(io, it.account);
  io.text(it.name, name_size_max);
  io.number(it.standing, media::Standing::broadcaster);
}
void pass(auto& io, Of<media::Comment> auto& it) {
  io.number(it.id);
  pass(io, it.author);
  io.text(it.text, text_size_max);
  io.time(it.at);
  io.time(it.said);
}
void pass(auto& io, Of<media::HeartCount> auto& it) {
  io.number(it.bucket);
  io.number(it.count);
}
void pass(auto& io, Of<media::RoomRules> auto& it) {
  io.number(it.who, media::WhoMayComment::nobody);
  io.number(it.first, media::first_max);
  io.duration(it.slow);
  io.number(it.review, media::Review::everything);
}
void texts(auto& io, Of<std::vector<std::string>> auto& all, size_t max) {
  io.list(all, max, 2, [](auto& inner, auto& one) { inner.text(one, text_size_max); });
}
void hearts(auto& io, Of<std::vector<media::HeartCount>> auto& all) {
  io.list(all, record_size_max, 8, [](auto& inner, auto& one) { pass(inner, one); });
}
void accounts(auto& io, Of<std::vector<media::AccountId>> auto& all) {
  io.list(all, record_size_max, 8, [](auto& inner, auto& one) { account(inner, one); });
}

// --- commands ---

void pass(auto& io, Of<media::DeleteComment> auto& it) { io.number(it.comment); }
void pass(auto& io, Of<media::ReleaseComment> auto& it) { io.number(it.comment); }
void pass(auto& io, Of<media::PinComment> auto& it) { io.number(it.comment); }
void pass(auto& io, Of<media::Bar> auto& it) {
  account(io, it.account);
  io.duration(it.duration);
}
void pass(auto& io, Of<media::Unbar> auto& it) { account(io, it.account); }
void pass(auto& io, Of<media::SetRules> auto& it) { pass(io, it.rules); }
void pass(auto& io, Of<media::SetWords> auto& it) { texts(io, it.words, words_max); }
void pass(auto& io, Of<media::OpenPoll> auto& it) {
  io.text(it.question, text_size_max);
  texts(io, it.options, media::poll_options_max);
  io.duration(it.duration);
}
void pass(auto& io, Of<media::ClosePoll> auto& it) { io.number(it.poll); }

// --- up ---

void pass(auto& io, Of<media::HeartsGiven> auto& it) { hearts(io, it.hearts); }
void pass(auto& io, Of<media::CommentOffered> auto& it) {
  pass(io, it.author);
  io.text(it.text, text_size_max);
  io.time(it.at);
}
void pass(auto& io, Of<media::VotesGiven> auto& it) {
  io.number(it.poll);
  io.number(it.option, media::poll_options_max - 1);
  accounts(io, it.accounts);
}
void pass(auto& io, Of<media::CommandGiven> auto& it) {
  pass(io, it.by);
  io.time(it.at);
  io.one_of(it.command);
}
void pass(auto& io, Of<media::Census> auto& it) {
  io.list(it.people, record_size_max, 11, [](auto& inner, auto& one) { pass(inner, one); });
  io.number(it.anonymous);
}
void pass(auto& io, Of<media::PersonCame> auto& it) { pass(io, it.person); }
void pass(auto& io, Of<media::PersonLeft> auto& it) { account(io, it.account); }
void pass(auto& io, Of<media::AnonymousCounted> auto& it) { io.number(it.count); }

void pass(auto& io, Of<media::BatchKey> auto& it) {
  io.text(it.node, node_size_max);
  io.number(it.run);
  io.number(it.sequence);
}
void pass(auto& io, Of<media::Batch> auto& it) {
  pass(io, it.key);
  io.list(it.records, batch_records_max, 5, [](auto& inner, auto& one) { inner.one_of(one); });
}

void pass(auto& io, Of<media::CommentTaken> auto& it) {
  io.number(it.id);
  io.text(it.text, text_size_max);
  io.number(it.visibility, media::Visibility::held);
}
void pass(auto& io, Of<media::VotesTaken> auto& it) {
  accounts(io, it.voted_before);
  accounts(io, it.barred);
}
void pass(auto& /*io*/, Of<media::CommandDone> auto& /*it*/) {}
void pass(auto& io, Of<media::Refusal> auto& it) { io.number(it, media::Refusal::no_way); }
void pass(auto& io, Of<media::BatchAnswer> auto& it) {
  pass(io, it.key);
  io.list(it.answers, batch_records_max, 5, [](auto& inner, auto& one) {
    inner.number(one.index);
    inner.one_of(one.outcome);
  });
}

// --- down ---

void pass(auto& io, Of<media::EdgeStamped> auto& it) {
  io.time(it.newest);
  io.time(it.wall);
}
void pass(auto& io, Of<media::CommentMade> auto& it) { pass(io, it.comment); }
void pass(auto& io, Of<media::CommentHeld> auto& it) { pass(io, it.comment); }
void pass(auto& io, Of<media::CommentGone> auto& it) { io.number(it.id); }
void pass(auto& io, Of<media::CommentPinned> auto& it) { pass(io, it.comment); }
void pass(auto& io, Of<media::HeartsCounted> auto& it) { hearts(io, it.hearts); }
void pass(auto& io, Of<media::PollOpened> auto& it) {
  io.number(it.poll.id);
  io.text(it.poll.question, text_size_max);
  texts(io, it.poll.options, media::poll_options_max);
  io.time(it.poll.opens);
  io.time(it.poll.closes);
}
void pass(auto& io, Of<media::PollClosed> auto& it) {
  io.number(it.poll);
  io.time(it.closes);
}
void pass(auto& io, Of<media::PollCounted> auto& it) {
  io.number(it.poll);
  io.list(it.votes, media::poll_options_max, 8, [](auto& inner, auto& one) { inner.number(one); });
  io.number(it.counting, media::Counting::final);
}
void pass(auto& io, Of<media::RulesChanged> auto& it) { pass(io, it.rules); }
void pass(auto& io, Of<media::ViewersCounted> auto& it) { io.number(it.viewers); }
void pass(auto& io, Of<media::PeopleJoined> auto& it) {
  texts(io, it.names, words_max);
  io.number(it.others);
}
void pass(auto& io, Of<media::Audited> auto& it) {
  pass(io, it.by);
  io.one_of(it.command);
  io.time(it.when);
}
void pass(auto& io, Of<media::VotesCast> auto& it) {
  io.number(it.poll);
  io.number(it.option, media::poll_options_max - 1);
  accounts(io, it.accounts);
}
void pass(auto& io, Of<media::PersonBarred> auto& it) {
  account(io, it.account);
  io.time(it.until);
}
void pass(auto& /*io*/, Of<media::RoomEnded> auto& /*it*/) {}
void pass(auto& io, Of<media::OrderKept> auto& it) { accounts(io, it.moderators); }

// A record as a whole. Of a later kind of event: nothing is read of it.
void pass_record(auto& io, Of<media::RoomEvent> auto& event) { io.one_of(event); }
void pass_record(auto& io, Of<media::Batch> auto& batch) { pass(io, batch); }
void pass_record(auto& io, Of<media::BatchAnswer> auto& answer) { pass(io, answer); }

Bytes written(const auto& record) {
  Writing out;
  pass_record(out, record);
  return out.take();
}

template <class Kind>
bool is_later_kind(ByteView) {
  return false;
}
template <>
bool is_later_kind<media::RoomEvent>(ByteView content) {
  return !content.empty() && content[0] >= std::variant_size_v<media::RoomEvent>;
}

}  // namespace

Bytes record_of(const media::RoomEvent& event) { return written(event); }
Bytes record_of(const media::Batch& batch) { return written(batch); }
Bytes record_of(const media::BatchAnswer& answer) { return written(answer); }

size_t size_of(const media::RoomRecord& record) {
  Writing out;
  out.one_of(record);
  return out.size();
}

template <class Kind>
Result<void> RecordReader<Kind>::feed(ByteView received, std::vector<Kind>& out) {
  while (!error_) {
    if (partial_.empty() && received.empty()) break;
    const auto fill = [&](size_t size) {
      const size_t more = std::min(size - std::min(size, partial_.size()), received.size());
      partial_.insert(partial_.end(), received.begin(), received.begin() + static_cast<ptrdiff_t>(more));
      received = received.subspan(more);
      return partial_.size() >= size;
    };
    if (!fill(length_size)) break;
    const size_t size = ByteReader(partial_).u32();
    if (size > record_size_max) {
      error_ = Error{"a record of a room with " + std::to_string(size) + " bytes"};
      break;
    }
    if (!fill(length_size + size)) break;
    const ByteView content = ByteView(partial_).subspan(length_size);
    if (!is_later_kind<Kind>(content)) {
      Reading in(content);
      Kind record;
      pass_record(in, record);
      if (in.ok() && in.at_end()) {
        out.push_back(std::move(record));
      } else {
        error_ = Error{"a record of a room that is not as it should be"};
      }
    }
    partial_.clear();
  }
  if (error_) return std::unexpected(*error_);
  return {};
}

template class RecordReader<media::RoomEvent>;
template class RecordReader<media::Batch>;
template class RecordReader<media::BatchAnswer>;

}  // namespace klieg::wire::room
