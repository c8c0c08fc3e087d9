// Nodes that share a database and a bus, in virtual time: every way to either breaks, is slow, or is there.
#include "cli/ownership.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <memory>

#include "store/migrate.h"
#include "store/test_databases.h"

namespace klieg::cli {
namespace {

using End = Ownership::End;
using store::FailureKind;

constexpr Duration step = 50ms;

struct Town;

// A node, with its own clock, its way to the database and its way to the bus.
struct Node final : LeaseDesk, OwnershipHost {
  Node(Town& town, int number) : town(town), name("node-" + std::to_string(number)), process(name + "/1") {}

  void attempt(const std::string& lease, std::optional<store::Lease> seen, Attempted done) override;
  void renew_all(Renewed done) override;
  void release(const store::Lease& lease, Released done) override;
  void list_held(Listed done) override;
  void take_away(const store::Lease& seen, Released done) override;
  LoopTime now() const override;
  std::string node_of(const std::string& process) const override;
  void on_lost(const std::string&, LostLease why) override {
    serves = false;
    lost = why;
  }

  void claim() {
    ownership.claim("ada", [this](const Ownership::Claimed& claimed) {
      ended = claimed.end;
      elsewhere = claimed.node;
      if (claimed.end != End::here) return;
      serves = true;
      number = claimed.number;
    });
  }
  void give_back() {
    serves = false;
    ownership.give_back("ada");
  }
  void live();

  Town& town;
  const std::string name, process;
  double rate = 1;
  bool store_away = false, bus_away = false, asleep = false;
  enum class Done : uint8_t { at_once, when_answered } done_at = Done::at_once;
  Duration store_takes{}, bus_takes{};
  // Of the way to the bus, both directions, in order: what arrives when.
  std::vector<std::pair<Duration, std::function<void()>>> there, back, answers;
  std::map<std::string, LoopTime> heard_at;
  std::optional<bus::Certainty> certainty, certainty_before;
  Duration said_at{}, woke_at{};
  Ownership ownership{*this, *this};
  bool serves = false;
  int64_t number = 0;
  std::optional<End> ended;
  std::optional<LostLease> lost;
  std::string elsewhere;
};

struct Town {
  explicit Town(int count) {
    EXPECT_DONE(store::migrate(*database, WallTime(1s)));
    for (int i = 0; i < count; ++i) nodes.push_back(std::make_unique<Node>(*this, i));
  }
  Node& operator[](size_t i) { return *nodes[i]; }

