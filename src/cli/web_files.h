// The pages of web/, built by Vite and embedded in the binary: linked in as klieg_web_files (cmake/embed_web.cmake).
//
// The content lives as long as the program: hand it on with Bytes::of_static. Any thread.
#pragma once

#include <span>
#include <string_view>

#include "base/bytes.h"

namespace klieg::cli {

struct WebFile {
  // As requested: "/index.html" is the one page, to be served for "/" and "/@NAME" (and, with status 404, for what is
  // no page) and revalidated each time; "/assets/..." carry a hash of their content in the name and never change.
  std::string_view path;
  std::string_view content_type;
  ByteView content;
  ByteView gzip;  // the same content compressed; empty: it is no text
};

// In order of path.
std::span<const WebFile> web_files();

}  // namespace klieg::cli
