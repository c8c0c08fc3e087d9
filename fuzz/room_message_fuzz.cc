// What a viewer says in a room: understood, or refused in words; what was understood is said again and is the same.
#include <string_view>

#include "base/assert.h"
#include "wire/room_message.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace room = klieg::wire::room;
  const auto said = room::read_said({reinterpret_cast<const char*>(data), size});
  if (!said) {
    KLIEG_ASSERT(!said.error().message.empty(), "a refusal has words");
    return 0;
  }
  KLIEG_ASSERT(size <= room::message_size_max, "the limit holds");
  const auto again = room::read_said(room::json_of(*said));
  KLIEG_ASSERT(again && *again == *said, "what is said again is the same");
  return 0;
}
