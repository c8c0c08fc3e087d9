// A room that goes on after its home died: what is in its journal, as it is where the broadcast goes on.
//
// The broadcast goes on with a timeline of its own, which begins at zero; what was said before lies before its
// beginning. So whatever has a moment is taken to its beginning:
//
//   a comment    is at zero: it belongs to no picture that can be seen any more, and is shown at once
//   hearts       are at zero: they count, at no moment of this timeline
//   a poll       opens at zero, and closes after what was left of its time by the clock on the wall: who votes on what
//   he
//                saw before still does so in time
//
// What has no moment - numbers, texts, who is barred, rules, answers to batches - is as it was.
//
// Pure.
#pragma once

#include "audience/journal.h"
#include "base/time.h"

namespace klieg::audience {

JournalEntry resumed(JournalEntry entry, WallTime now);

}  // namespace klieg::audience
