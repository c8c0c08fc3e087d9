#include "wire/push_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace klieg::wire::push {
namespace {

using media::PushRecord;
using testing::HasSubstr;

std::shared_ptr<const media::ObjectHead> head_of(media::ObjectHead fields) {
  return std::make_shared<const media::ObjectHead>(std::move(fields));
}

Bytes bytes_of(const std::vector<PushRecord>& records) {
  std::vector<Bytes> pieces{preamble()};
  for (const PushRecord& record : records) append(record, pieces);
  return Bytes::join(pieces);
}

// A record in words, so that heads are compared by what they say and not by where they lie.
std::string words(const PushRecord& record) {
  struct {
    std::string head(const std::shared_ptr<const media::ObjectHead>& head) const {
      std::string text = "[";
      for (const auto& [name, value] : *head) text.append(name).append(": ").append(value).append("; ");
      return text + "]";
    }
    std::string operator()(const media::ObjectBegun& it) const {
      return "begun " + std::to_string(it.number) + ' ' + it.name + ' ' + head(it.head);
    }
    std::string operator()(const media::ObjectGrew& it) const {
      return "grew " + std::to_string(it.number) + " @" + std::to_string(it.offset) + ' ' +
             std::string(it.content.text());
    }
    std::string operator()(const media::ObjectEnded& it) const {
      return "ended " + std::to_string(it.number) + (it.how == LogEnd::complete ? " complete" : " aborted");
    }
    std::string operator()(const media::AliasBorn& it) const {
      return "alias " + std::to_string(it.of) + " @" + std::to_string(it.offset) + '+' + std::to_string(it.size) + ' ' +
             it.name + ' ' + head(it.head);
    }
    std::string operator()(const media::DocumentChanged& it) const {
      return "document " + it.name + ' ' + std::to_string(it.version.msn) + '.' + std::to_string(it.version.parts) +
             (it.version.last == media::Segment::finished ? " finished" : " open") +
             (it.finality == media::Finality::is_final ? " final " : " ") + head(it.head) +
             std::string(it.content.text());
    }
    std::string operator()(const media::NameExpected& it) const { return "expected " + it.name; }
    std::string operator()(const media::NameGone& it) const { return "gone " + it.name; }
    std::string operator()(const media::GuestsRevoked& it) const {
      return "revoked " + it.channel + ' ' + (it.viewer ? std::to_string(*it.viewer) : "everybody") + " until " +
             std::to_string(it.issued_until_s);
    }
  } teller;
  return std::visit(teller, record);
}

// Content that came in several pieces is one again.
std::vector<std::string> joined(const std::vector<PushRecord>& records) {
  std::vector<std::string> all;
  const media::ObjectGrew* before = nullptr;
  uint64_t next = 0;
  for (const PushRecord& record : records) {
    const auto* grew = std::get_if<media::ObjectGrew>(&record);
    if (grew && before && grew->number == before->number && grew->offset == next) {
      all.back() += grew->content.text();
    } else {
      all.push_back(words(record));
    }
    before = grew;
    if (grew) next = grew->offset + grew->content.size();
  }
  return all;
}

std::string any_name() {
  return "/" + *rc::gen::resize(40, rc::gen::container<std::string>(rc::gen::elementOf(std::string("az09AZ.-_/?=&%"))));
}
uint32_t any_u32() { return *rc::gen::arbitrary<uint32_t>(); }
uint64_t any_offset() { return *rc::gen::inRange<uint64_t>(0, offset_max); }
Bytes any_content() { return Bytes::take(*rc::gen::arbitrary<std::string>()); }

std::shared_ptr<const media::ObjectHead> any_head() {
  media::ObjectHead head;
  for (int field = *rc::gen::inRange(0, 6); field > 0; --field) {
    head.emplace_back(
        "x-" + *rc::gen::resize(20, rc::gen::container<std::string>(rc::gen::elementOf(std::string("az09-_")))),
        *rc::gen::resize(50, rc::gen::container<std::string>(rc::gen::elementOf(std::string("aZ9 \t\"=;,\xe4")))));
  }
  return head_of(std::move(head));
}

PushRecord any_record() {
  switch (*rc::gen::inRange(0, 7)) {
    case 0:
      return media::ObjectBegun{any_u32(), any_name(), any_head(), nullptr};
    case 1:
      return media::ObjectGrew{any_u32(), any_offset(), Bytes::take("c" + *rc::gen::arbitrary<std::string>())};
    case 2:
      return media::ObjectEnded{any_u32(), *rc::gen::element(LogEnd::complete, LogEnd::aborted)};
    case 3:
      return media::AliasBorn{any_u32(), any_name(), any_head(), any_offset(), any_offset()};
    case 4:
      return media::DocumentChanged{any_name(),
                                    any_head(),
                                    {*rc::gen::arbitrary<uint64_t>(), *rc::gen::arbitrary<uint64_t>(),
                                     *rc::gen::element(media::Segment::open, media::Segment::finished)},
                                    *rc::gen::element(media::Finality::may_change, media::Finality::is_final),
                                    any_content()};
    case 5:
      return media::NameExpected{any_name()};
    case 6:
      return media::GuestsRevoked{any_name(), *rc::gen::element(std::optional<uint64_t>(), std::optional<uint64_t>(7)),
                                  *rc::gen::inRange<int64_t>(0, INT64_MAX)};
    default:
      return media::NameGone{any_name()};
  }
}

RC_GTEST_PROP(PushRecord, records_survive_any_fragmentation, ()) {
  std::vector<PushRecord> records;
  for (int count = *rc::gen::inRange(0, 12); count > 0; --count) records.push_back(any_record());
  const Bytes stream = bytes_of(records);
  const bool shared = *rc::gen::arbitrary<bool>();
  Decoder decoder;
  std::vector<PushRecord> decoded;
  for (size_t done = 0; done < stream.size();) {
    const size_t size = std::min(stream.size() - done, *rc::gen::inRange<size_t>(1, 200));
    const Bytes piece = stream.slice(done, size);
    RC_ASSERT((shared ? decoder.feed(piece, decoded) : decoder.feed(piece.view(), decoded)).has_value());
    done += size;
  }
  RC_ASSERT(joined(decoded) == joined(records));
}

RC_GTEST_PROP(PushRecord, what_is_broken_is_refused_alike_however_it_is_cut, ()) {
  std::vector<PushRecord> records;
  for (int count = *rc::gen::inRange(1, 6); count > 0; --count) records.push_back(any_record());
  std::string stream(bytes_of(records).text());
  for (int hits = *rc::gen::inRange(1, 4); hits > 0; --hits) {
    stream[*rc::gen::inRange<size_t>(0, stream.size())] = *rc::gen::arbitrary<char>();
  }
  std::vector<PushRecord> at_once;
  Decoder whole;
  const bool accepted = whole.feed(as_bytes(stream), at_once).has_value();
  std::vector<PushRecord> by_byte;
  Decoder slow;
  bool accepted_slowly = true;
  for (const char letter : stream) accepted_slowly = slow.feed(as_bytes({&letter, 1}), by_byte).has_value();
  RC_ASSERT(accepted == accepted_slowly);
  RC_ASSERT(joined(at_once) == joined(by_byte));
}

TEST(PushRecord, content_is_neither_copied_when_written_nor_when_it_is_fed_as_bytes) {
  const Bytes content = Bytes::copy_of("the content of a chunk");
  std::vector<Bytes> pieces;
  append(media::ObjectGrew{1, 0, content}, pieces);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[1].data(), content.data());

