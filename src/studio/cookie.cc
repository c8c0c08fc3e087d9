#include "studio/cookie.h"

#include <fmt/format.h>

#include "base/assert.h"

namespace klieg::studio {
namespace {

std::string_view name_on(Line line) {
  switch (line) {
    case Line::encrypted:
      return "__Host-klieg_session";
    case Line::loopback:
      return "klieg_session";
    case Line::clear:
      return "";
  }
}

std::string cookie(std::string_view value, Line line, int64_t seconds) {
  KLIEG_ASSERT(line != Line::clear, "a session is not sent in clear");
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{}", name_on(line), value, seconds,
                     line == Line::encrypted ? "; Secure" : "");
}

}  // namespace

std::string session_in(std::string_view cookies, Line line) {
  const std::string_view name = name_on(line);
  while (!name.empty() && !cookies.empty()) {
    std::string_view one = cookies.substr(0, cookies.find(';'));
    cookies.remove_prefix(one.size() == cookies.size() ? one.size() : one.size() + 1);
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(name) && one.substr(name.size()).starts_with('=')) {
      return std::string(one.substr(name.size() + 1));
    }
  }
  return "";
}

std::string session_cookie(std::string_view session, Line line, Duration good_for) {
  return cookie(session, line, good_for / 1s);
}
std::string no_session_cookie(Line line) { return cookie("", line, 0); }

Page page_of(const PageWords& said, Line line) {
  if (!said.sec_fetch_site.empty() && said.sec_fetch_site != "same-origin") return Page::another;
  if (said.origin.empty()) return said.sec_fetch_site.empty() ? Page::unsaid : Page::ours;
  const std::string_view scheme = line == Line::encrypted ? "https://" : "http://";
  const bool ours = said.origin.starts_with(scheme) && said.origin.substr(scheme.size()) == said.authority;
  return ours ? Page::ours : Page::another;
}

}  // namespace klieg::studio