  // Every node lives on for so long. Never are there two homes.
  void pass(Duration duration) {
    for (const Duration end = now + duration; now < end;) {
      now += step;
      for (const auto& node : nodes) node->live();
      const auto homes = std::ranges::count_if(nodes, [](const auto& it) { return it->serves && !it->asleep; });
      ASSERT_LE(homes, 1) << "at " << to_seconds(now);
    }
  }
  Duration now = 1000s;
  store::TestDatabase made{store::Engine::sqlite};
  std::unique_ptr<store::Database> database = made.connect();
  std::vector<std::unique_ptr<Node>> nodes;
  int fail_at = -1;  // the question, counted from 0
  int operations = 0;
  FailureKind fail_with = FailureKind::unavailable;
};

LoopTime Node::now() const {
  return LoopTime(Duration(static_cast<int64_t>(static_cast<double>(town.now.count()) * rate)));
}

void put(std::vector<std::pair<Duration, std::function<void()>>>& line, Duration at, std::function<void()> what) {
  line.emplace_back(line.empty() ? at : std::max(at, line.back().first), std::move(what));
}

// Done at once and answered later, or done when it is answered; in order.
template <class Work>
void ask(Node& node, Work work, std::move_only_function<void(decltype(work()))> done) {
  using Outcome = decltype(work());
  Town& town = node.town;
  const bool fails = town.operations++ == town.fail_at;
  const auto run = [&town, fails, away = node.store_away, work = std::move(work)]() -> Outcome {
    if (away) return store::failed(FailureKind::unavailable, "away");
    if (fails && town.fail_with != FailureKind::in_doubt) return store::failed(town.fail_with, "it was told to");
    Outcome outcome = work();
    if (fails) return store::failed(FailureKind::in_doubt, "it was told to");
    return outcome;
  };
  auto shared = std::make_shared<std::move_only_function<void(Outcome)>>(std::move(done));
  std::function<void()> answered = [shared, run] { (*shared)(run()); };
  if (node.done_at == Node::Done::at_once) answered = [shared, outcome = run()] { (*shared)(outcome); };
  put(node.answers, town.now + node.store_takes, std::move(answered));
}

void Node::attempt(const std::string& lease, std::optional<store::Lease> seen, Attempted done) {
  ask(
      *this, [this, lease, seen = std::move(seen)] { return store::attempt(*town.database, lease, seen, process); },
      std::move(done));
}
void Node::renew_all(Renewed done) {
  ask(*this, [this] { return store::renew_all(*town.database, process); }, std::move(done));
}
void Node::release(const store::Lease& lease, Released done) {
  ask(*this, [this, lease] { return store::release(*town.database, lease); }, std::move(done));
}

void Node::list_held(Listed done) {
  ask(*this, [this] { return store::list_held(*town.database); }, std::move(done));
}
void Node::take_away(const store::Lease& seen, Released done) {
  ask(*this, [this, seen] { return store::take_away(*town.database, seen); }, std::move(done));
}

std::string Node::node_of(const std::string& other) const {
  const auto heard = heard_at.find(other);
  return heard != heard_at.end() && now() < heard->second + 6s ? other.substr(0, other.find('/')) : "";
}

void take_due(std::vector<std::pair<Duration, std::function<void()>>>& line, Duration now) {
  while (!line.empty() && line.front().first <= now) {
    const auto first = std::move(line.front().second);
    line.erase(line.begin());
    first();
  }
}

void Node::live() {
  if (bus_away) {
    there.clear();
    back.clear();
    certainty.reset();
  }
  // The network and the bus go on while a process sleeps.
  take_due(there, town.now);
  if (asleep) return;
  take_due(back, town.now);
  take_due(answers, town.now);
  if (town.now >= said_at + 2s) {
    said_at = town.now;
    ownership.said();
    const LoopTime asked = now();
    if (!bus_away) {
      put(there, town.now + bus_takes, [this, asked] {
        for (const auto& other : town.nodes) {
          if (other.get() == this || other->bus_away) continue;
          put(other->back, town.now + other->bus_takes, [other = other.get(), process = process] {
            other->heard_at[process] = other->now();
            other->ownership.heard(process);
          });
        }
        put(back, town.now + bus_takes,
            [this, asked] { certainty = bus::Certainty{certainty ? certainty->since : now(), asked + 1ns}; });
      });
    }
  }
  if (town.now >= woke_at + Ownership::wake_every) {
    woke_at = town.now;
    ownership.wake(std::exchange(certainty_before, certainty));
  }
}

TEST(Ownership, who_comes_first_is_home_and_the_next_is_sent_there) {
  Town town(2);
  town[0].claim();
  town.pass(3s);
  ASSERT_EQ(town[0].ended, End::here);
  EXPECT_EQ(town[0].number, 1);
  town[1].claim();
  town.pass(1s);
  EXPECT_EQ(town[1].ended, End::elsewhere);
  EXPECT_EQ(town[1].elsewhere, "node-0");
  town.pass(60s);
  EXPECT_TRUE(town[0].serves);
  EXPECT_TRUE(town[0].ownership.held("ada"));
}

TEST(Ownership, what_is_given_back_is_anothers_at_once) {
  Town town(2);
  town[0].claim();
  town.pass(1s);
  town[0].give_back();
  town[1].claim();
  town.pass(1s);
  EXPECT_EQ(town[1].ended, End::here);
  EXPECT_EQ(town[1].number, 2);
}

TEST(Ownership, of_a_home_that_died_another_takes_it_when_it_was_silent_for_long_enough) {
  Town town(2);
  town[0].claim();
  town.pass(3s);
  town[0].asleep = town[0].store_away = town[0].bus_away = true;
  town[1].claim();
  town.pass(1s);
  EXPECT_EQ(town[1].ended, End::elsewhere) << "it was heard of a moment ago";
  town.pass(6s);
  town[1].ended.reset();
  town[1].claim();
  town.pass(4s);
  EXPECT_EQ(town[1].ended, End::here);
  EXPECT_EQ(town[1].number, 2);
  town[0].asleep = town[0].store_away = town[0].bus_away = false;
  town[0].serves = true;  // as it was when it fell asleep
  town[1].asleep = true;  // for the count: what is asked is what it does
  town.pass(step);
  town[1].asleep = false;
  EXPECT_FALSE(town[0].ownership.held("ada"));
  town.pass(1s);
  EXPECT_FALSE(town[0].serves);
  EXPECT_EQ(town[0].lost, LostLease::expired);
}

TEST(Ownership, who_slept_and_is_asked_before_he_notices_has_lost_what_he_held_and_may_take_it_anew) {
  Town town(2);
  town[0].claim();
  town.pass(3s);
  town[1].claim();
  town[0].asleep = true;
  town.pass(store::lease_duration + 200ms);
  town[0].asleep = false;
  town[0].claim();
  EXPECT_EQ(town[0].lost, LostLease::expired);
  town.pass(step);
  EXPECT_EQ(town[0].number, 2) << "what it named under the first is known elsewhere";
  ASSERT_TRUE(town[0].serves);
  // Cut off from both at once, as it was for the other while it slept: that has to wait anew.
  town[0].store_away = town[0].bus_away = true;
  town[1].claim();
  town.pass(store::lease_duration);
  EXPECT_EQ(town[0].lost, LostLease::expired);
}

TEST(Ownership, what_could_not_be_given_back_is_taken_again_under_another_number) {
  Town town(1);
  town[0].claim();
  town.pass(1s);
  town[0].store_away = true;
  town[0].give_back();
  town.pass(step);
  town[0].store_away = false;
  town[0].claim();
  town.pass(1s);
  EXPECT_EQ(town[0].ended, End::here);
  EXPECT_EQ(town[0].number, 2);
}

TEST(Ownership, what_a_home_held_that_died_is_free_though_nobody_wants_it) {
  Town town(2);
  town[0].claim();
  town.pass(30s);
  const auto held = [&] { return store::list_held(*town.database)->size(); };
  EXPECT_EQ(held(), 1u) << "it lives";
  town[0].store_away = true;
  town.pass(30s);
  EXPECT_EQ(held(), 1u) << "the bus says so";
  town[0].asleep = town[0].bus_away = true;
  town.pass(store::take_after + 2 * Ownership::look_every + 3s);
  EXPECT_EQ(held(), 0u);
  town[1].claim();
  town.pass(1s);
  EXPECT_EQ(town[1].number, 2);
}

TEST(Ownership, a_home_goes_on_by_the_bus_while_the_database_is_away_and_by_the_database_while_the_bus_is) {
  Town town(2);
  town[0].claim();
  town.pass(3s);
  for (size_t i : {0u, 1u}) town[i].store_away = true;
  town.pass(60s);
  EXPECT_TRUE(town[0].serves);
  town[1].claim();
  town.pass(1s);
  EXPECT_EQ(town[1].ended, End::unknown);
  for (size_t i : {0u, 1u}) town[i].store_away = false, town[i].bus_away = true;
  town.pass(10s);
  town[1].claim();
  town.pass(60s);
  EXPECT_TRUE(town[0].serves);
  EXPECT_EQ(town[1].ended, End::silent);
  for (size_t i : {0u, 1u}) town[i].bus_away = false;
  town.pass(20s);
  EXPECT_TRUE(town[0].serves);
}

TEST(Ownership, a_home_that_is_cut_off_from_both_stops_before_another_begins) {
  Town town(2);
  town[0].claim();
  town.pass(3s);
  town[0].store_away = town[0].bus_away = true;
  town.pass(store::lease_duration + Ownership::wake_every + step);
  EXPECT_FALSE(town[0].serves);
  EXPECT_EQ(town[0].lost, LostLease::expired);
  town[1].claim();
  town.pass(10s);
  EXPECT_TRUE(town[1].serves);
}

TEST(Ownership, where_only_the_way_of_the_home_to_the_database_is_cut_nobody_takes_its_place) {
  Town town(2);
  town[0].claim();
  town.pass(3s);
  town[0].store_away = true;
  for (int i = 0; i < 5; ++i) {
    town[1].claim();
    town.pass(12s);
    EXPECT_NE(town[1].ended, End::here);
  }
  EXPECT_TRUE(town[0].serves);
}

TEST(Ownership, who_would_not_hear_the_home_does_not_take_its_place) {
  Town town(2);
  town[0].claim();
  town.pass(3s);
  town[0].store_away = town[1].bus_away = true;
  for (int i = 0; i < 5; ++i) {
    town[1].claim();
    town.pass(12s);
    EXPECT_NE(town[1].ended, End::here);
  }
  EXPECT_TRUE(town[0].serves);
}

TEST(Ownership, whichever_question_fails_there_is_one_home_in_the_end) {
  for (const FailureKind how : {FailureKind::unavailable, FailureKind::busy, FailureKind::in_doubt}) {
    for (int at = 0, operations = 1; at < operations; ++at) {
      Town town(2);
      town.fail_at = at;
      town.fail_with = how;
      for (int i = 0; i < 3 && !town[0].serves; ++i) {
        town[0].claim();
        town.pass(4s);
      }
      town[0].give_back();
      for (int i = 0; i < 5 && !town[1].serves; ++i) {
        town[1].claim();
        town.pass(11s);
      }
      EXPECT_TRUE(town[1].serves) << at;
      operations = town.operations;
      ASSERT_LT(operations, 200);
    }
  }
}

RC_GTEST_PROP(Ownership, there_are_never_two_homes_whatever_breaks_and_one_when_all_is_well_again, ()) {
  Town town(3);
  for (const auto& node : town.nodes) node->rate = 1 + *rc::gen::inRange(-20, 20) / 1000.0;
  for (int i = 0; i < 25; ++i) {
    Node& node = town[*rc::gen::inRange<size_t>(0, 3)];
    switch (*rc::gen::inRange(0, 8)) {
      case 0:
        node.store_away = !node.store_away;
        break;
      case 1:
        node.bus_away = !node.bus_away;
        break;
      case 2:
        node.asleep = !node.asleep;
        break;
      case 3:
        node.store_takes = *rc::gen::inRange(0, 5'000) * 1ms;
        break;
      case 4:
        node.bus_takes = *rc::gen::inRange(0, 3'000) * 1ms;
        break;
      case 5:
        if (node.serves && !node.asleep) node.give_back();
        break;
      case 6:
        node.done_at = node.done_at == Node::Done::at_once ? Node::Done::when_answered : Node::Done::at_once;
        break;
      default:
        if (!node.asleep && !node.serves) node.claim();
    }
    town.pass(*rc::gen::inRange(0, 6'000) * 1ms);
    RC_ASSERT(!testing::Test::HasFailure());
  }
  for (const auto& node : town.nodes) {
    node->store_away = node->bus_away = node->asleep = false;
    node->store_takes = node->bus_takes = {};
  }
  town.pass(20s);
  const auto homes = [&] { return std::ranges::count_if(town.nodes, [](const auto& node) { return node->serves; }); };
  for (int i = 0; i < 4 && homes() == 0; ++i) {
    town[0].claim();
    town.pass(15s);
  }
  RC_ASSERT(homes() == 1);
}

}  // namespace
}  // namespace klieg::cli
