// Records of a made-up topic, and a child that writes down what it hears and what that amounts to.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "media/push.h"

namespace klieg::edge {

inline const auto pushed_head = std::make_shared<const media::ObjectHead>(
    media::ObjectHead{{"content-type", "video/mp4"}, {"cache-control", "max-age=60, immutable"}, {"etag", "\"p\""}});

inline media::PushRecord begun(media::ObjectNumber number, std::string name) {
  return media::ObjectBegun{number, std::move(name), pushed_head, nullptr};
}
inline media::PushRecord grew(media::ObjectNumber number, uint64_t offset, std::string_view text) {
  return media::ObjectGrew{number, offset, Bytes::copy_of(text)};
}
inline media::PushRecord ended(media::ObjectNumber number, LogEnd how = LogEnd::complete) {
  return media::ObjectEnded{number, how};
}
inline media::PushRecord alias(media::ObjectNumber of, std::string name, uint64_t offset, uint64_t size) {
  return media::AliasBorn{of, std::move(name), pushed_head, offset, size};
}
inline media::PushRecord document(std::string name, uint64_t msn, uint64_t parts, std::string_view text,
                                  media::Finality finality = media::Finality::may_change) {
  return media::DocumentChanged{
      std::move(name), pushed_head, {msn, parts, media::Segment::open}, finality, Bytes::copy_of(text)};
}

// What somebody knows who heard these records.
struct Heard final : media::PushSink {
  struct Seen {
    std::string content;
    LogEnd end = LogEnd::growing;
    std::map<std::string, std::string> aliases;
    bool operator==(const Seen&) const = default;
  };

  void on_push(media::PushRecord record) override {
    EXPECT_FALSE(end) << "the end is the last call";
    ++records;
    std::visit([this](const auto& one) { apply(one); }, record);
    if (on_record) on_record();
  }
  void on_topic_end(media::TopicEnd why) override {
    EXPECT_FALSE(end);
    end = why;
    if (on_record) on_record();
  }

  void apply(const media::ObjectBegun& record) {
    EXPECT_FALSE(open.contains(record.number)) << "an object begins once";
    open[record.number] = record.name;
    objects[record.name] = {};
  }
  void apply(const media::ObjectGrew& record) {
    Seen& seen = object(record.number);
    EXPECT_EQ(record.offset, seen.content.size()) << "no byte twice, none left out";
    seen.content += record.content.text();
  }
  void apply(const media::ObjectEnded& record) {
    object(record.number).end = record.how;
    open.erase(record.number);
  }
  void apply(const media::AliasBorn& record) {
    Seen& seen = object(record.of);
    EXPECT_LE(record.offset + record.size, seen.content.size()) << "an alias comes after its bytes";
    EXPECT_FALSE(seen.aliases.contains(record.name)) << "an alias is born once";
    seen.aliases[record.name] = seen.content.substr(record.offset, record.size);
    expected.erase(record.name);
  }
  void apply(const media::DocumentChanged& record) { documents[record.name] = record.content.text(); }
  void apply(const media::NameExpected& record) { expected[record.name] = true; }
  void apply(const media::NameGone& record) {
    expected.erase(record.name);
    documents.erase(record.name);
  }
  void apply(const media::GuestsRevoked& record) { revoked.push_back(record); }
  Seen& object(media::ObjectNumber number) {
    EXPECT_TRUE(open.contains(number)) << "what grows has begun";
    return objects[open[number]];
  }

  std::function<void()> on_record;  // may do anything but end the topic
  size_t records = 0;
  std::optional<media::TopicEnd> end;
  std::map<media::ObjectNumber, std::string> open;
  std::map<std::string, Seen> objects;
  std::map<std::string, std::string> documents;
  std::map<std::string, bool> expected;
  std::vector<media::GuestsRevoked> revoked;
};

}  // namespace klieg::edge
