// Token paths: whatever is asked for, what is read of it lies within it, and nobody is trusted who cannot sign.
#include "base/assert.h"
#include "wire/path_token.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace klieg;
  static const wire::PathKey key("a secret of the fuzzer's");
  constexpr WallTime now{1'800'000'000s};
  const std::string_view path(reinterpret_cast<const char*>(data), size);
  const auto parsed = wire::parse_token_path(path);
  if (!parsed) return 0;
  KLIEG_ASSERT(path == "/t/" + std::string(parsed->token) + std::string(parsed->path), "nothing is left out");
  KLIEG_ASSERT(wire::path_behind_token(path) == parsed->path, "and nothing else is cut");
  KLIEG_ASSERT(key.judge(parsed->token, parsed->name, now).trust == wire::PathTrust::wrong, "a guess is wrong");
  const auto guest = wire::guest_of(parsed->token);
  KLIEG_ASSERT(guest, "what is of the right form can be read");
  if (parsed->name.empty()) return 0;
  KLIEG_ASSERT(parsed->path.contains(parsed->name), "the name is that of the path");
  const std::string token = key.sign(parsed->name, {.viewer = guest->viewer, .issued = now, .expires = now + 1s});
  KLIEG_ASSERT(key.judge(token, parsed->name, now).trust == wire::PathTrust::trusted, "what was signed is trusted");
  const std::string again = "/t/" + token + std::string(parsed->path);
  const auto reread = wire::parse_token_path(again);
  KLIEG_ASSERT(reread && reread->path == parsed->path, "what was signed can be read");
  return 0;
}
