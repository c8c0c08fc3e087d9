// What a codec worker, perhaps taken over, sends to the server, and the other way: messages or an error, cut anywhere.
#include <cstdlib>

#include "wire/codec_message.h"

namespace {

template <class Message>
void read_all(klieg::ByteView content) {
  klieg::wire::codec::Reader<Message> reader;
  const size_t first = content.size() / 2;
  for (klieg::ByteView piece : {content.first(first), content.subspan(first)}) {
    const bool pushed = reader.push(klieg::Bytes::copy_of(piece)).has_value();
    while (const auto message = reader.next()) {
      // What was accepted can be written and is accepted again.
      klieg::wire::codec::Reader<Message> again;
      if (!again.push(klieg::Bytes::join(klieg::wire::codec::write(*message))) || !again.next()) std::abort();
    }
    if (!pushed) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read_all<klieg::wire::codec::FromWorker>({data, size});
  read_all<klieg::wire::codec::ToWorker>({data, size});
  return 0;
}
