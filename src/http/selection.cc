#include "http/selection.h"

#include "wire/http_date.h"
#include "wire/http_range.h"

namespace klieg::http {
namespace {

struct Slice {
  Selected is = Selected::whole;
  uint64_t first = 0;
  std::optional<uint64_t> end;  // empty: as it is born
};

// `size`: of the whole, empty while nobody knows it; `born`: how much exists.
Slice slice_of(const wire::RangeSpec& range, std::optional<uint64_t> size, uint64_t born) {
  if (!size && !range.first) return {};
  // What is to be born next may be waited for, but nothing beyond it: it may end before it gets there.
  if (!size && range.last && *range.last >= open_ended && *range.first <= born) {
    return {Selected::part, *range.first, std::nullopt};
  }
  const std::optional<wire::ByteRange> selected = wire::select_range(range, size.value_or(born));
  if (!selected) return {Selected::nothing, 0, 0};
  return {Selected::part, selected->first, selected->end};
}

bool has_not_changed(const Representation& representation, const Conditions& conditions) {
  if (!conditions.if_none_match.empty()) return wire::matches_any(conditions.if_none_match, representation.etag);
  if (conditions.if_modified_since.empty() || representation.last_modified.empty()) return false;
  const auto modified = wire::parse_http_date(representation.last_modified, wire::http_date_max);
  const auto since = wire::parse_http_date(conditions.if_modified_since, wire::http_date_max);
  return modified && since && *modified <= *since;
}

}  // namespace

Conditions Conditions::of(const Request& request) {
  // RFC 9110 section 14.2: a range is of a GET alone.
  const std::string_view range = request.method == Method::get ? request.header("range").value_or("") : "";
  return {request.header("if-none-match").value_or(""), request.header("if-modified-since").value_or(""), range,
          request.header("if-range").value_or("")};
}

Selected select(const Representation& representation, const Conditions& conditions, Response& response) {
  if (has_not_changed(representation, conditions)) {
    response.status = 304;
    return Selected::not_modified;
  }
  const uint64_t begin = representation.offset;
  std::optional<uint64_t> size;
  if (representation.end) {
    size = *representation.end - begin;
  } else if (!representation.log->growing()) {
    size = representation.log->size() - begin;
  }
  Slice slice{Selected::whole, 0, size};
  if (conditions.if_range.empty() || wire::range_applies(conditions.if_range, representation.etag)) {
    if (const auto range = wire::parse_range(conditions.range)) {
      slice = slice_of(*range, size, representation.log->size() - begin);
      if (slice.is == Selected::whole) slice.end = size;
    }
  }
  if (slice.is == Selected::nothing) {
    response.status = 416;
    if (size) response.own_headers.add("content-range", wire::content_range_unsatisfied(*size));
    return slice.is;
  }
  if (slice.is == Selected::part) {
    response.status = 206;
    response.own_headers.add("content-range",
                             wire::content_range({slice.first, slice.end.value_or(open_ended + 1)}, size));
  }
  LogRange body{representation.log, begin + slice.first, std::nullopt};
  if (slice.end) body.end = begin + *slice.end;
  response.body = std::move(body);
  return slice.is;
}

}  // namespace klieg::http
