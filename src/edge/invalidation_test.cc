#include "edge/invalidation.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace klieg::edge {
namespace {

constexpr Target target{"http", "a.example", "/b/c/d?q"};

using Names = std::vector<std::string>;

// RFC 3986 section 5.4, as far as one origin goes.
TEST(Invalidation, references_are_resolved_as_their_rfc_says) {
  const std::pair<const char*, const char*> references[] = {
      {"g", "/b/c/g"},
      {"./g", "/b/c/g"},
      {"g/", "/b/c/g/"},
      {"/g", "/g"},
      {"//a.example/g", "/g"},
      {"//g", ""},
      {"?y", "/b/c/d?y"},
      {"g?y", "/b/c/g?y"},
      {"#s", "/b/c/d?q"},
      {"g#s", "/b/c/g"},
      {"", "/b/c/d?q"},
      {".", "/b/c/"},
      {"./", "/b/c/"},
      {"..", "/b/"},
      {"../g", "/b/g"},
      {"../..", "/"},
      {"../../g", "/g"},
      {"../../../g", "/g"},
      {"/./g", "/g"},
      {"/../g", "/g"},
      {"g.", "/b/c/g."},
      {"..g", "/b/c/..g"},
      {"./g/.", "/b/c/g/"},
      {"g/../h", "/b/c/h"},
      {"g?y/../x", "/b/c/g?y/../x"},
      {"http://a.example", "/"},
      {"HTTP://A.example:80?x", "/?x"},
      {"http://a.example:81/g", ""},
      {"https://a.example/g", ""},
      {"http:g", ""},
      {"mailto:x", ""},
  };
  for (const auto& [reference, path] : references) EXPECT_EQ(resolved(target, reference), path) << reference;
}

// RFC 9111 section 4.4.
TEST(Invalidation, a_request_that_changed_something_forgets_its_target_and_what_it_names) {
  const wire::HeaderView response[] = {{"location", "/new"}, {"content-location", "http://a.example/b/c/d"}};
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "M-SEARCH"}) {
    EXPECT_EQ(invalidated_by(method, target, 201, response), (Names{"/b/c/d?q", "/new", "/b/c/d"})) << method;
    EXPECT_EQ(invalidated_by(method, target, 303, {}), Names{"/b/c/d?q"}) << method;
    EXPECT_EQ(invalidated_by(method, target, 500, response), Names{}) << method;
    EXPECT_EQ(invalidated_by(method, target, 404, response), Names{}) << method;
  }
  for (const char* method : {"GET", "HEAD", "OPTIONS", "TRACE"}) {
    EXPECT_EQ(invalidated_by(method, target, 200, response), Names{}) << method;
  }
}

TEST(Invalidation, nobody_else_is_harmed) {
  const wire::HeaderView response[] = {{"location", "http://b.example/x"}, {"content-location", "//b.example/y"}};
  EXPECT_EQ(invalidated_by("POST", target, 200, response), Names{"/b/c/d?q"});
}

RC_GTEST_PROP(Invalidation, any_reference_is_a_path_or_nothing, ()) {
  const auto reference = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab/.?#:@[] ")));
  const std::string path = resolved(target, reference);
  RC_ASSERT(path.empty() || path.starts_with('/'));
  RC_ASSERT(path.substr(0, path.find('?')).find("/../") == std::string::npos);
}

}  // namespace
}  // namespace klieg::edge
