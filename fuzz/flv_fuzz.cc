// FLV tag bodies: what is read can be written, and is then read as the same.
#include "base/assert.h"
#include "wire/flv.h"
#include "wire/flv_file.h"

using namespace klieg;

namespace {

bool writable(const wire::flv::Packet& packet) {
  // Commands have no body form of ours.
  return packet.type != wire::flv::Packet::Type::ignored;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes body = Bytes::copy_of(ByteView(data, size));
  for (const auto& packet : {wire::flv::read_video(body), wire::flv::read_audio(body)}) {
    if (!packet || !writable(*packet)) continue;
    const Bytes written = wire::flv::write(*packet, wire::flv::Form::extended);
    const bool video = media::kind_of(packet->codec) == media::TrackKind::video;
    const auto again = video ? wire::flv::read_video(written) : wire::flv::read_audio(written);
    KLIEG_ASSERT(again && again->type == packet->type && again->codec == packet->codec && again->body == packet->body &&
                     again->composition_offset == packet->composition_offset &&
                     again->fine_offset == packet->fine_offset,
                 "a packet survives being written");
  }
  if (auto file = wire::flv::FileReader::open(body)) {
    size_t held = 0;
    while (auto tag = file->next()) held += tag->body.size();
    KLIEG_ASSERT(held < size, "tags lie inside their file");
  }
  return 0;
}
