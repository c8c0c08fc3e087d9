// What the files of the API's server share: a call on its way to its answer. Included by server*.cc alone.
#pragma once

#include <expected>
#include <utility>

#include "studio/server.h"

namespace klieg::studio {

struct Server::Exchange {
  Call call;
  Answer answer;
  Json body = Json::object();
  std::string session;              // what the cookie holds
  std::optional<std::string> name;  // of the path
  int64_t id = 0;                   // of the path
  Whose who = std::unexpected(Unknown::nobody);

  void refuse(const Problem& problem) { answer(response_of(problem)); }
  int64_t account() const { return who->account.id; }
};

// A page that waits for a notice.
struct Server::Held {
  ExchangePtr exchange;
  NoticeCursor after;
  LoopTime until;
};

// Who may use a route. `scope` is what a token needs for it; none: no token may.
enum class Access : uint8_t { anybody, enters, persons };

// What a body is.
enum class Takes : uint8_t { json, picture };

struct Server::Route {
  std::string_view method;
  std::string_view path;  // "{id}" stands for a number, "{name}" for a name
  Access access;
  std::optional<Scope> scope;
  void (Server::*handle)(ExchangePtr exchange);
  Takes takes = Takes::json;
};

// What is the same when it is done twice is tried again when it is not known whether it was done.
template <class Work>
auto again_if_in_doubt(Work work) {
  return [work = std::move(work)](store::Database& database) {
    auto outcome = work(database);
    if (!outcome && outcome.error().kind == store::FailureKind::in_doubt) outcome = work(database);
    return outcome;
  };
}

// `say` gets the exchange and a T&, and answers.
template <class T, class Work, class Say>
void Server::ask(ExchangePtr exchange, std::string_view what, Work work, Say say) {
  asker_.ask<T>(std::move(work), [exchange = std::move(exchange), what, say = std::move(say)](auto outcome) mutable {
    if (!outcome) return exchange->refuse(problem_of(outcome.error(), what));
    if constexpr (std::is_void_v<T>) {
      say(*exchange);
    } else {
      say(*exchange, *outcome);
    }
  });
}

// Says all of what was found: a list of one page.
template <class T>
auto whole_list(Json (*json_of)(const T&)) {
  return [json_of](auto& done, const std::vector<T>& all) {
    Json items = Json::array();
    for (const T& one : all) items.push_back(json_of(one));
    done.answer(response_of(200, {{"items", std::move(items)}, {"next", nullptr}}));
  };
}

inline const Problem no_such_thing{404, "not_there", "there is no such thing"};
inline const Problem asker_unknown{503, "unavailable", "it cannot be looked up who you are; try again soon", {}, 5s};

}  // namespace klieg::studio
