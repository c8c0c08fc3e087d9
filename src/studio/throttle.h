// Who tries too often: guesses passwords, or signs up again and again.
//
//   Budget      how much a network may do: so much at once, then so much in a time
//   Suspicion   how long a network waits before it tries the password of *one account* again: three tries are free,
//   then
//               1 s, 2 s, 4 s ... up to a quarter of an hour
//
// Nothing here is about an account alone. Who fails, however often and from however many networks, makes only those
// networks wait, so nobody can lock another out; and a name that nobody has costs a guesser the same as one that
// somebody has, so the waits tell nothing. Against many networks guessing one password stands its length, and that all
// digests of this node together are made one after the other.
//
// Both are tables of a fixed size. When one is full the least guilty is forgotten, so a guesser with more networks than
// rows buys himself nothing but free tries, and nobody else any wait.
//
// Pure: `now` comes in. Thread: one loop's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>

#include "base/sip_hash.h"
#include "base/time.h"

namespace klieg::studio {

// Whom one person can be as many of as they like: an IPv4 address, or the /64 of an IPv6 one, both as 16 bytes. Whoever
// knows addresses makes it; here it is only compared.
using Network = std::array<uint8_t, 16>;

class Budget {
 public:
  // `at_once`, and one more every `one_per`.
  Budget(int at_once, Duration one_per) : one_per_(one_per), credit_(at_once * one_per) {}

  // How long it has to wait; zero: it may, and that is counted.
  Duration spend(const Network& network, LoopTime now);

  // x 64 bytes: 256 KiB.
  static constexpr size_t rows_max = 4'096;

 private:
  Duration one_per_;
  Duration credit_;
  std::map<Network, LoopTime> paid_off_at_;  // each deed moves it one_per into the future
};

class Suspicion {
 public:
  static constexpr int free_tries = 3;
  static constexpr Duration first_wait = 1s;
  static constexpr Duration longest_wait = std::chrono::minutes(15);
  static constexpr Duration forgotten_after = std::chrono::hours(1);  // since the last failure
  static constexpr size_t rows_max = 4'096;                           // x 64 bytes: 256 KiB

  // Random, so that nobody can choose names that fall together.
  explicit Suspicion(const SipKey& key) : key_(key) {}

  // How long this network has to wait before it may try this account; zero: it may now.
  Duration wait(const Network& network, std::string_view account_name, LoopTime now) const;
  void failed(const Network& network, std::string_view account_name, LoopTime now);
  void succeeded(const Network& network, std::string_view account_name);

 private:
  struct Row {
    int failures = 0;
    LoopTime last;
  };
  uint64_t key_of(const Network& network, std::string_view account_name) const;

  SipKey key_;
  std::unordered_map<uint64_t, Row> rows_;
};

}  // namespace klieg::studio
