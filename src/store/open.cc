#include "store/open.h"

#include <algorithm>
#include <string_view>

#include "store/postgresql.h"
#include "store/sqlite.h"

namespace klieg::store {
namespace {

constexpr std::string_view password_key = "password=";

bool is_url(std::string_view name) { return name.starts_with("postgresql://") || name.starts_with("postgres://"); }

// "host=db dbname=klieg": a '=' before any '/', which a file's name has not.
bool is_conninfo(std::string_view name) {
  const size_t equals = name.find('=');
  return equals != name.npos && name.substr(0, equals).find_first_of("/.") == name.npos;
}

}  // namespace

bool is_postgresql(const std::string& name) { return is_url(name) || is_conninfo(name); }

Outcome<std::unique_ptr<Database>> open(const std::string& name, uint64_t seed) {
  if (is_postgresql(name)) return open_postgresql({.conninfo = name, .seed = seed});
  return open_sqlite(name);
}

std::string without_password(const std::string& name) {
  std::string shown = name;
  if (is_url(shown)) {
    const size_t begin = shown.find("://") + 3;
    const size_t at = shown.find('@', begin);
    const size_t colon = shown.find(':', begin);
    if (at != shown.npos && colon < at) shown.replace(colon, at - colon, ":...");
  }
  if (const size_t key = shown.find(password_key); key != shown.npos) {
    const size_t value = key + password_key.size();
    shown.replace(value, std::min(shown.find_first_of(" &", value), shown.size()) - value, "...");
  }
  return shown;
}

}  // namespace klieg::store
