// A request of /api/v1 as a value, and what is answered: both go from loop to loop.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"
#include "store/failure.h"
#include "studio/cookie.h"
#include "studio/throttle.h"

namespace klieg::studio {

using Json = nlohmann::json;

struct Call {
  std::string method = "GET";  // as sent
  std::string path;            // behind /api/v1: "/keys/12/rotate"
  std::string query;
  Bytes body;
  std::string content_type, cookies, authorization, csrf_token, agent, authority, origin, sec_fetch_site;
  std::optional<uint16_t> rtmp_port;  // of the node that was asked; none: encoders come in elsewhere
  // As far as who forwarded it is believed; known where addresses are.
  Line line = Line::clear;
  Network network{};
};
// All but the last three.
Call call_of(const http::Request& request, std::string_view path);

using Answer = std::move_only_function<void(http::Response)>;

// RFC 9457. `code` is what programs branch on.
struct Problem {
  uint16_t status = 500;
  std::string_view code;
  std::string detail;           // a sentence for the person
  std::string_view field = {};  // of the body; empty: none of them
  Duration retry_after{0};      // zero: not said
};
http::Response response_of(const Problem& problem);
// That the store could not be asked. `what` cannot be done: "keys cannot be looked up".
Problem problem_of(const store::Failure& failure, std::string_view what);

http::Response response_of(uint16_t status, const Json& body);
http::Response nothing_more();  // 204

// Of a list: ?cursor=, and ?limit= of 1 to 100.
struct Paging {
  std::string cursor;
  size_t limit = 50;
};
std::optional<Problem> read_paging(std::string_view query, Paging& paging);
// Of a list by id, the newest first, whose cursor is the last id of the page before. `before`: 0 for the first page.
std::optional<Problem> read_paging(std::string_view query, Paging& paging, int64_t& before);
// A page of such a list: a full one may be the last; then the next is empty.
Json page_of(Json items, size_t limit);
inline const Problem unreadable_cursor{400, "bad_cursor", "this cursor is not one that a list has named"};

// The fields of a body. Each is asked for; one that nobody asked for is refused, for a misspelt "visibility" must not
// make something public.
class Fields {
 public:
  explicit Fields(const Json& body) : body_(body) {}

  std::string text(std::string_view name);
  int64_t number(std::string_view name);
  std::optional<std::string> text_if_any(std::string_view name);  // null is none
  std::optional<int64_t> number_if_any(std::string_view name);
  std::optional<std::vector<std::string>> texts_if_any(std::string_view name);
  // After all have been asked for: the first that is missing, of another type, or unknown.
  std::optional<Problem> fault() const;

 private:
  const Json* find(std::string_view name);
  void note(std::string_view name, std::string_view what);

  const Json& body_;
  size_t known_ = 0;
  std::vector<std::string_view> asked_;
  std::optional<Problem> fault_;
};

}  // namespace klieg::studio
