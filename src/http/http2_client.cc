// HTTP/2 on one connection to a peer follows.
#include "http/client_session.h"

namespace klieg::http {

std::shared_ptr<Line> make_http2_line(ClientCore&, std::unique_ptr<net::Connection>) {
  KLIEG_ASSERT(false, "a peer is asked by HTTP/1.1 so far");
}

}  // namespace klieg::http
