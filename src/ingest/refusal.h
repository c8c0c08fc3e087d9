// Why a publisher is not, or no longer, accepted: one enum for code, log and metrics, and words for the person at the
// encoder. Made by the slots ("wrong key"), the broadcast ("codec X is not accepted") or the session itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace klieg::ingest {

enum class RefusalReason : uint8_t {
  no_key,
  wrong_key,
  too_many_wrong_keys,
  already_live,
  taken_over,          // another encoder with the right key took the channel, which its settings allow
  media_not_accepted,  // a codec, multitrack, or what no decoder could make sense of
  publish_elsewhere,   // this server is for viewers
  too_many_here,       // its address has more connections than one may have; a player is told so, too
  key_revoked,         // while it carried the broadcast
  ended_elsewhere,     // by whose broadcast it is, on a page
  keys_not_known_now,  // where keys are kept cannot be asked
  home_not_known,      // which node is to carry the broadcast cannot be found out just now
  home_not_reached,    // the node that carries the broadcast, by the one that the encoder reached
  home_lost,           // this node is no longer certain that it alone carries the broadcast
  refused_at_home,     // by another node, whose words follow
  stopping,            // the server is
};

struct Refusal {
  RefusalReason reason = RefusalReason::wrong_key;
  std::string words;
  std::string channel = {};  // for the log, where the key was right
  bool operator==(const Refusal&) const = default;
};

constexpr std::string_view name_of(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::no_key:
      return "no_key";
    case RefusalReason::wrong_key:
      return "wrong_key";
    case RefusalReason::too_many_wrong_keys:
      return "too_many_wrong_keys";
    case RefusalReason::already_live:
      return "already_live";
    case RefusalReason::taken_over:
      return "taken_over";
    case RefusalReason::media_not_accepted:
      return "media_not_accepted";
    case RefusalReason::publish_elsewhere:
      return "publish_elsewhere";
    case RefusalReason::too_many_here:
      return "too_many_here";
    case RefusalReason::key_revoked:
      return "key_revoked";
    case RefusalReason::ended_elsewhere:
      return "ended_elsewhere";
    case RefusalReason::keys_not_known_now:
      return "keys_not_known_now";
    case RefusalReason::home_not_known:
      return "home_not_known";
    case RefusalReason::home_not_reached:
      return "home_not_reached";
    case RefusalReason::home_lost:
      return "home_lost";
    case RefusalReason::refused_at_home:
      return "refused_at_home";
    case RefusalReason::stopping:
      return "stopping";
  }
  return "unknown";
}

// The onStatus code. Encoders act on the level, which is "error"; OBS tells its user more for these three codes.
constexpr std::string_view status_code_of(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::no_key:
    case RefusalReason::wrong_key:
    case RefusalReason::too_many_wrong_keys:
    case RefusalReason::key_revoked:
      return "NetStream.Publish.Denied";
    case RefusalReason::already_live:
      return "NetStream.Publish.BadName";
    case RefusalReason::taken_over:
    case RefusalReason::publish_elsewhere:
    case RefusalReason::media_not_accepted:
    case RefusalReason::too_many_here:
    case RefusalReason::ended_elsewhere:
    case RefusalReason::keys_not_known_now:
    case RefusalReason::home_not_known:
    case RefusalReason::home_not_reached:
    case RefusalReason::home_lost:
    case RefusalReason::refused_at_home:
    case RefusalReason::stopping:
      return "NetStream.Publish.Rejected";
  }
  return "NetStream.Failed";
}

}  // namespace klieg::ingest
