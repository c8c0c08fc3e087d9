#include "edge/client_handler.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "edge/stored_fields.h"

namespace klieg::edge {
namespace {

// What is answered, as whoever sent it would have received it.
void tell(http::Response response, FetchHandler& handler, const bool& gone) {
  std::vector<wire::HeaderView> views;
  if (response.headers) {
    for (const auto& [name, value] : response.headers->all()) views.push_back({name, value});
  }
  for (const auto& [name, value] : response.own_headers.all()) views.push_back({name, value});
  FetchHead head;
  head.status = response.status;
  head.fields = views;
  if (auto* range = std::get_if<http::LogRange>(&response.body)) {
    head.log = std::move(range->log);
    head.offset = range->offset;
    head.end = range->end;
  } else if (auto* bytes = std::get_if<Bytes>(&response.body)) {
    head.end = bytes->size();
    head.log = Log::complete(std::move(*bytes));
  } else {
    head.end = 0;
    head.log = Log::complete(Bytes());
  }
  handler.on_head(head);
  if (!gone) handler.on_end(FetchEnd::complete);
}

}  // namespace

class HandlerParent::LocalFetch final : public Fetch {
 public:
  // Outlives the fetch while the handler holds a Responder, or a turn is under way.
  class Exchange final : public http::Responder::Target, public std::enable_shared_from_this<Exchange> {
   public:
    Exchange(net::Loop& loop, FetchHandler& handler) : loop_(loop), handler_(handler) {}

    void respond(uint64_t, http::Response response) override {
      if (gone) return;
      answered_ = true;
      // In a later turn: a handler may answer from inside serve(), and nothing is called from inside fetch().
      loop_.post([self = shared_from_this(), response = std::move(response)]() mutable {
        if (!self->gone) tell(std::move(response), self->handler_, self->gone);
      });
    }
    bool expects(uint64_t) const override { return !gone && !answered_; }

    bool gone = false;

   private:
    net::Loop& loop_;
    FetchHandler& handler_;
    bool answered_ = false;
  };

  LocalFetch(net::Loop& loop, FetchHandler& handler) : exchange(std::make_shared<Exchange>(loop, handler)) {}
  ~LocalFetch() override { exchange->gone = true; }

  const std::shared_ptr<Exchange> exchange;
};

std::unique_ptr<Fetch> HandlerParent::fetch(FetchRequest asked, FetchHandler& handler) {
  auto fetch = std::make_unique<LocalFetch>(loop_, handler);
  const std::string_view target = asked.target;
  const size_t question = std::min(target.find('?'), target.size());
  http::Request request;
  request.method = http::method_of(asked.method);
  request.method_name = asked.method;
  request.path = target.substr(0, question);
  request.query = target.substr(std::min(question + 1, target.size()));
  request.headers = views_of(asked.fields);
  request.scheme = "http";
  request.peer = asked.client_address;
  request.body = std::move(asked.body);
  handler_.serve(request, http::Responder(fetch->exchange, 1));
  return fetch;
}

}  // namespace klieg::edge
