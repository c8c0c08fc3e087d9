#include "studio/server_identity.h"

#include <utility>

#include "base/logging.h"
#include "studio/secret.h"
#include "studio/session_records.h"

namespace klieg::studio {

Proof proof_of(const Call& call) {
  constexpr std::string_view bearer = "Bearer ";
  if (call.authorization.starts_with(bearer)) return {.token = call.authorization.substr(bearer.size()), .session = ""};
  return {.token = "", .session = session_in(call.cookies, call.line)};
}

void Identities::of(const Proof& proof, std::move_only_function<void(Whose)> done) {
  using Found = std::optional<Identity>;
  if (!is_secret(SecretKind::api_token, proof.token) && !is_secret(SecretKind::session, proof.session)) {
    return loop_.post([done = std::move(done)]() mutable { done(std::unexpected(Unknown::nobody)); });
  }
  auto job = [proof, now = loop_.wall_now()](store::Database& database) -> store::Outcome<Found> {
    if (!proof.token.empty()) {
      auto holder = use_token(database, proof.token, now);
      if (!holder) return std::unexpected(std::move(holder.error()));
      return *holder ? Found(Identity{(*holder)->account, (*holder)->scopes, {}}) : Found();
    }
    auto session = use_session(database, proof.session, now);
    if (!session) return std::unexpected(std::move(session.error()));
    return *session ? Found(Identity{(*session)->account, std::nullopt, (*session)->times}) : Found();
  };
  asker_.ask<Found>(std::move(job), [done = std::move(done)](store::Outcome<Found> found) mutable {
    if (!found) {
      logging::warning("it was not found out who asks",
                       {{"failure", store::name_of(found.error().kind)}, {"why", found.error().message}});
      return done(std::unexpected(Unknown::unavailable));
    }
    if (!*found) return done(std::unexpected(Unknown::nobody));
    done(std::move(**found));
  });
}

}  // namespace klieg::studio
