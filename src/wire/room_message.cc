#include "wire/room_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "wire/websocket.h"

namespace klieg::wire::room {
namespace {

using media::Review;
using media::WhoMayComment;

template <size_t n>
std::optional<size_t> index_of(std::string_view name, const std::array<std::string_view, n>& names) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<size_t>(found - names.begin());
}

// --- reading ---

constexpr std::array<std::string_view, 10> number_names{"ref",     "at",      "count",   "poll",  "option",
                                                        "comment", "account", "seconds", "first", "slow_ms"};
constexpr std::array<std::string_view, 5> text_names{"type", "text", "question", "who", "review"};
constexpr std::array<std::string_view, 2> list_names{"options", "words"};

// The fields of one object, whichever they are. Told by the parser as they come: no tree is built.
struct Fields final : nlohmann::json_sax<nlohmann::json> {
  std::array<std::optional<int64_t>, number_names.size()> numbers;
  std::array<std::optional<std::string>, text_names.size()> texts;
  std::array<std::optional<std::vector<std::string>>, list_names.size()> lists;
  std::string_view fault;

  bool null() override { return other(); }
  bool boolean(bool) override { return other(); }
  bool number_float(double, const std::string&) override { return other(); }
  bool binary(nlohmann::json::binary_t&) override { return other(); }
  bool number_unsigned(uint64_t value) override {
    return value <= INT64_MAX ? number_integer(static_cast<int64_t>(value)) : other();
  }
  bool number_integer(int64_t value) override {
    const auto index = index_of(key_, number_names);
    if (!at_field() || !index) return other();
    return set(numbers[*index], value);
  }
  bool string(std::string& value) override {
    if (in_list_) {
      if (lists[*in_list_]->size() >= words_max) return refuse("a list that is too long");
      lists[*in_list_]->push_back(std::move(value));
      return true;
    }
    const auto index = index_of(key_, text_names);
    if (!at_field() || !index) return other();
    return set(texts[*index], std::move(value));
  }
  bool start_object(size_t) override { return depth_++ == 0 || refuse("an object within the object"); }
  bool end_object() override { return true; }
  bool key(std::string& name) override {
    key_ = std::move(name);
    return true;
  }
  bool start_array(size_t) override {
    const auto index = index_of(key_, list_names);
    if (!at_field() || !index) return refuse("a list where none belongs");
    in_list_ = index;
    return set(lists[*index], {});
  }
  bool end_array() override {
    in_list_.reset();
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) override {
    return refuse("this is not JSON");
  }

 private:
  bool at_field() const { return depth_ == 1 && !in_list_; }
  bool refuse(std::string_view why) {
    if (fault.empty()) fault = why;
    return false;
  }
  template <class T>
  bool set(std::optional<T>& field, T value) {
    if (field) return refuse("a field that is there twice");
    field = std::move(value);
    return true;
  }
  // A value of a kind that no field of ours has: of a newer page, unless its name is one of ours.
  bool other() {
    if (depth_ == 0 || in_list_ || index_of(key_, number_names) || index_of(key_, text_names) ||
        index_of(key_, list_names)) {
      return refuse("a field that is not as it should be");
    }
    return true;
  }

  size_t depth_ = 0;
  std::string key_;
  std::optional<size_t> in_list_;
};

class Form {
 public:
  explicit Form(Fields& fields) : fields_(fields) {}

  int64_t number(std::string_view name, int64_t min, int64_t max) {
    const std::optional<int64_t> value = fields_.numbers[*index_of(name, number_names)];
    const bool holds = value && *value >= min && *value <= max;
    require(holds, name);
    return holds ? *value : min;  // what is computed with it stays within bounds, too
  }
  int64_t number_or(std::string_view name, int64_t min, int64_t max, int64_t otherwise) {
    return fields_.numbers[*index_of(name, number_names)] ? number(name, min, max) : otherwise;
  }
  std::string text(std::string_view name) {
    auto& value = fields_.texts[*index_of(name, text_names)];
    require(value && value->size() <= text_size_max, name);
    return std::move(value).value_or("");
  }
  std::vector<std::string> list(std::string_view name, size_t min, size_t max) {
    auto& value = fields_.lists[*index_of(name, list_names)];
    require(value && value->size() >= min && value->size() <= max &&
                std::ranges::all_of(*value, [](const std::string& one) { return one.size() <= text_size_max; }),
            name);
    return std::move(value).value_or(std::vector<std::string>());
  }
  template <size_t n>
  size_t one_of(std::string_view name, const std::array<std::string_view, n>& names) {
    const auto index = index_of(text(name), names);
    require(index.has_value(), name);
    return index.value_or(0);
  }

