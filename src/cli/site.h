// Everything under one HTTP address: pages, their assets, and what is live.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "cli/web_files.h"
#include "http/server.h"

namespace klieg::cli {

// By whose pages a page may be framed.
enum class Framing : uint8_t { by_own_pages, by_anybody };

class Site final : public http::Handler {
 public:
  // `live` answers /live/, the same behind a token (/t/), /time and what nodes ask (/.klieg/). `channels` are all that
  // exist. `api` answers /api/v1/; null: there are no accounts. Where there are, whoever has a name has a page, which
  // says itself when nobody has.
  Site(const std::vector<std::string>& channels, http::Handler& live, http::Handler* api = nullptr);

  void serve(const http::Request& request, http::Responder responder) override;

 private:
  struct File {
    const WebFile* file = nullptr;
    std::string etag;  // of the content; both codings carry it, as a weak one (RFC 9110 8.8.3)
    std::shared_ptr<const http::HeaderBlock> plain, compressed;
  };

  static File prepare(const WebFile& file, Framing framing);
  void serve_file(const File& file, uint16_t status, const http::Request& request, http::Responder responder) const;

  bool exists(std::string_view path) const;

  http::Handler& live_;
  http::Handler* const api_;
  std::unordered_map<std::string_view, File> files_;
  File framed_page_;  // of /embed/@NAME
  std::unordered_set<std::string> channels_;
};

}  // namespace klieg::cli
