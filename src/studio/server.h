// The HTTP API /api/v1: people, their keys, their broadcasts. What each route takes and answers: openapi.json.
//
//   serve() ─► route ─► page of ours, token of the session ─► body ─► whose ─► scope ─► the route's own
//      404, 405 ┘            403 csrf ┘                 400, 415 ┘   401 ┘  403 ┘
//
// A call comes from the loop of its connection and is answered on this one, in a later turn or at once. What waits for
// the store waits in its queue, which is bounded; while the store is down every route that needs it is 503 and says
// what cannot be done.
//
// Owner: the world. Thread: one loop of the node, for what it counts - who guesses, who signs up - is the node's.
// `loop`, `store` and `stage` outlive this.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/random.h"
#include "net/loop.h"
#include "store/worker.h"
#include "studio/broadcast_records.h"
#include "studio/key_records.h"
#include "studio/on_air.h"
#include "studio/server_call.h"
#include "studio/server_herald.h"
#include "studio/server_identity.h"
#include "studio/worker_accounts.h"
#include "wire/path_token.h"
#include "wire/room_ticket.h"

namespace klieg::studio {

// The broadcasts of this node, as far as the API has a say in them. On the server's loop.
class Stage {
 public:
  virtual ~Stage() = default;
  // The key is good for nothing any more: whoever publishes with it is told so and goes, and the broadcast ends.
  virtual void end_carried_by(int64_t key) = 0;
  // Its owner has ended what is live on the channel: the same.
  virtual void end(const std::string& channel) = 0;
  // Who may take part in the rooms of the channel's account, or keeps order in them, is other than it was.
  virtual void room_people_changed(const std::string& channel) = 0;
  // Written down: tokens that every node is to take no more.
  virtual void revoked(const media::GuestsRevoked& revoked) = 0;
};

class Server {
 public:
  // Pages that wait to be told who goes live: one of each browser, some KiB each.
  static constexpr size_t held_max = 5'000;
  static constexpr size_t held_per_account_max = 8;

  struct Options {
    Accounts::Options accounts;
    Herald::Options herald;
    uint64_t seed = 0;        // of draws from the list
    std::string path_secret;  // that all nodes check tokens with
  };
  Server(net::Loop& loop, store::Worker& store, Stage& stage, Metrics& metrics, const Options& options);
  ~Server();

  void serve(Call call, Answer answer);
  // Whose an encoder's key is. Nobody's: there is none like it any more.
  using KeyUsed = std::move_only_function<void(store::Outcome<std::optional<KeyHolder>>)>;
  void use_key(const std::string& secret, KeyUsed done);

  // What becomes of the broadcasts of this node. `listing`: of a channel without an account; an account's broadcast is
  // listed as it was made. Said again while it is on air, nothing is new.
  void on_publisher(const KeyHolder& holder) { publishers_.insert_or_assign(holder.account.name, holder); }
  void on_live(const std::string& channel, WallTime started, Listing listing);
  // Of another node, which writes down what becomes of it. Said again and again; an account's is listed as the database
  // has it.
  void on_live_elsewhere(const std::string& channel, WallTime started, Listing listing);
  void on_ended(const std::string& channel);
  void on_viewers(const std::string& channel, uint64_t viewers) { on_air_.set_viewers(channel, viewers); }
  // So much was said in the broadcast's room, as yet.
  void on_said(const std::string& channel, uint64_t comments, uint64_t hearts) {
    on_air_.set_said(channel, comments, hearts);
  }
  // The server goes: what is held is answered, and nothing is held any more.
  void hold_no_more();

  // "GET /keys/{id}", each once: what openapi.json is held against.
  static std::vector<std::string> routes();

 private:
  struct Exchange;
  struct Route;
  using ExchangePtr = std::unique_ptr<Exchange>;
  static const std::vector<Route>& table();

  void identified(ExchangePtr exchange, const Route& route, Whose whose);
  // Answers with what `work` has returned from the store, put into words by `say`.
  template <class T, class Work, class Say>
  void ask(ExchangePtr exchange, std::string_view what, Work work, Say say);

