#include "http/message.h"

#include "base/assert.h"

namespace klieg::http {
namespace {

// What we put into a header ourselves must not end it early.
bool is_one_line(std::string_view value) { return value.find_first_of(std::string_view("\r\n\0", 3)) == value.npos; }

}  // namespace

Method method_of(std::string_view name) {
  if (name == "GET") return Method::get;
  if (name == "HEAD") return Method::head;
  if (name == "POST") return Method::post;
  if (name == "PUT") return Method::put;
  if (name == "DELETE") return Method::delete_;
  if (name == "OPTIONS") return Method::options;
  return Method::other;
}

std::optional<std::string_view> Request::header(std::string_view lower_case_name) const {
  for (const HeaderView& field : headers) {
    if (field.name == lower_case_name) return field.value;
  }
  return std::nullopt;
}

HeaderBlock::HeaderBlock(std::initializer_list<std::pair<std::string_view, std::string_view>> headers) {
  for (const auto& [name, value] : headers) add(name, value);
}

HeaderBlock& HeaderBlock::add(std::string_view lower_case_name, std::string_view value) {
  KLIEG_ASSERT(!lower_case_name.empty() && is_one_line(lower_case_name) && is_one_line(value), "a header is one line");
  headers_.emplace_back(lower_case_name, value);
  says_date_ |= lower_case_name == "date";
  says_server_ |= lower_case_name == "server";
  http1_lines_.append(lower_case_name).append(": ").append(value).append("\r\n");
  return *this;
}

Response Response::text(uint16_t status, std::string_view message) {
  static const auto headers =
      std::make_shared<const HeaderBlock>(HeaderBlock{{"content-type", "text/plain; charset=utf-8"},
                                                      {"cache-control", "no-store"},
                                                      {"x-content-type-options", "nosniff"}});
  Response response;
  response.status = status;
  response.headers = headers;
  response.body = Bytes::copy_of(std::string(message) + '\n');
  return response;
}

Response Response::not_allowed(std::string_view allowed) {
  Response response = text(405, "only " + std::string(allowed));
  response.own_headers.add("allow", std::string(allowed));
  return response;
}

}  // namespace klieg::http
