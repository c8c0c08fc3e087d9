#include "edge/invalidation.h"

#include <algorithm>
#include <optional>

#include "wire/http_list.h"

namespace klieg::edge {
namespace {

// RFC 3986 section 5.2.4, of a path that begins with '/'.
std::string without_dot_segments(std::string_view path) {
  std::vector<std::string_view> segments;
  bool open = false;  // a directory at the end keeps its '/'
  while (!path.empty()) {
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    open = path.empty() && (segment.empty() || segment == "." || segment == "..");
    if (segment == ".." && !segments.empty()) segments.pop_back();
    if (segment != "." && segment != ".." && !(segment.empty() && path.empty())) segments.push_back(segment);
  }
  std::string out;
  for (const std::string_view segment : segments) out.append("/").append(segment);
  return open || out.empty() ? out + '/' : out;
}

// "http:" at the front; nullopt: the reference is a relative one.
std::optional<std::string_view> scheme_of(std::string_view reference) {
  const size_t colon = reference.find(':');
  return colon < reference.find_first_of("/?#") ? std::optional(reference.substr(0, colon)) : std::nullopt;
}

std::string host_and_port(std::string_view scheme, std::string_view authority) {
  std::string text = wire::lower_case(authority.substr(std::min(authority.find('@') + 1, authority.size())));
  if (text.rfind(':') == text.npos || text.ends_with(']')) text += scheme == "https" ? ":443" : ":80";
  return text;
}

}  // namespace

bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE";
}

std::string resolved(const Target& base, std::string_view reference) {
  reference = wire::trimmed(reference);
  reference = reference.substr(0, reference.find('#'));
  if (const auto scheme = scheme_of(reference)) {
    reference.remove_prefix(scheme->size() + 1);
    if (wire::lower_case(*scheme) != base.scheme || !reference.starts_with("//")) return {};
  }
  if (reference.starts_with("//")) {
    reference.remove_prefix(2);
    const size_t end = std::min(reference.find_first_of("/?"), reference.size());
    if (host_and_port(base.scheme, reference.substr(0, end)) != host_and_port(base.scheme, base.authority)) return {};
    reference.remove_prefix(end);
    if (!reference.starts_with('/')) return "/" + std::string(reference);
  }
  const std::string_view base_path = base.path_and_query.substr(0, base.path_and_query.find('?'));
  if (reference.empty()) return std::string(base.path_and_query);
  const size_t question = std::min(reference.find('?'), reference.size());
  const std::string_view query = reference.substr(question);
  if (question == 0) return std::string(base_path).append(query);
  std::string path(reference.substr(0, question));
  if (!path.starts_with('/')) path.insert(0, base_path.substr(0, base_path.rfind('/') + 1));
  return without_dot_segments(path).append(query);
}

std::vector<std::string> invalidated_by(std::string_view method, const Target& target, uint16_t status,
                                        std::span<const wire::HeaderView> response) {
  std::vector<std::string> forgotten;
  if (is_safe(method) || status < 200 || status >= 400) return forgotten;
  forgotten.emplace_back(target.path_and_query);
  for (const wire::HeaderView& field : response) {
    if (field.name != "location" && field.name != "content-location") continue;
    std::string named = resolved(target, field.value);
    if (!named.empty()) forgotten.push_back(std::move(named));
  }
  return forgotten;
}

}  // namespace klieg::edge
