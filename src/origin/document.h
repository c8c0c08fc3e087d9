// A text we wrote: a playlist, a manifest, a status or a storyboard, as it is at one version. Shared by all who are
// sent it.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace klieg::origin {

enum class DocumentKind : uint8_t { playlist, manifest, status, storyboard };
enum class Coding : uint8_t { identity, gzip };

class Document {
 public:
  Document(DocumentKind kind, std::string text);

  DocumentKind kind() const { return kind_; }
  // Compressed once, for the first who takes it so.
  const Bytes& content(Coding coding) const;
  // Strong, from the content; each coding is a representation of its own (RFC 9110 8.8.3).
  std::string etag(Coding coding) const;

 private:
  DocumentKind kind_;
  Bytes plain_;
  mutable Bytes zipped_;
  uint64_t hash_;
};

}  // namespace klieg::origin
