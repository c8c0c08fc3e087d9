// Structured fields: whatever is read is written so that it reads the same. And what is made of them: the normal form
// of a query, targeted cache control.
#include "base/assert.h"
#include "wire/cache_control.h"
#include "wire/query_key.h"
#include "wire/structured_field.h"

namespace {

namespace sf = klieg::wire::sf;

template <class Value>
void check_round_trip(std::string_view field, std::optional<Value> (*parse)(std::string_view)) {
  const auto value = parse(field);
  if (!value) return;
  const auto text = sf::text_of(*value);
  KLIEG_ASSERT(text, "what was read can be written");
  KLIEG_ASSERT(parse(*text) == value, "what was written reads the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace klieg;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_round_trip<sf::Item>(text, sf::parse_item);
  check_round_trip<sf::List>(text, sf::parse_list);
  check_round_trip<sf::Dictionary>(text, sf::parse_dictionary);

  // The first line a field, the rest a query.
  const size_t line = std::min(text.find('\n'), text.size());
  const wire::HeaderView headers[] = {{"no-vary-search", text.substr(0, line)},
                                      {"cdn-cache-control", text.substr(0, line)}};
  const wire::QueryVariance variance = wire::no_vary_search(headers);
  const std::string key = wire::query_key(text.substr(std::min(line + 1, text.size())), variance);
  KLIEG_ASSERT(wire::query_key(key, variance) == key, "a normal form is its own");
  if (const auto said = wire::targeted_directives(headers); said && said->max_age) {
    KLIEG_ASSERT(*said->max_age >= 0s && *said->max_age <= wire::delta_max, "a lifetime is in range");
  }
  return 0;
}
