#include "origin/heads.h"

#include <fmt/format.h>

#include "origin/names.h"
#include "wire/path_token.h"

namespace klieg::origin {
namespace {

std::string_view content_type(DocumentKind kind) {
  switch (kind) {
    case DocumentKind::playlist:
      return "application/vnd.apple.mpegurl";
    case DocumentKind::manifest:
      return "application/dash+xml";
    case DocumentKind::status:
      return "application/json";
    case DocumentKind::storyboard:
      return "text/vtt; charset=utf-8";
  }
  return "application/octet-stream";
}

std::string cache_control(Freshness freshness, uint32_t target_duration_s) {
  switch (freshness) {
    case Freshness::stable:
      return "no-cache";
    // Half a target duration, and a target of one second has no whole half.
    case Freshness::playlist:
      return target_duration_s < 2 ? "no-cache" : fmt::format("public, max-age={}", target_duration_s / 2);
    case Freshness::blocking:
      return fmt::format("public, max-age={}", 6 * target_duration_s);
    case Freshness::never:
      return "no-store";
  }
  return "no-store";
}

void add(media::ObjectHead& head, const media::ObjectHead& more) { head.insert(head.end(), more.begin(), more.end()); }

void add_topic(media::ObjectHead& head, std::string_view path) {
  const std::string_view topic = topic_of(path);
  if (!topic.empty()) head.emplace_back(media::topic_header, topic);
}

}  // namespace

const media::ObjectHead& cors_head() {
  static const media::ObjectHead head{
      {"access-control-allow-origin", "*"},
      {"access-control-expose-headers", "content-length, content-range, date, etag, age, server-timing"},
      {"timing-allow-origin", "*"}};
  return head;
}

const std::shared_ptr<const media::ObjectHead>& head_of(const Object& object, std::string_view path) {
  if (!object.head) {
    media::ObjectHead head;
    const bool for_ever = object.lasting == Lasting::for_ever;
    head.emplace_back("content-type", object.content_type);
    head.emplace_back("etag", object.etag);
    head.emplace_back("cache-control", for_ever ? "public, max-age=31536000, immutable" : "public, max-age=2");
    if (object.kept_s > 0) head.emplace_back(our_cache_control, fmt::format("max-age={}", object.kept_s));
    head.emplace_back("accept-ranges", "bytes");
    add_topic(head, path);
    if (!object.needs.empty()) head.emplace_back(media::header_header, object.needs);
    add(head, cors_head());
    object.head = std::make_shared<const media::ObjectHead>(std::move(head));
  }
  return object.head;
}

media::ObjectHead head_of(DocumentKind kind, Coding coding, Freshness freshness, uint32_t target_duration_s) {
  media::ObjectHead head;
  head.emplace_back("content-type", content_type(kind));
  head.emplace_back("cache-control", cache_control(freshness, target_duration_s));
  // Our own caches may give one answer to all who wait for it, and ask each time whether it changed: a second of age
  // would show a viewer who comes at a restart the broadcast before.
  if (freshness == Freshness::stable || freshness == Freshness::never)
    head.emplace_back(our_cache_control, "max-age=0");
  head.emplace_back("vary", "accept-encoding");
  if (coding == Coding::gzip) head.emplace_back("content-encoding", "gzip");
  add(head, cors_head());
  return head;
}

void mark_as_private(media::ObjectHead& head) { head.emplace_back(wire::private_header, "?1"); }

media::ObjectHead own_head_of(const Document& document, Coding coding, std::string_view path) {
  media::ObjectHead head{{"etag", document.etag(coding)}};
  add_topic(head, path);
  return head;
}

}  // namespace klieg::origin
