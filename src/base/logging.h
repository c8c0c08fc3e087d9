// What the operator reads: one line per event on standard error, as text or as JSON.
//
//   logging::info("broadcast live", {{"channel", name}, {"codec", "avc"}});
//
// The message is a fixed phrase, what varies goes into fields. Secrets never go into either. Callable from any thread;
// lines are written whole.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace klieg::logging {

enum class Level { debug, info, warning, error };
enum class Format { text, json };

struct Field {
  template <class T>
  Field(std::string_view key, const T& value) : key(key), value(fmt::to_string(value)) {}
  std::string_view key;
  std::string value;
};
using Fields = std::initializer_list<Field>;

// Once, before the first loop starts. Without it: info and above, text.
void configure(Level least, Format format);

void write(Level level, std::string_view message, Fields fields);
inline void debug(std::string_view message, Fields fields = {}) { write(Level::debug, message, fields); }
inline void info(std::string_view message, Fields fields = {}) { write(Level::info, message, fields); }
inline void warning(std::string_view message, Fields fields = {}) { write(Level::warning, message, fields); }
inline void error(std::string_view message, Fields fields = {}) { write(Level::error, message, fields); }

}  // namespace klieg::logging
