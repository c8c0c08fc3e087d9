#include "cli/site.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "edge/forwarding.h"
#include "studio/name.h"
#include "wire/http_range.h"
#include "wire/path_token.h"

namespace klieg::cli {
namespace {

constexpr std::string_view page_path = "/index.html";  // one page for every channel: it reads its own address

// Pages load nothing from elsewhere. MSE plays from blob:, players run their demuxers in blob: workers, and Svelte sets
// styles from script.
constexpr std::string_view content_security_policy =
    "default-src 'self'; media-src 'self' blob:; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; object-src 'none'; base-uri 'none'";
// Another site that framed a page with buttons could have them pressed by who thinks to press its own.
constexpr std::string_view framed_by_own_pages = "; frame-ancestors 'self'";

constexpr std::string_view embed_prefix = "/embed";  // before the /@NAME of a page for the frames of other sites

// Which page an address has is the page's to say (web/src/route.ts); these are those that are there on any server.
constexpr std::array<std::string_view, 9> places = {
    "/",
    "/login",
    "/signup",
    "/studio",
    "/studio/community",
    "/studio/invites",
    "/studio/integrations",
    "/studio/activity",
    "/studio/profile",
};
bool is_place(std::string_view path) { return std::ranges::find(places, path) != places.end(); }

// Built assets carry a hash of their content in their name; pages do not.
std::string_view cache_control_of(const WebFile& file) {
  return file.path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
}

// Weak: the same page in another coding is another sequence of bytes. FNV-1a, because it only has to change when the
// build does.
std::string etag_of(const WebFile& file) {
  uint64_t hash = 14695981039346656037u;
  for (uint8_t byte : file.content) hash = (hash ^ byte) * 1099511628211u;
  return fmt::format("W/\"{:016x}\"", hash);
}

http::HeaderBlock headers_of(const WebFile& file, const std::string& etag, Framing framing) {
  std::string policy(content_security_policy);
  if (framing == Framing::by_own_pages) policy += framed_by_own_pages;
  return {{"content-type", file.content_type},
          {"cache-control", cache_control_of(file)},
          {"etag", etag},
          {"vary", "accept-encoding"},
          {"x-content-type-options", "nosniff"},
          {"content-security-policy", policy}};
}

}  // namespace

Site::Site(const std::vector<std::string>& channels, http::Handler& live, http::Handler* api) : live_(live), api_(api) {
  for (const WebFile& file : web_files()) {
    files_[file.path] = prepare(file, Framing::by_own_pages);
    if (file.path == page_path) framed_page_ = prepare(file, Framing::by_anybody);
  }
  channels_.insert(channels.begin(), channels.end());
}

Site::File Site::prepare(const WebFile& file, Framing framing) {
  const std::string etag = etag_of(file);
  http::HeaderBlock plain = headers_of(file, etag, framing);
  http::HeaderBlock compressed = headers_of(file, etag, framing);
  compressed.add("content-encoding", "gzip");
  return {&file, etag, std::make_shared<const http::HeaderBlock>(std::move(plain)),
          std::make_shared<const http::HeaderBlock>(std::move(compressed))};
}

void Site::serve(const http::Request& request, http::Responder responder) {
  const auto token = wire::parse_token_path(request.path);
  // The page is no secret: what it asks for is refused, or not.
  const bool page_of_guest = token && wire::is_page_of(*token);
  if (request.path.starts_with("/live/") || (token && !page_of_guest) || request.path.starts_with("/.klieg/") ||
      request.path == "/time") {
    return live_.serve(request, std::move(responder));
  }
  if (api_ && request.path.starts_with("/api/v1/")) return api_->serve(request, std::move(responder));
  if (request.method != http::Method::get && request.method != http::Method::head) {
    return responder.respond(http::Response::not_allowed("GET, HEAD"));
  }
  if (const auto found = files_.find(request.path); found != files_.end()) {
    return serve_file(found->second, 200, request, std::move(responder));
  }
  const auto page = files_.find(page_path);
  if (page == files_.end()) {
    return responder.respond(http::Response::text(404, "this build has no pages: build web/ first (./dev build)\n"));
  }
  std::string_view path = token ? token->path : request.path;
  const bool framed = path.starts_with(embed_prefix) && path.substr(embed_prefix.size()).starts_with("/@");
  if (framed) path.remove_prefix(embed_prefix.size());
  if (path.size() > 2 && path.ends_with('/')) path.remove_suffix(1);  // the page reads its address so
  serve_file(framed ? framed_page_ : page->second, page_of_guest || exists(path) ? 200 : 404, request,
             std::move(responder));
}

bool Site::exists(std::string_view path) const {
  if (!path.starts_with("/@")) return is_place(path);
  const std::string_view name = path.substr(2);
  return channels_.contains(std::string(name)) || (api_ && studio::account_name_of(name) == name);
}

void Site::serve_file(const File& file, uint16_t status, const http::Request& request,
                      http::Responder responder) const {
  const bool gzip = !file.file->gzip.empty() && edge::takes_gzip(request.headers);
  http::Response response;
  response.status = status;
  response.headers = gzip ? file.compressed : file.plain;
  if (status == 200 && wire::matches_any(request.header("if-none-match").value_or(""), file.etag)) {
    response.status = 304;
    return responder.respond(std::move(response));
  }
  response.body = Bytes::of_static(gzip ? file.file->gzip : file.file->content);
  responder.respond(std::move(response));
}

}  // namespace klieg::cli
