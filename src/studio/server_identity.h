// Whose a request is: the session in its cookie, or the API token that it names.
//
// A token is looked at alone where there is one: no cookie counts beside it.
//
// Thread: any one loop's; answers in a later turn of it. The store outlives this.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "store/worker.h"
#include "studio/account_records.h"
#include "studio/scope.h"
#include "studio/server_call.h"
#include "studio/session.h"

namespace klieg::studio {

struct Identity {
  Account account;
  std::optional<Scopes> scopes;  // none: a person with a session, who may all
  SessionTimes session;          // of a person
};
enum class Unknown : uint8_t {
  nobody,       // neither cookie nor token, or none that is good
  unavailable,  // the store cannot be asked
};
using Whose = std::expected<Identity, Unknown>;

// What a call proves itself with.
struct Proof {
  std::string token;    // empty: none
  std::string session;  // what the cookie holds, where no token is given
};
Proof proof_of(const Call& call);

class Identities {
 public:
  Identities(net::Loop& loop, store::Worker& store) : loop_(loop), asker_(loop, store) {}

  void of(const Proof& proof, std::move_only_function<void(Whose)> done);

 private:
  net::Loop& loop_;
  store::Asker asker_;
};

}  // namespace klieg::studio
