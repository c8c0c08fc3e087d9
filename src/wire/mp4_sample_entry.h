// The part of an MP4 track that says what it is: mdia, its sample entry, its edit list. See mp4_reader.h.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "wire/mp4_reader.h"
#include "wire/mp4_sample_table.h"

namespace klieg::wire {

// Fills in timescale, info and the tables of an mdia box.
Result<void> read_mdia(ByteView mdia, Mp4Track& track, SampleTable& table);

// Media time of the first edit that shows something; 0 if there is none.
int64_t read_edit_start(ByteView elst);

}  // namespace klieg::wire
