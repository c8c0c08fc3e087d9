// Who may publish: one slot per channel, one publisher per slot. Channels are given with their keys, or are there as
// long as somebody publishes on them whose right to it others have found out.
//
//   empty --right key--> live --lost or unpublished--> away --right key within return_within--> live (continues)
//     ^                   |                             |
//     |                   | right key again:            | return_within is over
//     |                   |   silent for silent_after, or takeover allowed: the new one continues, the old is displaced
//     |                   |   else refused, "already live"
//     +-------------------+-----------------------------+--> the broadcast ends
//
// A publisher is silent while no media message of it arrives. TCP may take minutes to notice that an encoder's network
// is gone, so silence, not the connection, decides whether the encoder that comes back is let in.
//
// Keys are kept as digests and all compared in full, so that time tells nothing about them. Guessing is slowed down per
// address, in a table of fixed size.
//
// Ownership, thread: one Slots for all channels, on one loop. The holder of a Permit is the channel's publisher until
// it gives the permit back or is displaced; a permit destroyed unanswered counts as lost.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "ingest/refusal.h"

namespace klieg::ingest {

struct Channel {
  std::string name;  // public: /@NAME, /live/NAME
  std::string key;   // secret
};

enum class Takeover : uint8_t { refused, allowed };
enum class UnpublishMeans : uint8_t {
  away,  // like a loss: an encoder that is restarted continues its broadcast
  ended,
};

struct SlotPolicy {
  Takeover takeover = Takeover::refused;
  UnpublishMeans unpublish_means = UnpublishMeans::away;
  Duration return_within = 15s;
  Duration silent_after = 5s;
};

enum class Departure : uint8_t { unpublished, lost };
enum class AfterDeparture : uint8_t {
  paused,     // the broadcast waits for its publisher to return
  ended,      // the broadcast ends now
  displaced,  // nothing: another publisher has taken the slot
};
enum class Continuity : uint8_t { begins, continues };
using PublisherId = uint64_t;  // one per granted claim, never used twice; 0: none

class Slots;

class Permit {
 public:
  Permit() = default;
  Permit(Permit&& other) noexcept;
  Permit& operator=(Permit&& other) noexcept;
  ~Permit();

  // A media message has come.
  void touch(LoopTime now);
  // The publisher is gone. What becomes of its broadcast?
  AfterDeparture give_back(Departure why, LoopTime now);
  // Whether it still holds its slot.
  bool valid() const;
  PublisherId publisher() const { return publisher_; }

 private:
  friend class Slots;
  Permit(Slots& slots, size_t slot, PublisherId publisher) : slots_(&slots), slot_(slot), publisher_(publisher) {}

  Slots* slots_ = nullptr;
  size_t slot_ = 0;
  PublisherId publisher_ = 0;
};

struct Granted {
  std::string channel;
  Continuity continuity = Continuity::begins;
  PublisherId displaced = 0;  // to be told "taken over" and closed; its permit has become invalid
  Permit permit;
};

class Slots {
 public:
  // Asserted: names differ, keys differ and are not empty. Permits must not outlive their Slots.
  Slots(const std::vector<Channel>& channels, const SlotPolicy& policy);
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  // `peer` is the address as net::Connection::peer() writes it.
  Result<Granted, Refusal> claim(std::string_view key, std::string_view peer, LoopTime now);

  // The first half of claim(): whose the key is. claim_proven() is the other.
  Result<std::string, Refusal> recognise(std::string_view key, std::string_view peer, LoopTime now);

  // For a key that others keep. Before they are asked: whether the address has sent too many wrong ones. After they
  // know none like it: it counts as one of those. After they know whose it is: its channel.
  std::optional<Refusal> too_often(std::string_view peer, LoopTime now) const;
  Refusal refuse_wrong_key(std::string_view peer, LoopTime now);
  Result<Granted, Refusal> claim_proven(const std::string& channel, LoopTime now);
  // Its broadcast ends now, whoever publishes or may return: permits of it become invalid.
  void end(std::string_view channel);

  // The channels whose broadcasts end now because nobody returned. To be called at wake_at(); until it is, an encoder
  // that returns late still continues.
  std::vector<std::string> expire(LoopTime now);
  std::optional<LoopTime> wake_at() const;

  // Publishers without media for silent_after are not touched: only a claim displaces.
  size_t live_count() const;

 private:
  friend class Permit;
  using KeyDigest = std::array<uint8_t, 32>;
  enum class SlotState : uint8_t { empty, live, away };
  enum class Key : uint8_t { here, elsewhere };  // elsewhere: the slot is another's as soon as it is empty
  struct Slot {
    std::string channel;
    KeyDigest key;
    SlotState state = SlotState::empty;
    PublisherId publisher = 0;
    LoopTime last_media_at;  // live
    LoopTime away_until;     // away
    Key kept = Key::here;
  };
  // An address (IPv4), or the network of one (IPv6 /64, which is what one host has).
  struct PeerKey {
    std::array<uint8_t, 9> bytes{};
    bool operator==(const PeerKey&) const = default;
  };
  struct Failures {
    PeerKey peer;
    LoopTime paid_off_at;  // each wrong key moves this failure_cost further into the future
  };

  static PeerKey peer_key(std::string_view peer);
  static KeyDigest digest(std::string_view key);
  std::optional<size_t> find_slot(std::string_view key) const;
  size_t slot_of(const std::string& channel);
  Result<Granted, Refusal> grant(size_t index, LoopTime now);
  bool guesses_too_often(const PeerKey& peer, LoopTime now) const;
  void count_failure(const PeerKey& peer, LoopTime now);
  AfterDeparture leave(size_t slot, PublisherId publisher, Departure why, LoopTime now);

  SlotPolicy policy_;
  std::vector<Slot> slots_;
  std::vector<Failures> failures_;
  PublisherId last_publisher_ = 0;
};

}  // namespace klieg::ingest
