// Tickets to rooms: whatever a query holds, nobody is believed who cannot sign.
#include "base/assert.h"
#include "wire/room_ticket.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace klieg;
  static const wire::RoomTicketKey key("a secret of the fuzzer's");
  static const wire::ClaimKey signs("a secret of the fuzzer's", "klieg-room");
  constexpr WallTime now{1'800'000'000s};
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  const auto ticket = wire::room_ticket_in(query);
  if (!ticket) return 0;
  KLIEG_ASSERT(query.contains(*ticket), "what is read lies within it");
  KLIEG_ASSERT(key.judge(*ticket, "ada", now).trust == wire::ClaimTrust::wrong, "a guess is wrong");
  // As if a node had signed it: who is believed then is an account with a name of bounded size.
  const auto judged = key.judge(signs.sign("ada", *ticket), "ada", now);
  if (judged.trust != wire::ClaimTrust::trusted) return 0;
  const media::Person& person = judged.person;
  KLIEG_ASSERT(person.account != media::AccountId::anonymous && !media::is_guest(person.account), "an account");
  KLIEG_ASSERT(!person.name.empty() && person.name.size() <= wire::room_ticket_name_size_max, "with a name");
  const std::string again = key.sign("ada", person, now + 1s);
  KLIEG_ASSERT(key.judge(again, "ada", now).person == person, "what was signed can be read");
  return 0;
}
