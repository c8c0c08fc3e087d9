#include "origin/document.h"

#include <fmt/format.h>

#include "wire/gzip.h"

namespace klieg::origin {
namespace {

// FNV-1a, 64 bits: a tag to compare versions by, not a defence.
uint64_t hash_of(ByteView content) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const uint8_t byte : content) hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

}  // namespace

Document::Document(DocumentKind kind, std::string text)
    : kind_(kind), plain_(Bytes::take(std::move(text))), hash_(hash_of(plain_)) {}

const Bytes& Document::content(Coding coding) const {
  if (coding == Coding::identity) return plain_;
  if (zipped_.empty()) zipped_ = wire::gzip(plain_);
  return zipped_;
}

std::string Document::etag(Coding coding) const {
  return fmt::format("\"{:016x}{}\"", hash_, coding == Coding::gzip ? "-gz" : "");
}

}  // namespace klieg::origin
