// Assertions that stay on in release.
//
// What the network, a viewer or a broadcaster does wrong is a value to handle (base/result.h). What *we* do wrong is a
// broken invariant: KLIEG_ASSERT says what it knew and aborts, in every build.
#pragma once

namespace klieg {

[[noreturn]] void assertion_failed(const char* condition, const char* what, const char* file, int line);

}  // namespace klieg

#define KLIEG_ASSERT(condition, what) \
  (static_cast<bool>(condition) ? void(0) : ::klieg::assertion_failed(#condition, what, __FILE__, __LINE__))
