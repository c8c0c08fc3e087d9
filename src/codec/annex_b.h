// The byte stream that encoders write (ITU-T H.264 Annex B), taken apart into NAL units.
#pragma once

#include "base/bytes.h"
#include "wire/nal.h"

namespace klieg::codec {

// The views point into `stream`.
wire::NalUnits nal_units_of(ByteView stream);

}  // namespace klieg::codec
