// Reads MPEG-DASH manifests (ISO/IEC 23009-1:2022) into the values that wire/dash.h renders, as a live player needs
// them: where on the wall its timeline lies, which segments there are, and from when each may be asked for. What it
// does not know is passed over.
//
// Of each Period the SegmentTemplates, @duration and SegmentTimeline alike, with what they inherit and where BaseURLs
// put them. Not read: other ways to name segments, XLink, events, and what only says how a picture looks (sar, frame
// rate).
//
// Pure; the text may be anything. The XML is pugixml's: it expands no entities but the five of the standard and parses
// without recursion, and a document of some kilobytes may be held whole, where expat would want a second reader around
// its calls. Nothing is allocated on the word of a number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/dash.h"

namespace klieg::wire::dash {

// All Representations of all Periods; a ladder of a day with a Period a minute has 10,000.
inline constexpr size_t representations_max = 10'000;
// S elements, in all: a day of segments of one second, each with a duration of its own.
inline constexpr size_t runs_max = 100'000;

// `index` of a Period is its place in the document, `set` of a Representation that of its AdaptationSet, counted
// through all. `start` of a Period is known or follows from those before; `start_wall` is availability_start and that,
// where no ProducerReferenceTime says it. A run whose @r is negative reaches to the next, the last one without end
// (`endless`). availabilityTimeOffset "INF" is a day: what it is before the offset counts alone.
Result<Manifest> read_manifest(std::string_view text);

inline constexpr uint64_t endless = UINT64_MAX;  // Run::count

// Where a segment is, relative to the manifest: `address` is the template's `media` or `initialization`. $Number$ and
// $Time$ may have a width ("$Number%05d$"); $RepresentationID$ and $Bandwidth$ the reader has put in already.
std::string segment_address(std::string_view address, uint64_t number, uint64_t time);

}  // namespace klieg::wire::dash
