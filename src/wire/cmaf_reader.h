// Reads off CMAF chunks what a viewer without a screen needs of them: when their first frame was captured, or came in.
//
// Pure; the bytes may be anything, nothing is read outside of them.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "wire/cmaf_chunk.h"

namespace klieg::wire {

// The first producer reference time (prft, 14496-12 8.16.5) among the boxes. Empty: there is none that can be read.
std::optional<ReferenceTime> first_reference(ByteView chunks);

}  // namespace klieg::wire
