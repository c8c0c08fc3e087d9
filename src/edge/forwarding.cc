#include "edge/forwarding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "edge/engine.h"
#include "wire/cache_control.h"
#include "wire/query_key.h"

namespace klieg::edge {
namespace {

// Nothing of the client's may pass for ours: what nodes tell each other, and who the client is.
bool is_between_nodes(std::string_view name) {
  return name.starts_with("klieg-") || name == "x-forwarded-for" || name == "forwarded" || name == "x-real-ip";
}

// Ours where parents are told; of a foreign origin it is between the client and that one.
bool says_as_whom(std::string_view name) { return name == "x-forwarded-proto" || name == "x-forwarded-host"; }

bool is_one_viewers_own(std::string_view name) {
  constexpr std::array<std::string_view, 7> own{
      "range", "if-range", "if-none-match", "if-match", "if-modified-since", "if-unmodified-since", "accept-encoding"};
  return std::ranges::find(own, name) != own.end() || name.starts_with("cmcd-");
}

// What every request upward says for itself.
bool is_ours(std::string_view name) {
  return name == "host" || name == "content-length" || name == "cdn-loop" || name == "via" || is_between_nodes(name);
}

FetchRequest request_of(const Question& question, std::string target, std::string_view node) {
  FetchRequest request;
  request.method = question.method;
  request.target = std::move(target);
  request.client_address = question.client_address;
  request.scheme = question.scheme;
  request.authority = question.authority;
  request.fields = end_to_end(question.fields);
  std::string loop;
  for (const auto& [name, value] : request.fields) {
    if (name == "cdn-loop") loop.append(value).append(", ");
  }
  std::erase_if(request.fields, [](const auto& field) { return is_ours(field.first) && field.first != "via"; });
  request.fields.emplace_back("cdn-loop", loop.append(node));
  request.fields.emplace_back("via", fmt::format("1.1 {}", node));
  request.fields.emplace_back("surrogate-capability", fmt::format("{}=\"Surrogate/1.0\"", wire::surrogate_name));
  if (!question.client_address.empty()) request.fields.emplace_back("x-forwarded-for", question.client_address);
  if (question.scheme.empty()) return request;
  std::erase_if(request.fields, [](const auto& field) { return says_as_whom(field.first); });
  request.fields.emplace_back("x-forwarded-proto", question.scheme);
  if (!question.authority.empty()) request.fields.emplace_back("x-forwarded-host", question.authority);
  return request;
}

}  // namespace

bool takes_gzip(std::span<const wire::HeaderView> fields) {
  std::string_view rest = field_of(fields, "accept-encoding");
  while (!rest.empty()) {
    std::string_view element = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(element.size() + 1, rest.size()));
    const size_t begin = element.find_first_not_of(" \t");
    if (begin == element.npos) continue;
    element.remove_prefix(begin);
    const std::string_view coding = element.substr(0, element.find_first_of("; \t"));
    const size_t weight = element.find("q=0");
    const bool refused = weight != element.npos && element.find_first_of("123456789", weight) == element.npos;
    if (coding == "gzip" && !refused) return true;
  }
  return false;
}

std::string_view field_of(std::span<const wire::HeaderView> fields, std::string_view name) {
  const auto found = std::ranges::find(fields, name, &wire::HeaderView::name);
  return found == fields.end() ? std::string_view() : found->value;
}

bool has_been_here(std::span<const wire::HeaderView> fields, std::string_view node) {
  for (const wire::HeaderView& field : fields) {
    if (field.name != "cdn-loop") continue;
    for (size_t at = field.value.find(node); at != field.value.npos; at = field.value.find(node, at + 1)) {
      const size_t after = at + node.size();
      const bool begins = at == 0 || field.value[at - 1] == ' ' || field.value[at - 1] == ',';
      const bool ends = after == field.value.size() || std::string_view(" ,;").contains(field.value[after]);
      if (begins && ends) return true;
    }
  }
  return false;
}

FetchRequest shared_request(const Question& question, std::string target, const Object* validated,
                            std::string_view node) {
  FetchRequest request = request_of(question, std::move(target), node);
  request.method = "GET";
  std::erase_if(request.fields, [](const auto& field) { return is_one_viewers_own(field.first); });
  if (takes_gzip(question.fields)) request.fields.emplace_back("accept-encoding", "gzip");
  if (!validated) return request;
  for (auto& condition : conditions_of(validated->facts)) request.fields.push_back(std::move(condition));
  return request;
}

FetchRequest passed_request(const Question& question, std::string_view node) {
  FetchRequest request = request_of(question, target_of(question.path, question.query), node);
  request.body = question.body;
  request.whom = FetchRequest::For::one;
  return request;
}

std::string variant_of(const wire::Vary& vary, std::span<const wire::HeaderView> fields) {
  if (vary.names.empty()) return {};
  std::vector<wire::HeaderView> chosen;
  for (const wire::HeaderView& field : fields) {
    const bool matters = std::ranges::find(vary.names, field.name) != vary.names.end() || field.name == "connection";
    if (matters && !is_ours(field.name) && !is_one_viewers_own(field.name)) chosen.push_back(field);
  }
  const Fields upward = end_to_end(chosen);
  std::vector<wire::HeaderView> asked = views_of(upward);
  if (takes_gzip(fields)) asked.push_back({"accept-encoding", "gzip"});
  return wire::variant_key(vary, asked);
}

}  // namespace klieg::edge
