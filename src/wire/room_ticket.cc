#include "wire/room_ticket.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "wire/form.h"
#include "wire/room_message.h"

namespace klieg::wire {
namespace {

using media::Standing;

constexpr std::string_view purpose = "klieg-room";
constexpr std::string_view parameter = "ticket";

std::optional<Standing> standing_of(std::string_view word) {
  for (const Standing one : {Standing::stranger, Standing::follower, Standing::moderator, Standing::broadcaster}) {
    if (room::name_of(one) == word) return one;
  }
  return std::nullopt;
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= room_ticket_name_size_max && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

bool is_of_account(media::AccountId account) {
  return account != media::AccountId::anonymous && !media::is_guest(account);
}

struct Said {
  WallTime expires;
  media::Person person;
};

std::optional<Said> parse(std::string_view ticket) {
  const auto fields = claim_fields<4>(ticket);
  if (!fields) return std::nullopt;
  const auto expires = claim_time((*fields)[0]);
  const auto account = claim_number((*fields)[1]);
  const auto standing = standing_of((*fields)[2]);
  if (!expires || !account || !standing || !is_name((*fields)[3])) return std::nullopt;
  if (!is_of_account(media::AccountId{*account})) return std::nullopt;
  return Said{*expires, {media::AccountId{*account}, std::string((*fields)[3]), *standing}};
}

}  // namespace

std::optional<std::string_view> room_ticket_in(std::string_view query) {
  std::optional<std::string_view> found;
  each_parameter(query, [&](std::string_view one) {
    if (parameter_name(one) == parameter) found = parameter_value(one);
  });
  return found;
}

RoomTicketKey::RoomTicketKey(std::string_view secret) : key_(secret, purpose) {}

std::string RoomTicketKey::sign(std::string_view channel, const media::Person& person, WallTime expires) const {
  KLIEG_ASSERT(is_of_account(person.account) && is_name(person.name), "a ticket is an account's");
  return key_.sign(channel, fmt::format("{}.{}.{}.{}", seconds_of(expires), static_cast<uint64_t>(person.account),
                                        room::name_of(person.standing), person.name));
}

RoomTicketJudgement RoomTicketKey::judge(std::string_view ticket, std::string_view channel, WallTime now) const {
  auto said = parse(ticket);
  // The proof before the time: only who had a good one is told that it is over.
  if (!said || !key_.made(ticket, channel)) return {};
  if (now >= said->expires) return {ClaimTrust::expired, {}};
  return {ClaimTrust::trusted, std::move(said->person)};
}

}  // namespace klieg::wire