  uint32_t ref() { return static_cast<uint32_t>(number("ref", 0, UINT32_MAX)); }
  MediaTime at() { return MediaTime(std::chrono::milliseconds(number("at", 0, time_ms_max))); }
  media::PollId poll() { return static_cast<media::PollId>(number("poll", 1, UINT32_MAX)); }
  media::CommentId comment(int64_t min) { return static_cast<media::CommentId>(number("comment", min, time_ms_max)); }
  media::AccountId account() {
    return static_cast<media::AccountId>(number("account", 1, static_cast<int64_t>(media::account_id_max)));
  }

  const std::string& wrong() const { return wrong_; }

 private:
  void require(bool holds, std::string_view name) {
    if (!holds && wrong_.empty()) wrong_ = name;
  }

  Fields& fields_;
  std::string wrong_;  // the name of the first field that is
};

std::optional<media::Command> command_of(std::string_view type, Form& form) {
  if (type == "delete") return media::DeleteComment{form.comment(1)};
  if (type == "release") return media::ReleaseComment{form.comment(1)};
  if (type == "pin") return media::PinComment{form.comment(0)};
  if (type == "bar") {
    const int64_t seconds = form.number_or("seconds", 1, bar_seconds_max, 0);
    return media::Bar{form.account(), seconds > 0 ? Duration(std::chrono::seconds(seconds)) : Duration::max()};
  }
  if (type == "unbar") return media::Unbar{form.account()};
  if (type == "rules") {
    media::RoomRules rules;
    rules.who = static_cast<WhoMayComment>(form.one_of("who", media::who_may_comment_names));
    rules.first = static_cast<uint32_t>(form.number_or("first", 1, media::first_max, rules.first));
    rules.slow = std::chrono::milliseconds(form.number_or("slow_ms", 0, slow_ms_max, 0));
    rules.review = static_cast<Review>(form.one_of("review", media::review_names));
    return media::SetRules{rules};
  }
  if (type == "words") return media::SetWords{form.list("words", 0, words_max)};
  if (type == "open_poll") {
    media::OpenPoll open;
    open.question = form.text("question");
    open.options = form.list("options", media::poll_options_min, media::poll_options_max);
    open.duration = std::chrono::seconds(form.number("seconds", 1, poll_seconds_max));
    return open;
  }
  if (type == "close_poll") return media::ClosePoll{form.poll()};
  return std::nullopt;
}

std::optional<Said> said_of(std::string_view type, Form& form) {
  if (type == "hearts") {
    const auto count = static_cast<uint32_t>(form.number("count", 1, hearts_max));
    return HeartsTapped{count, form.at()};
  }
  if (type == "comment") return CommentTyped{form.ref(), form.at(), form.text("text")};
  if (type == "vote") {
    const uint32_t ref = form.ref();
    const MediaTime at = form.at();
    const media::PollId poll = form.poll();
    return VoteCast{ref, at, poll, static_cast<uint8_t>(form.number("option", 0, media::poll_options_max - 1))};
  }
  if (auto command = command_of(type, form)) return CommandSaid{form.ref(), form.at(), std::move(*command)};
  return std::nullopt;
}

// --- writing ---

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') {
      out += '\\';
      out += letter;
    } else if (static_cast<uint8_t>(letter) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<uint8_t>(letter));
    } else {
      out += letter;
    }
  }
  out += '"';
}

std::string in_quotes(std::string_view text) {
  std::string out;
  append_quoted(text, out);
  return out;
}

template <class List, class One>
std::string list_of(const List& list, One&& one) {
  std::string out = "[";
  for (const auto& element : list) {
    if (out.size() > 1) out += ',';
    out += one(element);
  }
  return out + ']';
}
std::string list_of(const std::vector<std::string>& texts) { return list_of(texts, in_quotes); }

int64_t ms_of(MediaTime time) { return to_ms(time.time_since_epoch()); }
int64_t ms_of(WallTime time) { return to_ms(time.time_since_epoch()); }

template <class... Parts>
void put(std::string& out, fmt::format_string<Parts...> format, Parts&&... parts) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Parts>(parts)...);
}

std::string person(const media::Person& person) {
  return fmt::format(R"({{"account":{},"name":{},"standing":"{}"}})", static_cast<uint64_t>(person.account),
                     in_quotes(person.name), name_of(person.standing));
}

std::string comment_of(const media::Comment& comment, std::string_view type) {
  return fmt::format(R"({{"type":"{}","id":{},"by":{},"at":{},"said":{},"text":{}}})", type, comment.id,
                     person(comment.author), ms_of(comment.at), ms_of(comment.said), in_quotes(comment.text));
}

std::string fields_of(const media::RoomRules& rules) {
  return fmt::format(R"("type":"rules","who":"{}","first":{},"slow_ms":{},"review":"{}")", name_of(rules.who),
                     rules.first, to_ms(rules.slow), name_of(rules.review));
}

