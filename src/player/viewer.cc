#include "player/viewer.h"

namespace klieg::player {

std::vector<Received> Viewer::grew(const Answered&, ByteView, LoopTime) { return {}; }

std::string resolved(std::string_view base, std::string_view uri) {
  if (const size_t scheme = uri.find("://"); scheme != uri.npos) {
    const size_t path = uri.find('/', scheme + 3);
    return path == uri.npos ? "/" : std::string(uri.substr(path));
  }
  if (uri.starts_with('/')) return std::string(uri);
  base = base.substr(0, base.find('?'));
  return std::string(base.substr(0, base.rfind('/') + 1)) + std::string(uri);
}

}  // namespace klieg::player