  const Bytes stream = bytes_of({media::ObjectGrew{1, 0, content}});
  Decoder decoder;
  std::vector<PushRecord> decoded;
  ASSERT_TRUE(decoder.feed(stream, decoded));
  EXPECT_EQ(std::get<media::ObjectGrew>(decoded.at(0)).content.data(), stream.data() + stream.size() - content.size());
}

TEST(PushRecord, content_is_handed_on_before_all_of_it_is_here) {
  const Bytes stream = bytes_of({media::ObjectGrew{7, 100, Bytes::copy_of("0123456789")}});
  Decoder decoder;
  std::vector<PushRecord> decoded;
  ASSERT_TRUE(decoder.feed(stream.slice(0, stream.size() - 6), decoded));
  ASSERT_EQ(decoded.size(), 1u);
  EXPECT_EQ(words(decoded[0]), "grew 7 @100 0123");
  ASSERT_TRUE(decoder.feed(stream.slice(stream.size() - 6), decoded));
  EXPECT_EQ(words(decoded.at(1)), "grew 7 @104 456789");
}

TEST(PushRecord, long_content_is_told_in_several_records) {
  const Bytes content = Bytes::take(std::string(2 * content_size_max + 1, 'x'));
  std::vector<Bytes> pieces;
  append(media::ObjectGrew{1, 5, content}, pieces);
  EXPECT_EQ(pieces.size(), 6u);
  EXPECT_EQ(joined([&] {
              Decoder decoder;
              std::vector<PushRecord> decoded;
              EXPECT_TRUE(decoder.feed(bytes_of({media::ObjectGrew{1, 5, content}}), decoded));
              return decoded;
            }()),
            std::vector{"grew 1 @5 " + std::string(content.text())});
}