  void get_openapi(ExchangePtr exchange);
  // server_session.cc
  void get_session(ExchangePtr exchange);
  void log_in(ExchangePtr exchange);
  void log_out(ExchangePtr exchange);
  void sign_up(ExchangePtr exchange);
  void change_me(ExchangePtr exchange);
  void change_password(ExchangePtr exchange);
  Json session_of(const Exchange& exchange, const Account* account, std::string_view session) const;
  EntryDone enter(ExchangePtr exchange, uint16_t status);
  // server_keys.cc
  void list_keys(ExchangePtr exchange);
  void make_key(ExchangePtr exchange);
  void rotate_key(ExchangePtr exchange);
  void revoke_key(ExchangePtr exchange);
  // server_tokens.cc
  void list_tokens(ExchangePtr exchange);
  void make_token(ExchangePtr exchange);
  void revoke_token(ExchangePtr exchange);
  void list_invites(ExchangePtr exchange);
  void make_invite(ExchangePtr exchange);
  void revoke_invite(ExchangePtr exchange);
  void list_deeds(ExchangePtr exchange);
  // server_people.cc
  void get_person(ExchangePtr exchange);
  void list_past_broadcasts(ExchangePtr exchange);
  void get_picture(ExchangePtr exchange);
  void put_picture(ExchangePtr exchange);
  void remove_picture(ExchangePtr exchange);
  void follow(ExchangePtr exchange);
  void unfollow(ExchangePtr exchange);
  // server_rooms.cc
  void make_room_ticket(ExchangePtr exchange);
  void list_moderators(ExchangePtr exchange);
  void appoint_moderator(ExchangePtr exchange);
  void dismiss_moderator(ExchangePtr exchange);
  void list_bans(ExchangePtr exchange);
  void ban(ExchangePtr exchange);
  void unban(ExchangePtr exchange);
  // server_broadcasts.cc
  void list_broadcasts(ExchangePtr exchange);
  void make_broadcast(ExchangePtr exchange);
  void get_broadcast(ExchangePtr exchange);
  void change_broadcast(ExchangePtr exchange);
  void end_broadcast(ExchangePtr exchange);
  // server_notices.cc
  void list_notices(ExchangePtr exchange);
  void mark_notices_seen(ExchangePtr exchange);
  void get_push_key(ExchangePtr exchange);
  void put_push_subscription(ExchangePtr exchange);
  void remove_push_subscription(ExchangePtr exchange);
  void list_webhooks(ExchangePtr exchange);
  void make_webhook(ExchangePtr exchange);
  void remove_webhook(ExchangePtr exchange);
  void hold(ExchangePtr exchange, const NoticeCursor& after);
  void announce(const Broadcast& broadcast);
  void wake_followers(std::shared_ptr<const Notice> notice, int64_t after);
  void let_go();
  // server_passes.cc
  void make_pass(ExchangePtr exchange);
  void make_link(ExchangePtr exchange);
  void revoke_links(ExchangePtr exchange);
  // server_live.cc
  void list_live(ExchangePtr exchange);
  void write_start(const Show& show);
  void write_end(int64_t broadcast, const BroadcastCounts& counts);
  void write_soon();
  void write_counts_down();

  net::Loop& loop_;
  Stage& stage_;
  const Options options_;
  const wire::PathKey path_key_;
  const wire::RoomTicketKey ticket_key_;
  Accounts accounts_;
  Identities identities_;
  Herald herald_;
  OnAir on_air_;
  std::map<std::string, KeyHolder> publishers_;  // the last with an account's key, by channel: as many as accounts
  std::vector<std::pair<int64_t, BroadcastCounts>> unwritten_ends_;
  bool write_due_ = false;
  net::Timer write_;
  struct Held;
  std::multimap<int64_t, Held> held_;  // by account
  bool letting_go_ = false;
  bool holds_ = true;
  net::Timer let_go_;
  Random random_;
  store::Asker asker_;
};

}  // namespace klieg::studio