// The fields of a command, as who gives it says them.
struct CommandFields {
  std::string operator()(const media::DeleteComment& it) const { return of_comment("delete", it.comment); }
  std::string operator()(const media::ReleaseComment& it) const { return of_comment("release", it.comment); }
  std::string operator()(const media::PinComment& it) const { return of_comment("pin", it.comment); }
  std::string operator()(const media::Bar& it) const {
    std::string out = fmt::format(R"("type":"bar","account":{})", static_cast<uint64_t>(it.account));
    if (it.duration != Duration::max()) put(out, R"(,"seconds":{})", it.duration / 1s);
    return out;
  }
  std::string operator()(const media::Unbar& it) const {
    return fmt::format(R"("type":"unbar","account":{})", static_cast<uint64_t>(it.account));
  }
  std::string operator()(const media::SetRules& it) const { return fields_of(it.rules); }
  std::string operator()(const media::SetWords& it) const {
    return fmt::format(R"("type":"words","words":{})", list_of(it.words));
  }
  std::string operator()(const media::OpenPoll& it) const {
    return fmt::format(R"("type":"open_poll","question":{},"options":{},"seconds":{})", in_quotes(it.question),
                       list_of(it.options), it.duration / 1s);
  }
  std::string operator()(const media::ClosePoll& it) const {
    return fmt::format(R"("type":"close_poll","poll":{})", it.poll);
  }
  static std::string of_comment(std::string_view type, media::CommentId comment) {
    return fmt::format(R"("type":"{}","comment":{})", type, comment);
  }
};

struct EventWriter {
  std::string& out;
  Hearer hearer;

  bool operator()(const media::CommentMade& it) const { return say(comment_of(it.comment, "comment")); }
  bool operator()(const media::CommentHeld& it) const {
    return hearer == Hearer::moderator && say(comment_of(it.comment, "held"));
  }
  bool operator()(const media::CommentGone& it) const {
    put(out, R"({{"type":"gone","id":{}}})", it.id);
    return true;
  }
  bool operator()(const media::CommentPinned& it) const {
    put(out, R"({{"type":"pinned","comment":{}}})", it.comment.id ? comment_of(it.comment, "comment") : "null");
    return true;
  }
  bool operator()(const media::HeartsCounted& it) const {
    put(out, R"({{"type":"hearts","hearts":{}}})", list_of(it.hearts, [](const media::HeartCount& heart) {
          return fmt::format("[{},{}]", heart.bucket, heart.count);
        }));
    return true;
  }
  bool operator()(const media::PollOpened& it) const {
    put(out, R"({{"type":"poll","id":{},"question":{},"options":{},"opens":{},"closes":{}}})", it.poll.id,
        in_quotes(it.poll.question), list_of(it.poll.options), ms_of(it.poll.opens), ms_of(it.poll.closes));
    return true;
  }
  bool operator()(const media::PollClosed& it) const {
    put(out, R"({{"type":"poll_closes","id":{},"closes":{}}})", it.poll, ms_of(it.closes));
    return true;
  }
  bool operator()(const media::PollCounted& it) const {
    put(out, R"({{"type":"votes","poll":{},"votes":{},"final":{}}})", it.poll,
        list_of(it.votes, [](uint64_t votes) { return std::to_string(votes); }), it.counting == media::Counting::final);
    return true;
  }
  bool operator()(const media::RulesChanged& it) const { return say('{' + fields_of(it.rules) + '}'); }
  bool operator()(const media::ViewersCounted& it) const {
    put(out, R"({{"type":"viewers","count":{}}})", it.viewers);
    return true;
  }
  bool operator()(const media::PeopleJoined& it) const {
    put(out, R"({{"type":"joined","names":{},"others":{}}})", list_of(it.names), it.others);
    return true;
  }
  bool operator()(const media::Audited& it) const {
    if (hearer != Hearer::moderator) return false;
    put(out, R"({{"type":"audit","by":{},"when":{},"did":{{{}}}}})", person(it.by), ms_of(it.when),
        std::visit(CommandFields(), it.command));
    return true;
  }
  bool operator()(const media::RoomEnded&) const { return say(R"({"type":"over"})"); }
  bool operator()(const media::EdgeStamped&) const { return false; }
  bool operator()(const media::VotesCast&) const { return false; }
  bool operator()(const media::PersonBarred&) const { return false; }  // Audited says who did it
  bool operator()(const media::OrderKept&) const { return false; }     // whoever is concerned is told who he is

  bool say(const std::string& text) const {
    out += text;
    return true;
  }
};

}  // namespace

