#include "base/sip_hash.h"

#include <bit>
#include <cstring>

namespace klieg {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

struct SipState {
  uint64_t v0, v1, v2, v3;

  void round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  void compress(uint64_t word) {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }
};

}  // namespace

uint64_t sip_hash(const SipKey& key, ByteView input) {
  // "somepseudorandomlygeneratedbytes"
  SipState state{key.low ^ 0x736F6D6570736575, key.high ^ 0x646F72616E646F6D, key.low ^ 0x6C7967656E657261,
                 key.high ^ 0x7465646279746573};
  uint64_t last = static_cast<uint64_t>(input.size()) << 56;
  for (; input.size() >= 8; input = input.subspan(8)) {
    uint64_t word = 0;
    std::memcpy(&word, input.data(), 8);
    state.compress(word);
  }
  for (size_t i = 0; i < input.size(); ++i) last |= static_cast<uint64_t>(input[i]) << (8 * i);
  state.compress(last);
  state.v2 ^= 0xFF;
  for (int i = 0; i < 4; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace klieg
