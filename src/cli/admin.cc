#include "cli/admin.h"

#include <utility>

namespace klieg::cli {

void Admin::serve(const http::Request& request, http::Responder responder) {
  using http::Response;
  if (request.method != http::Method::get && request.method != http::Method::head) {
    return responder.respond(Response::not_allowed("GET, HEAD"));
  }
  if (request.path == "/livez") return responder.respond(Response::text(200, "alive\n"));
  if (request.path == "/readyz") {
    switch (readiness_.load(std::memory_order_relaxed)) {
      case Readiness::starting:
        return responder.respond(Response::text(503, "starting\n"));
      case Readiness::ready:
        return responder.respond(Response::text(200, "ready\n"));
      case Readiness::draining:
        return responder.respond(Response::text(503, "draining\n"));
    }
  }
  if (request.path == "/metrics") {
    Response response;
    response.headers = std::make_shared<http::HeaderBlock>(
        http::HeaderBlock{{"content-type", "text/plain; version=0.0.4; charset=utf-8"}, {"cache-control", "no-store"}});
    response.body = Bytes::take(metrics_.text());
    return responder.respond(std::move(response));
  }
  responder.respond(Response::text(404, "there is /livez, /readyz and /metrics here\n"));
}

}  // namespace klieg::cli
