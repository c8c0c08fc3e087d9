#include "base/logging.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace klieg::logging {
namespace {

Format format_in_use = Format::text;

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_shared<spdlog::logger>("klieg", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_formatter(
        std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %-7l %v", spdlog::pattern_time_type::utc));
    return made;
  }();
  return *instance;
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
}

// Control characters are escaped in both formats: what a peer sends must not be able to forge a line.
void append_escaped(std::string& out, std::string_view text, bool quotes_too) {
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else if (quotes_too && (c == '"' || c == '\\')) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
}

std::string as_text(std::string_view message, Fields fields) {
  std::string line;
  append_escaped(line, message, false);
  for (const Field& field : fields) {
    const bool quoted = field.value.empty() || field.value.find_first_of(" =\"") != std::string::npos;
    line += ' ';
    line += field.key;
    line += '=';
    if (quoted) line += '"';
    append_escaped(line, field.value, quoted);
    if (quoted) line += '"';
  }
  return line;
}

std::string as_json(std::string_view message, Fields fields) {
  std::string line = "\"message\":\"";
  append_escaped(line, message, true);
  line += '"';
  for (const Field& field : fields) {
    line += ",\"";
    line += field.key;
    line += "\":\"";
    append_escaped(line, field.value, true);
    line += '"';
  }
  return line;
}

}  // namespace

void configure(Level least, Format format) {
  format_in_use = format;
  logger().set_level(spdlog_level(least));
  if (format == Format::json) {
    logger().set_formatter(std::make_unique<spdlog::pattern_formatter>(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})", spdlog::pattern_time_type::utc));
  }
}

void write(Level level, std::string_view message, Fields fields) {
  if (!logger().should_log(spdlog_level(level))) return;
  const std::string line = format_in_use == Format::json ? as_json(message, fields) : as_text(message, fields);
  logger().log(spdlog_level(level), spdlog::string_view_t(line));
}

}  // namespace klieg::logging