Result<Said> read_said(std::string_view json) {
  if (json.size() > message_size_max) return fail("this message is too long");
  Fields fields;
  if (!nlohmann::json::sax_parse(json, &fields)) {
    return fail(std::string(fields.fault.empty() ? "this is not JSON" : fields.fault));
  }
  const std::string type = fields.texts[0].value_or("");
  Form form(fields);
  std::optional<Said> said = said_of(type, form);
  if (!said) return fail("there is no message of this type");
  if (!form.wrong().empty()) return fail("'" + form.wrong() + "' is missing or not as it should be");
  return std::move(*said);
}

std::string json_of(const Said& said) {
  struct {
    std::string operator()(const HeartsTapped& it) const {
      return fmt::format(R"({{"type":"hearts","count":{},"at":{}}})", it.count, ms_of(it.at));
    }
    std::string operator()(const CommentTyped& it) const {
      return fmt::format(R"({{"type":"comment","ref":{},"at":{},"text":{}}})", it.ref, ms_of(it.at),
                         in_quotes(it.text));
    }
    std::string operator()(const VoteCast& it) const {
      return fmt::format(R"({{"type":"vote","ref":{},"at":{},"poll":{},"option":{}}})", it.ref, ms_of(it.at), it.poll,
                         it.option);
    }
    std::string operator()(const CommandSaid& it) const {
      return fmt::format(R"({{{},"ref":{},"at":{}}})", std::visit(CommandFields(), it.command), it.ref, ms_of(it.at));
    }
  } writer;
  return std::visit(writer, said);
}

bool append_event(const media::RoomEvent& event, Hearer hearer, std::string& out) {
  return std::visit(EventWriter{out, hearer}, event);
}

void append_answer(uint32_t ref, const media::RecordOutcome& outcome, std::string& out) {
  if (const auto* refusal = std::get_if<media::Refusal>(&outcome)) {
    return put(out, R"({{"type":"refused","ref":{},"why":"{}","words":"{}"}})", ref, name_of(*refusal),
               words_of(*refusal));
  }
  put(out, R"({{"type":"done","ref":{})", ref);
  if (const auto* taken = std::get_if<media::CommentTaken>(&outcome)) {
    put(out, R"(,"id":{},"text":{},"held":{})", taken->id, in_quotes(taken->text),
        taken->visibility == media::Visibility::held);
  }
  out += '}';
}

bool Message::add(const media::RoomEvent& event, Hearer hearer) {
  const size_t before = text_.size();
  separate();
  if (append_event(event, hearer, text_)) return true;
  text_.resize(before);
  return false;
}

void Message::add_answer(uint32_t ref, const media::RecordOutcome& outcome) {
  separate();
  append_answer(ref, outcome, text_);
}

void Message::add_you(const media::Person& you) {
  separate();
  text_ += R"({"type":"you",)" + person(you).substr(1);
}

void Message::separate() {
  if (!empty()) text_ += ',';
}

Bytes Message::take_frame() {
  text_ += ']';
  std::vector<Bytes> pieces;
  websocket::append_frame(websocket::Opcode::text, Bytes::take(std::exchange(text_, "[")), pieces);
  return Bytes::join(pieces);
}

std::string_view name_of(media::Standing standing) {
  constexpr std::array<std::string_view, 4> names{"stranger", "follower", "moderator", "broadcaster"};
  return names[static_cast<size_t>(standing)];
}

namespace {

struct RefusalWords {
  std::string_view name;
  std::string_view words;
};
constexpr std::array<RefusalWords, 19> refusals{{
    {"nameless", "sign in to take part"},
    {"not_now", "comments are closed"},
    {"not_follower", "only followers may comment"},
    {"not_first", "only those who came first may comment"},
    {"banned", "you may not take part in this room"},
    {"timed_out", "you may take part again in a while"},
    {"too_soon", "slow mode: wait a little before the next comment"},
    {"too_much", "that was too much at once"},
    {"empty", "there is nothing in it that anybody could see"},
    {"too_long", "this is too long"},
    {"not_text", "this is not text"},
    {"word", "there is a word in it that this room does not want"},
    {"no_standing", "only moderators and the broadcaster may do this"},
    {"unknown", "there is no such thing in this room, or not any more"},
    {"not_open", "the poll is not open where you are watching"},
    {"too_late", "the result stands already"},
    {"voted", "you have voted in this poll"},
    {"busy", "the room has more to do than it can; try again"},
    {"no_way", "this server has lost its way to the broadcast; try again in a moment"},
}};
static_assert(static_cast<size_t>(media::Refusal::no_way) + 1 == refusals.size());

}  // namespace

std::string_view name_of(media::Refusal refusal) { return refusals[static_cast<size_t>(refusal)].name; }
std::string_view words_of(media::Refusal refusal) { return refusals[static_cast<size_t>(refusal)].words; }

}  // namespace klieg::wire::room
