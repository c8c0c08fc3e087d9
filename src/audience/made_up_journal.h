// For tests: a journal that makes safe what it is told to, and keeps it for a home that comes after.
#pragma once

#include <algorithm>
#include <vector>

#include "audience/journal.h"

namespace klieg::audience {

struct MadeUpJournal final : Journal {
  void write(JournalEntry entry) override { entries.push_back(std::move(entry)); }

  // What a process that is killed now leaves behind.
  void lose_what_is_not_safe() { entries.resize(safe); }

  std::vector<JournalEntry> entries;
  size_t safe = 0;
};

}  // namespace klieg::audience
