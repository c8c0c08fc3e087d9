#include "http/websocket.h"

#include <utility>

#include "wire/http_list.h"
#include "wire/websocket.h"

namespace klieg::http {
namespace {

// Whether a field lists an element, which is in lower case here.
bool lists(const Request& request, std::string_view name, std::string_view wanted) {
  bool found = false;
  for (const HeaderView& field : request.headers) {
    if (field.name != name) continue;
    wire::each_element(field.value, [&](std::string_view element) { found |= wire::lower_case(element) == wanted; });
  }
  return found;
}

// "https://host:port", of the scheme that browsers say. A proxy in front may take TLS off, so the scheme is not ours to
// judge; the host is.
bool is_ours(std::string_view origin, std::string_view authority) {
  const size_t scheme_end = origin.find("://");
  return scheme_end != origin.npos && wire::lower_case(origin.substr(scheme_end + 3)) == wire::lower_case(authority);
}

std::unexpected<Response> refuse(uint16_t status, std::string_view why) {
  return std::unexpected(Response::text(status, why));
}

}  // namespace

Result<WebSocketOffer, Response> read_websocket_offer(const Request& request, std::string_view protocol) {
  if (!lists(request, "upgrade", "websocket")) {
    Response response = Response::text(426, "this is for a WebSocket");
    response.own_headers.add("upgrade", "websocket");
    return std::unexpected(std::move(response));
  }
  if (request.method != Method::get) return std::unexpected(Response::not_allowed("GET"));
  if (request.version != Version::http_1_1 || !lists(request, "connection", "upgrade")) {
    return refuse(400, "a WebSocket begins with HTTP/1.1 and Connection: Upgrade");
  }
  if (request.header("sec-websocket-version") != "13") {
    Response response = Response::text(426, "this server speaks version 13 of the WebSocket protocol");
    response.own_headers.add("sec-websocket-version", "13");
    return std::unexpected(std::move(response));
  }
  const std::string_view key = request.header("sec-websocket-key").value_or("");
  if (!wire::websocket::is_key(key)) return refuse(400, "Sec-WebSocket-Key is not 16 bytes in base64");
  const auto origin = request.header("origin");
  if (origin && !is_ours(*origin, request.authority)) return refuse(403, "pages of other origins may not do this");
  if (!lists(request, "sec-websocket-protocol", protocol)) {
    return refuse(400, "the subprotocol spoken here is " + std::string(protocol));
  }
  return WebSocketOffer{.key = std::string(key), .protocol = std::string(protocol)};
}

}  // namespace klieg::http
