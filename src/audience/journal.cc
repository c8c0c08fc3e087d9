#include "audience/journal.h"

#include <utility>

#include "wire/room_record.h"

namespace klieg::audience {

Bytes content_of(const JournalEntry& entry) {
  std::vector<Bytes> records{wire::room::record_of(entry.answer)};
  for (const media::RoomEvent& event : entry.events) records.push_back(wire::room::record_of(event));
  return Bytes::join(records);
}

Result<JournalEntry> read_entry(uint64_t number, ByteView content) {
  const auto cut_off = [] { return std::unexpected(Error{"an entry of a room's journal that is cut off"}); };
  ByteReader in(content);
  const uint64_t answer_size = uint64_t{in.u32()} + sizeof(uint32_t);
  if (!in.ok() || answer_size > content.size()) return cut_off();
  std::vector<media::BatchAnswer> answers;
  wire::room::AnswerReader answer;
  if (auto read = answer.feed(content.first(answer_size), answers); !read) return std::unexpected(read.error());
  JournalEntry entry{.number = number, .answer = {}, .events = {}};
  wire::room::EventReader events;
  if (auto read = events.feed(content.subspan(answer_size), entry.events); !read) return std::unexpected(read.error());
  if (answers.size() != 1 || !events.whole()) return cut_off();
  entry.answer = std::move(answers.front());
  return entry;
}

}  // namespace klieg::audience
