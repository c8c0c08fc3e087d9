// The head of a response as a parent might send it, line by line "name: value", through all that decides about it.
#include "base/assert.h"
#include "edge/freshness.h"
#include "edge/invalidation.h"
#include "edge/stored_fields.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace klieg;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<wire::HeaderView> head;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const size_t colon = line.find(": ");
    if (colon != line.npos) head.push_back({line.substr(0, colon), line.substr(colon + 2)});
  }
  constexpr WallTime now{1'800'000'000s};
  const edge::RequestHead request{"GET", head};
  const edge::ResponseFacts facts = edge::facts_of(request, {200, head}, now - 1s, now, {});
  KLIEG_ASSERT(facts.lifetime >= 0s && facts.lifetime <= wire::delta_max, "a lifetime is in range");
  KLIEG_ASSERT(facts.initial_age >= 1s && facts.initial_age <= wire::delta_max, "an age is in range");
  const auto directives = wire::request_directives(head);
  for (const Duration later : {Duration(0s), Duration(100s), wire::delta_max}) {
    const edge::Use use = edge::use_of(facts, directives, now + later);
    KLIEG_ASSERT(!facts.no_cache || use == edge::Use::must_validate || use == edge::Use::gateway_timeout,
                 "no-cache is never used without asking");
    edge::use_on_error(facts, now + later);
  }
  const edge::Fields stored = edge::fields_to_store(head, facts);
  for (const auto& [name, value] : edge::fields_after_validation(stored, head, now)) {
    KLIEG_ASSERT(name != "connection" && name != "transfer-encoding" && name != "age", "hop by hop stays behind");
  }
  const edge::Target target{"http", "a.example", "/b/c?q"};
  for (const std::string& path : edge::invalidated_by("POST", target, 200, head)) {
    KLIEG_ASSERT(path.starts_with('/'), "a target is a path");
  }
  wire::variant_key(facts.vary, head);
  return 0;
}
