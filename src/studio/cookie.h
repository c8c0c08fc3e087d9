// The cookie that says who a browser is logged in as, and from which pages it may be used.
//
//   encrypted   __Host-klieg_session, Secure: no other host of the domain can plant one
//   loopback    klieg_session: there is no network in between, and browsers differ on what http://localhost may set
//   clear       none: neither a password nor a cookie goes over a network that reads along
//
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace klieg::studio {

// How a request came from its browser, up to the last machine that we believe.
enum class Line : uint8_t { encrypted, loopback, clear };

// `cookies`: the field Cookie. Empty: there is none of the name that counts on this line.
std::string session_in(std::string_view cookies, Line line);

// Values of Set-Cookie. Asserted: not on a clear line.
std::string session_cookie(std::string_view session, Line line, Duration good_for);
std::string no_session_cookie(Line line);

// Whether the page that makes the browser ask is our own, as far as the browser says. `authority`: the Host that it
// asked; empty: what the browser did not send. Programs that are no browsers say nothing of it.
enum class Page : uint8_t { ours, another, unsaid };
struct PageWords {
  std::string_view origin;          // of the field Origin
  std::string_view sec_fetch_site;  // W3C Fetch Metadata
  std::string_view authority;
};
Page page_of(const PageWords& said, Line line);

}  // namespace klieg::studio
