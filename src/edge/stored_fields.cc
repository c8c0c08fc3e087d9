#include "edge/stored_fields.h"

#include <algorithm>
#include <array>
#include <ranges>

#include "wire/http_date.h"
#include "wire/http_list.h"

namespace klieg::edge {
namespace {

using wire::HeaderView;

constexpr std::array<std::string_view, 10> hop_by_hop = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
};

// Of the bytes that are kept.
constexpr std::array<std::string_view, 5> about_the_bytes = {"content-encoding", "content-length", "content-md5",
                                                             "content-range", "etag"};

template <class Names>
bool is_in(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != std::ranges::end(names);
}

bool has(const Fields& fields, std::string_view name) { return is_in(fields | std::views::keys, name); }

void add_date(Fields& fields, WallTime arrived) {
  if (!has(fields, "date")) fields.emplace_back("date", wire::http_date_text(arrived));
}

}  // namespace

std::vector<HeaderView> views_of(const Fields& fields) {
  std::vector<HeaderView> views;
  views.reserve(fields.size());
  for (const auto& [name, value] : fields) views.push_back({name, value});
  return views;
}

Fields end_to_end(std::span<const HeaderView> fields) {
  std::vector<std::string> listed;
  for (const HeaderView& field : fields) {
    if (field.name != "connection") continue;
    wire::each_element(field.value, [&](std::string_view option) { listed.push_back(wire::lower_case(option)); });
  }
  Fields kept;
  for (const HeaderView& field : fields) {
    if (!is_in(hop_by_hop, field.name) && !is_in(listed, field.name)) kept.emplace_back(field.name, field.value);
  }
  return kept;
}

Fields fields_to_store(std::span<const HeaderView> response, const ResponseFacts& facts) {
  Fields kept = end_to_end(response);
  std::erase_if(kept, [](const auto& field) { return field.first == "age"; });
  add_date(kept, facts.arrived);
  return kept;
}

Fields fields_after_validation(const Fields& stored, std::span<const HeaderView> not_modified, WallTime arrived) {
  Fields news = end_to_end(not_modified);
  std::erase_if(news, [](const auto& field) { return field.first == "age" || is_in(about_the_bytes, field.first); });
  add_date(news, arrived);  // the old Date is not of this validation
  Fields merged;
  for (const auto& field : stored) {
    if (!has(news, field.first)) merged.push_back(field);
  }
  merged.insert(merged.end(), news.begin(), news.end());
  return merged;
}

Fields conditions_of(const ResponseFacts& facts) {
  Fields conditions;
  if (!facts.etag.empty()) conditions.emplace_back("if-none-match", facts.etag);
  if (!facts.last_modified.empty()) conditions.emplace_back("if-modified-since", facts.last_modified);
  return conditions;
}

}  // namespace klieg::edge
