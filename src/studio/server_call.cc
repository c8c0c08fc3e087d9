#include "studio/server_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/logging.h"
#include "base/whole_number.h"
#include "wire/form.h"
#include "wire/http1.h"

namespace klieg::studio {
namespace {

// A word from somebody's browser that is kept: as long as it may be shown.
constexpr size_t agent_size_max = 200;

std::shared_ptr<const http::HeaderBlock> headers_with(std::string_view content_type) {
  return std::make_shared<const http::HeaderBlock>(http::HeaderBlock{
      {"content-type", content_type}, {"cache-control", "no-store"}, {"x-content-type-options", "nosniff"}});
}

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

Call call_of(const http::Request& request, std::string_view path) {
  Call call;
  call.method = request.method_name;
  call.path = path;
  call.query = request.query;
  call.body = request.body;
  call.content_type = request.header("content-type").value_or("");
  call.cookies = request.header("cookie").value_or("");
  call.authorization = request.header("authorization").value_or("");
  call.csrf_token = request.header("x-csrf-token").value_or("");
  call.agent = request.header("user-agent").value_or("").substr(0, agent_size_max);
  call.origin = request.header("origin").value_or("");
  call.sec_fetch_site = request.header("sec-fetch-site").value_or("");
  call.authority = request.authority;
  return call;
}

http::Response response_of(const Problem& problem) {
  static const auto headers = headers_with("application/problem+json");
  http::Response response;
  response.status = problem.status;
  response.headers = headers;
  if (problem.retry_after > Duration(0)) {
    response.own_headers.add("retry-after", fmt::to_string((problem.retry_after + 1s - 1ns) / 1s));
  }
  response.body = Bytes::take(text_of({{"type", "about:blank"},
                                       {"title", wire::http1::reason_phrase(problem.status)},
                                       {"status", problem.status},
                                       {"detail", problem.detail},
                                       {"code", problem.code},
                                       {"field", problem.field.empty() ? Json() : Json(problem.field)}}));
  return response;
}

Problem problem_of(const store::Failure& failure, std::string_view what) {
  constexpr Duration soon = 5s;
  logging::warning("the database did not do what the API was asked",
                   {{"failure", store::name_of(failure.kind)}, {"why", failure.message}});
  switch (failure.kind) {
    case store::FailureKind::in_doubt:
      return {503, "in_doubt", "it is not known whether this was done; look before you try again", {}, soon};
    case store::FailureKind::overloaded:
    case store::FailureKind::busy:
      return {503, "overloaded", fmt::format("{} just now: too many ask; try again in a few seconds", what), {}, soon};
    default:
      return {
          503, "unavailable", fmt::format("{} just now: the database is not there; try again soon", what), {}, soon};
  }
}

http::Response response_of(uint16_t status, const Json& body) {
  static const auto headers = headers_with("application/json");
  http::Response response;
  response.status = status;
  response.headers = headers;
  response.body = Bytes::take(text_of(body));
  return response;
}

http::Response nothing_more() {
  static const auto headers =
      std::make_shared<const http::HeaderBlock>(http::HeaderBlock{{"cache-control", "no-store"}});
  http::Response response;
  response.status = 204;
  response.headers = headers;
  return response;
}

std::optional<Problem> read_paging(std::string_view query, Paging& paging) {
  constexpr size_t limit_max = 100;
  std::optional<Problem> fault;
  wire::each_parameter(query, [&](std::string_view parameter) {
    const std::string name = wire::form_decoded(wire::parameter_name(parameter));
    const std::string value = wire::form_decoded(wire::parameter_value(parameter));
    if (name == "cursor") paging.cursor = value;
    if (name != "limit") return;
    paging.limit = whole_number<size_t>(value).value_or(0);
    if (paging.limit < 1 || paging.limit > limit_max) {
      fault = Problem{400, "bad_query", "a page has a limit of 1 to 100"};
    }
  });
  return fault;
}

std::optional<Problem> read_paging(std::string_view query, Paging& paging, int64_t& before) {
  if (auto fault = read_paging(query, paging)) return fault;
  if (paging.cursor.empty()) return std::nullopt;
  before = whole_number<int64_t>(paging.cursor).value_or(0);
  return before > 0 ? std::nullopt : std::optional(unreadable_cursor);
}

Json page_of(Json items, size_t limit) {
  Json next = items.size() == limit ? Json(std::to_string(items.back()["id"].get<int64_t>())) : Json();
  return {{"items", std::move(items)}, {"next", std::move(next)}};
}

const Json* Fields::find(std::string_view name) {
  asked_.push_back(name);
  const auto found = body_.find(name);
  if (found == body_.end()) return nullptr;
  ++known_;
  return &*found;
}

void Fields::note(std::string_view name, std::string_view what) {
  if (!fault_) fault_ = Problem{400, "bad_body", fmt::format("{} {}", name, what), name};
}

std::string Fields::text(std::string_view name) {
  const Json* found = find(name);
  if (found && found->is_string()) return found->get<std::string>();
  note(name, "is to be a text");
  return "";
}

int64_t Fields::number(std::string_view name) {
  const Json* found = find(name);
  if (found && found->is_number_integer()) return found->get<int64_t>();
  note(name, "is to be a whole number");
  return 0;
}

std::optional<std::string> Fields::text_if_any(std::string_view name) {
  const Json* found = find(name);
  if (!found || found->is_null()) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  note(name, "is to be a text");
  return std::nullopt;
}

std::optional<int64_t> Fields::number_if_any(std::string_view name) {
  const Json* found = find(name);
  if (!found || found->is_null()) return std::nullopt;
  if (found->is_number_integer()) return found->get<int64_t>();
  note(name, "is to be a whole number");
  return std::nullopt;
}

std::optional<std::vector<std::string>> Fields::texts_if_any(std::string_view name) {
  const Json* found = find(name);
  if (!found || found->is_null()) return std::nullopt;
  if (found->is_array() && std::ranges::all_of(*found, [](const Json& one) { return one.is_string(); })) {
    return found->get<std::vector<std::string>>();
  }
  note(name, "is to be a list of texts");
  return std::nullopt;
}

std::optional<Problem> Fields::fault() const {
  if (fault_ || known_ == body_.size()) return fault_;
  std::string words = "no other fields than these are known here:";
  for (std::string_view name : asked_) words.append(" ").append(name);
  return Problem{400, "unknown_field", std::move(words)};
}

}  // namespace klieg::studio
