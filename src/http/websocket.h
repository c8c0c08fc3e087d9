// A request that wishes its connection to become a WebSocket (RFC 6455 section 4.2), judged before it is granted.
//
//   auto offer = read_websocket_offer(request, "klieg.push.1");
//   if (!offer) return responder.respond(std::move(offer.error()));
//   ... now or later: responder.upgrade(*offer)
//
// Pages of other sites may open a WebSocket to anywhere, with the viewer's cookies, and no CORS rule stands in their
// way: so a browser's Origin has to be ours (section 10.2). A client that says none is no browser.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace klieg::http {

struct WebSocketOffer {
  std::string key;
  std::string protocol;
};

// The request's offer to speak `protocol`, or the answer that refuses it: 400, 403 (another origin), 405, 426 (it
// wishes no WebSocket, or one of another version).
Result<WebSocketOffer, Response> read_websocket_offer(const Request& request, std::string_view protocol);

}  // namespace klieg::http
