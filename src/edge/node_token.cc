#include "edge/node_token.h"

#include <fmt/format.h>

#include <array>

#include "base/assert.h"
#include "wire/hmac.h"
#include "wire/structured_field.h"

namespace klieg::edge {
namespace {

namespace sf = wire::sf;

wire::Hmac mac_of(std::string_view secret, std::string_view id, std::string_view method, std::string_view target,
                  int64_t t) {
  return wire::hmac_sha256(as_bytes(secret),
                           as_bytes(fmt::format("{}\n{}\n{}\n{}\n{}", node_header, method, target, t, id)));
}

int64_t seconds_of(WallTime time) { return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count(); }

// The value of a key, if it is a bare item of this type.
template <class T>
const T* value_of(const sf::Dictionary& token, std::string_view key) {
  const sf::Member* member = sf::find(token, key);
  const auto* item = member ? std::get_if<sf::Item>(member) : nullptr;
  return item ? std::get_if<T>(&item->value) : nullptr;
}

// What it says and what it should, whatever the size of either.
bool is_mac(const std::vector<uint8_t>& said, const wire::Hmac& made) {
  return wire::equal_in_constant_time(said, made);
}

}  // namespace

std::string_view name_of(NodeTrust trust) {
  constexpr std::array<std::string_view, 5> names{"trusted", "absent", "malformed", "stale", "wrong"};
  return names[static_cast<size_t>(trust)];
}

std::string NodeSecret::token(std::string_view id, std::string_view method, std::string_view target,
                              WallTime now) const {
  if (secret_.empty()) return {};
  const int64_t t = seconds_of(now);
  const wire::Hmac mac = mac_of(secret_, id, method, target, t);
  const auto text = sf::text_of(sf::Dictionary{{"id", sf::Item{sf::Token{std::string(id)}, {}}},
                                               {"t", sf::Item{t, {}}},
                                               {"mac", sf::Item{sf::Binary{{mac.begin(), mac.end()}}, {}}}});
  KLIEG_ASSERT(text && id.size() <= node_id_size_max, "a node's id is a token");
  return *text;
}

NodeSecret::Judgement NodeSecret::judge(std::optional<std::string_view> token, std::string_view method,
                                        std::string_view target, WallTime now) const {
  if (!token || token->empty()) return {NodeTrust::absent, ""};
  const std::optional<sf::Dictionary> fields = sf::parse_dictionary(*token);
  if (!fields) return {NodeTrust::malformed, ""};
  const auto* id = value_of<sf::Token>(*fields, "id");
  const auto* t = value_of<int64_t>(*fields, "t");
  const auto* mac = value_of<sf::Binary>(*fields, "mac");
  if (!id || !t || !mac || id->text.size() > node_id_size_max) return {NodeTrust::malformed, ""};
  // The proof before the time: only who knows the secret is told of a clock that is wrong.
  const bool proven = is_mac(mac->content, mac_of(secret_, id->text, method, target, *t));
  if (secret_.empty() || !proven) return {NodeTrust::wrong, ""};
  // Compared in seconds: what the token says may be any number of them.
  const int64_t difference = *t - seconds_of(now);
  const int64_t most = std::chrono::floor<std::chrono::seconds>(node_clock_difference_max).count();
  return {difference >= -most && difference <= most ? NodeTrust::trusted : NodeTrust::stale, id->text};
}

}  // namespace klieg::edge
