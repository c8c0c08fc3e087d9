#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace klieg {

void assertion_failed(const char* condition, const char* what, const char* file, int line) {
  std::fprintf(stderr, "klieg: assertion failed at %s:%d: %s (%s)\n", file, line, what, condition);
  std::abort();
}

}  // namespace klieg
