// What is on air on this node: its records, and the list of everything live.

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/logging.h"
#include "studio/follow_records.h"
#include "studio/server_exchange.h"
#include "wire/form.h"
#include "wire/utc.h"

namespace klieg::studio {
namespace {

// What is lost of a broadcast's counts when the machine fails, at most.
constexpr Duration write_every = std::chrono::minutes(1);
// Ended while the database is down, and not written yet: a day of an end each minute, x 0.3 KiB.
constexpr size_t unwritten_max = 1'440;
constexpr size_t drawn = 50;

BroadcastCounts counts_of(const Show& show) {
  return {.viewers_peak = static_cast<int64_t>(show.viewers_peak),
          .viewers_total = static_cast<int64_t>(show.viewers_came),
          .comments = static_cast<int64_t>(show.comments),
          .hearts = static_cast<int64_t>(show.hearts)};
}

void note_unwritten(const store::Failure& failure) {
  logging::warning("a broadcast was not written down, and will be later",
                   {{"failure", store::name_of(failure.kind)}, {"why", failure.message}});
}

Json json_of(const Show& show) {
  return {{"channel", show.channel},
          {"title", show.title.empty() ? Json() : Json(show.title)},
          {"display_name", show.display_name.empty() ? Json() : Json(show.display_name)},
          {"viewers", show.viewers},
          {"started_at", wire::utc_text(show.started)},
          {"poster", nullptr},
          {"following", false}};
}

// Who asks again sooner gets the same draw from the browser.
std::shared_ptr<const http::HeaderBlock> headers_of_draw() {
  static const auto headers =
      std::make_shared<const http::HeaderBlock>(http::HeaderBlock{{"content-type", "application/json"},
                                                                  {"cache-control", "private, max-age=5"},
                                                                  {"x-content-type-options", "nosniff"}});
  return headers;
}

struct Wish {
  ListOrder order = ListOrder::viewers;
  bool at_random = false;
  Paging paging;
};

std::optional<Problem> read_wish(std::string_view query, Wish& wish) {
  if (auto fault = read_paging(query, wish.paging)) return fault;
  std::optional<Problem> fault;
  wire::each_parameter(query, [&](std::string_view parameter) {
    const std::string name = wire::form_decoded(wire::parameter_name(parameter));
    const std::string value = wire::form_decoded(wire::parameter_value(parameter));
    if (name == "mode" && value == "random50") {
      wish.at_random = true;
    } else if (name == "sort" && (value == "viewers" || value == "freshness")) {
      wish.order = value == "viewers" ? ListOrder::viewers : ListOrder::freshness;
    } else if (name == "mode" || name == "sort") {
      fault = Problem{400, "bad_query", "the list is sorted by viewers or freshness, or is mode=random50"};
    }
  });
  return fault;
}

}  // namespace

void Server::on_live(const std::string& channel, WallTime started, Listing listing) {
  const bool begins = !on_air_.find(channel);
  Show& show = on_air_.begin(channel, started);
  const auto publisher = publishers_.find(channel);
  if (publisher == publishers_.end()) {
    show.listing = listing;
  } else {
    show.account = publisher->second.account.id;
    show.display_name = publisher->second.account.display_name;
    const int64_t was = std::exchange(show.key, publisher->second.key);
    if (begins || was != show.key) write_start(show);
  }
  write_soon();
}

void Server::on_live_elsewhere(const std::string& channel, WallTime started, Listing listing) {
  publishers_.erase(channel);  // who was here last
  Show& show = on_air_.begin(channel, started);
  show.key = show.broadcast = 0;
  if (show.account != 0) return;
  show.listing = listing;
  using Live = std::optional<std::pair<Account, Broadcast>>;
  asker_.ask<Live>(
      [channel](store::Database& database) -> store::Outcome<Live> {
        auto account = find_account(database, channel);
        if (!account) return std::unexpected(std::move(account.error()));
        if (!*account) return std::nullopt;
        auto broadcast = find_live_broadcast(database, (*account)->id);
        if (!broadcast) return std::unexpected(std::move(broadcast.error()));
        if (!*broadcast) return std::nullopt;
        return std::pair(std::move(**account), std::move(**broadcast));
      },
      [this, channel, number = show.number](store::Outcome<Live> found) {
        Show* live = on_air_.find(channel);
        if (!found || !*found || !live || live->number != number) return;  // it is said again
        const auto& [account, broadcast] = **found;
        live->account = account.id;
        live->display_name = account.display_name;
        live->title = broadcast.title;
        live->listing = broadcast.visibility == Visibility::everyone ? Listing::listed : Listing::unlisted;
      });
}

void Server::on_ended(const std::string& channel) {
  if (auto show = on_air_.end(channel); show && show->broadcast != 0) write_end(show->broadcast, counts_of(*show));
}

void Server::write_start(const Show& show) {
  asker_.ask<Started>(
      [account = show.account, key = show.key, now = loop_.wall_now()](store::Database& database) {
        return start_broadcast(database, account, key, now);
      },
      [this, channel = show.channel, number = show.number](store::Outcome<Started> started) {
        if (!started) return note_unwritten(started.error());
        if (started->revoked) stage_.revoked(*started->revoked);
        const auto publisher = publishers_.find(channel);
        const bool as_let_in =
            publisher == publishers_.end() || (publisher->second.visibility == Visibility::everyone) ==
                                                  (started->broadcast.visibility == Visibility::everyone);
        // It was planned otherwise while the encoder came in: who returns is let in as it is now.
        if (!as_let_in) stage_.end(channel);
        Show* live = on_air_.find(channel);
        if (!live || live->number != number) return write_end(started->broadcast.id, {});  // it is over by now
        live->broadcast = started->broadcast.id;
        live->title = started->broadcast.title;
        live->listing = started->broadcast.visibility == Visibility::everyone ? Listing::listed : Listing::unlisted;
        if (started->begins && as_let_in && live->listing == Listing::listed) announce(started->broadcast);
      });
}

void Server::write_end(int64_t broadcast, const BroadcastCounts& counts) {
  asker_.ask<void>(again_if_in_doubt([broadcast, counts, now = loop_.wall_now()](store::Database& database) {
                     return studio::end_broadcast(database, broadcast, counts, now);
                   }),
                   [this, broadcast, counts](store::Outcome<void> ended) {
                     if (ended) return;
                     note_unwritten(ended.error());
                     if (unwritten_ends_.size() < unwritten_max) unwritten_ends_.emplace_back(broadcast, counts);
                     write_soon();
                   });
}

void Server::write_soon() {
  if (!std::exchange(write_due_, true)) write_.arm(loop_.now() + write_every);
}

void Server::write_counts_down() {
  write_due_ = false;
  for (const auto& [broadcast, counts] : std::exchange(unwritten_ends_, {})) write_end(broadcast, counts);
  for (const auto& [_, show] : std::as_const(on_air_).all()) {
    if (show.key == 0) continue;  // a channel's without an account, or at home at another node
    if (show.broadcast == 0) {
      write_start(show);
      continue;
    }
    asker_.ask<void>([id = show.broadcast, counts = counts_of(show)](
                         store::Database& database) { return write_counts(database, id, counts); },
                     [](const store::Outcome<void>& written) {
                       if (!written) note_unwritten(written.error());
                     });
  }
  if (!on_air_.all().empty()) write_soon();
}

void Server::list_live(ExchangePtr exchange) {
  Wish wish;
  if (auto fault = read_wish(exchange->call.query, wish)) return exchange->refuse(*fault);
  std::optional<ListCursor> after;
  if (!wish.paging.cursor.empty()) {
    after = ListCursor::parse(wish.paging.cursor);
    if (!after) return exchange->refuse(unreadable_cursor);
  }
  OnAir::Page page;
  if (wish.at_random) {
    page.shows = on_air_.draw(drawn, random_);
  } else {
    page = on_air_.page(wish.order, after, wish.paging.limit);
  }
  Json items = Json::array();
  std::vector<int64_t> accounts;
  for (const Show* show : page.shows) {
    items.push_back(json_of(*show));
    accounts.push_back(show->account);
  }
  const auto answer = [at_random = wish.at_random, next = page.next](Exchange& done, Json shows) {
    http::Response response =
        response_of(200, {{"items", std::move(shows)}, {"next", next ? Json(next->text()) : Json()}});
    if (at_random) response.headers = headers_of_draw();
    done.answer(std::move(response));
  };
  if (!exchange->who || accounts.empty()) return answer(*exchange, std::move(items));
  auto work = [viewer = exchange->account(),
               accounts = std::move(accounts)](store::Database& database) -> store::Outcome<std::vector<bool>> {
    std::vector<bool> followed;
    for (const int64_t account : accounts) {
      auto one = follows(database, viewer, account);
      if (!one) return std::unexpected(std::move(one.error()));
      followed.push_back(*one);
    }
    return followed;
  };
  // Without the database the list is there all the same: nobody counts as followed.
  asker_.ask<std::vector<bool>>(
      std::move(work), [exchange = std::move(exchange), items = std::move(items), answer](auto followed) mutable {
        for (size_t i = 0; followed && i < items.size(); ++i) items[i]["following"] = bool((*followed)[i]);
        answer(*exchange, std::move(items));
      });
}

}  // namespace klieg::studio