// The stream with one record of this type and body.
std::string raw(uint8_t type, const std::string& body, std::optional<uint32_t> claimed = std::nullopt) {
  ByteWriter out;
  out.u8(type);
  out.u32(claimed.value_or(static_cast<uint32_t>(body.size())));
  out.text(body);
  return std::string(preamble().text()) + std::string(out.take().text());
}
std::string refusal_of(const std::string& stream) {
  Decoder decoder;
  std::vector<PushRecord> decoded;
  const Result<void> fed = decoder.feed(as_bytes(stream), decoded);
  if (fed) return "";
  EXPECT_EQ(decoder.feed(as_bytes("x"), decoded), fed) << "an error is final";
  return fed.error().message;
}
std::string named(const std::string& name) {
  ByteWriter out;
  out.u16(static_cast<uint16_t>(name.size()));
  out.text(name);
  return std::string(out.take().text());
}

TEST(PushRecord, records_of_a_later_version_are_skipped) {
  std::string stream = raw(200, std::string(100'000, 'x'));
  stream += raw(201, "").substr(preamble().size());
  stream += bytes_of({media::NameExpected{"/a"}}).text().substr(preamble().size());
  Decoder decoder;
  std::vector<PushRecord> decoded;
  for (const char letter : stream) ASSERT_TRUE(decoder.feed(as_bytes({&letter, 1}), decoded));
  ASSERT_EQ(decoded.size(), 1u);
  EXPECT_EQ(words(decoded[0]), "expected /a");
}

TEST(PushRecord, another_language_is_refused_at_its_first_word) {
  EXPECT_THAT(refusal_of("HTTP/1.1 200 OK"), HasSubstr("no subscription"));
  std::string next(preamble().text());
  next.back() = 2;
  EXPECT_THAT(refusal_of(next), HasSubstr("version 2"));
}

TEST(PushRecord, what_is_too_long_is_refused_before_it_comes) {
  EXPECT_THAT(refusal_of(raw(2, std::string(12, '\0'), 12 + content_size_max + 1)), HasSubstr("type 2"));
  EXPECT_THAT(refusal_of(raw(6, "", 3 + name_size_max)), HasSubstr("type 6"));
  EXPECT_THAT(refusal_of(raw(5, "", UINT32_MAX)), HasSubstr("type 5"));
  EXPECT_THAT(refusal_of(raw(3, "", 0)), HasSubstr("type 3"));
}

TEST(PushRecord, names_and_heads_that_would_break_http_are_refused) {
  EXPECT_EQ(refusal_of(raw(6, named("/live/a?b=c"))), "");
  for (const char* name : {"", "live", "/a b", "/a\r\nx: y", "/\xc3\xa4"}) {
    EXPECT_NE(refusal_of(raw(6, named(name))), "") << name;
  }
  EXPECT_NE(refusal_of(raw(6, named("/a") + "x")), "") << "more than its fields";
  const auto with = [](const std::string& name, const std::string& value) {
    return refusal_of(std::string(bytes_of({media::ObjectBegun{1, "/a", head_of({{name, value}}), nullptr}}).text()));
  };
  EXPECT_EQ(with("etag", "\"x\""), "");
  EXPECT_NE(with("etag", "\"x\"\r\nset-cookie: a"), "");
  EXPECT_NE(with("ETag", "\"x\""), "");
  EXPECT_NE(with("", "x"), "");
  EXPECT_NE(with("content-length", "5"), "");
  EXPECT_NE(with("transfer-encoding", "chunked"), "");
}

}  // namespace
}  // namespace klieg::wire::push
