#include "wire/cmcd.h"

#include <charconv>

#include "wire/form.h"
#include "wire/http_list.h"

namespace klieg::wire {
namespace {

// nullopt: it is no string. CTA-5004 quotes as structured fields do: '\' before '"' and '\'.
std::optional<std::string> string_in(std::string_view value) {
  if (value.size() < 2 || value.front() != '"' || value.back() != '"') return std::nullopt;
  value = value.substr(1, value.size() - 2);
  std::string text;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '"') return std::nullopt;
    if (value[i] == '\\') {
      ++i;
      if (i == value.size()) return std::nullopt;
    }
    text += value[i];
  }
  return text;
}

std::optional<uint32_t> number_in(std::string_view value) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) return std::nullopt;
  return number;
}

// A key by itself is true.
bool flag_in(std::string_view pair, std::string_view value) { return !pair.contains('=') || value == "?1"; }

void read_pair(std::string_view pair, Cmcd& told) {
  const std::string_view key = parameter_name(pair), value = parameter_value(pair);
  if (key == "sid") {
    if (auto session = string_in(value); session && session->size() <= Cmcd::session_size_max) {
      told.session = *std::move(session);
    }
  } else if (key == "bl") {
    if (const auto ms = number_in(value)) told.buffer = std::chrono::milliseconds(*ms);
  } else if (key == "br") {
    if (const auto kbps = number_in(value)) told.bitrate_kbps = kbps;
  } else if (key == "nor") {
    if (const auto path = string_in(value)) told.next = form_decoded(*path);
  } else if (key == "bs") {
    if (flag_in(pair, value)) told.stall = Cmcd::Stall::since_last;
  } else if (key == "su") {
    if (flag_in(pair, value)) told.need = Cmcd::Need::soon;
  }
}

}  // namespace

void read_cmcd(std::string_view pairs, Cmcd& told) {
  each_element(pairs, [&](std::string_view pair) { read_pair(pair, told); });
}

Cmcd cmcd_of(std::string_view query, std::span<const HeaderView> fields) {
  Cmcd told;
  for (const auto& [name, value] : fields) {
    if (name == "cmcd-session" || name == "cmcd-status" || name == "cmcd-request" || name == "cmcd-object") {
      read_cmcd(value, told);
    }
  }
  if (query.empty()) return told;
  each_parameter(query, [&](std::string_view parameter) {
    if (form_decoded(parameter_name(parameter)) == "CMCD") read_cmcd(form_decoded(parameter_value(parameter)), told);
  });
  return told;
}

}  // namespace klieg::wire
