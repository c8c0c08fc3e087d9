#include "edge/store.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>

#include "edge/flight.h"

namespace klieg::edge {
namespace {

constexpr uint64_t weight = Store::overhead + 1000;  // of one object in these tests, with its key a little more

std::shared_ptr<Object> object_of(uint64_t size) {
  auto object = std::make_shared<Object>();
  object->log = Log::complete(Bytes::take(std::string(size, 'x')));
  return object;
}

void put(Store& store, std::string_view key, uint64_t size = 1000 - 8) {
  Resource& resource = store.obtain(key);
  resource.variants = {object_of(size)};
  store.settle(resource);
}

std::string key_of(std::string_view name, int i) { return std::string(name) + std::to_string(10'000 + i); }

TEST(Store, weighs_bytes_and_what_keeping_them_costs) {
  Store store(1'000'000);
  put(store, "/a", 5000);
  EXPECT_EQ(store.bytes(), Store::overhead + 2 + 5000);
  Resource& resource = *store.peek("/a");
  resource.variants.push_back(object_of(300));
  store.settle(resource);
  EXPECT_EQ(store.bytes(), Store::overhead + 2 + 5300);
  resource.variants.clear();
  store.settle(resource);
  EXPECT_EQ(store.bytes(), 0u);
  EXPECT_EQ(store.size(), 0u);
}

TEST(Store, an_alias_weighs_nothing_of_the_bytes_that_it_names) {
  Store store(1'000'000);
  Resource& resource = store.obtain("/a");
  auto alias = object_of(5000);
  alias->alias_of = "/b";
  resource.variants = {alias};
  store.settle(resource);
  EXPECT_EQ(store.bytes(), Store::overhead + 2);
}

TEST(Store, what_grows_is_weighed_anew_when_it_is_settled_and_makes_others_go) {
  Store store(10 * weight);
  for (int i = 0; i < 9; ++i) put(store, key_of("/old", i));
  auto object = std::make_shared<Object>();
  const auto log = std::make_shared<Log>();
  object->log = log;
  Resource& resource = store.obtain("/growing");
  store.find("/growing");
  store.find("/growing");
  resource.variants = {object};
  store.settle(resource);
  EXPECT_EQ(store.evicted(), 0u);
  log->append(Bytes::take(std::string(5 * weight, 'x')));
  store.settle(resource);
  EXPECT_LE(store.bytes(), 10 * weight);
  EXPECT_GE(store.evicted(), 4u);
  EXPECT_TRUE(store.peek("/growing"));
}

TEST(Store, what_is_larger_than_the_room_does_not_stay) {
  Store store(10 * weight);
  put(store, "/huge", 20 * weight);
  EXPECT_EQ(store.size(), 0u);
  EXPECT_EQ(store.bytes(), 0u);
}

TEST(Store, a_scan_of_things_asked_for_once_never_displaces_what_is_used) {
  Store store(100 * weight);
  for (int i = 0; i < 50; ++i) put(store, key_of("/hot", i));
  for (int uses = 0; uses < 2; ++uses) {
    for (int i = 0; i < 50; ++i) store.find(key_of("/hot", i));
  }
  for (int i = 0; i < 5000; ++i) {
    put(store, key_of("/scan", i));
    if (i % 500 == 0) store.find(key_of("/hot", i / 500));
  }
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(store.peek(key_of("/hot", i))) << i;
}

TEST(Store, looking_without_using_saves_nothing) {
  Store store(10 * weight);
  put(store, "/a");
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(store.peek("/a"));
  for (int i = 0; i < 20; ++i) put(store, key_of("/scan", i));
  EXPECT_FALSE(store.peek("/a"));
}

TEST(Store, what_comes_back_soon_after_it_went_stays) {
  Store store(100 * weight);
  put(store, "/a");
  for (int i = 0; i < 200; ++i) put(store, key_of("/scan", i));
  ASSERT_FALSE(store.peek("/a"));
  put(store, "/a");  // its ghost brings it into the main queue
  for (int i = 200; i < 1000; ++i) put(store, key_of("/scan", i));
  EXPECT_TRUE(store.peek("/a"));
}

TEST(Store, what_is_no_longer_used_goes_from_the_main_queue_too) {
  Store store(20 * weight);
  const auto use = [&](std::string_view name) {
    for (int i = 0; i < 15; ++i) put(store, key_of(name, i));
    for (int uses = 0; uses < 3; ++uses) {
      for (int i = 0; i < 15; ++i) store.find(key_of(name, i));
    }
  };
  use("/yesterday");
  for (int round = 0; round < 20; ++round) {
    use("/today");
    put(store, key_of("/scan", round));
  }
  int kept = 0;
  for (int i = 0; i < 15; ++i) kept += store.peek(key_of("/today", i)) ? 1 : 0;
  EXPECT_EQ(kept, 15);
}

TEST(Store, an_alias_goes_with_the_bytes_that_it_names) {
  Store store(3 * weight);
  put(store, "/whole");
  Resource& part = store.obtain("/part");
  const auto alias = std::make_shared<Object>();
  alias->log = store.peek("/whole")->variants.front()->log;
  alias->alias_of = "/whole";
  part.variants = {alias};
  store.settle(part);
  const std::weak_ptr<const Log> bytes = alias->log;
  store.peek("/whole")->aliases = {"/part", "/gone-already"};
  put(store, "/large", 2 * 1000);
  EXPECT_FALSE(store.peek("/whole"));
  EXPECT_FALSE(store.peek("/part"));
  EXPECT_EQ(bytes.use_count(), 1) << "by this test alone";
}

TEST(Store, ghosts_are_few_while_little_is_kept) {
  Store store(10 * weight);
  put(store, "/a");
  for (int i = 0; i < 5000; ++i) put(store, key_of("/scan", i));
  put(store, "/a");  // forgotten long ago: a newcomer like any other
  for (int i = 0; i < 20; ++i) put(store, key_of("/more", i));
  EXPECT_FALSE(store.peek("/a"));
}

// A flight that never asks.
struct NoHost final : FlightHost, Routes {
  LoopTime now() const override { return {}; }
  uint64_t body_size_max() const override { return UINT64_MAX; }
  Routes& routes() override { return *this; }
  Random& random() override { return chance; }
  Decision on_head(Flight&, const FetchHead&, Chance) override { return {}; }
  void on_failed(Flight&, FlightFailure) override {}
  void on_wake_changed(Flight&) override {}
  void on_resumed(Flight&) override {}
  void on_over(Flight&, FlightEnd) override {}
  size_t ways(std::string_view) const override { return 0; }
  std::optional<Way> choose(std::string_view, const FetchRequest&, uint32_t, LoopTime) override { return std::nullopt; }
  void succeeded(const Way&, LoopTime) override {}
  void failed(const Way&, LoopTime) override {}
  void released(const Way&) override {}
  Random chance{1};
};

TEST(Store, what_is_being_fetched_stays_whatever_room_there_is) {
  NoHost host;
  Store store(10 * weight);
  for (int i = 0; i < 30; ++i) {
    Resource& resource = store.obtain(key_of("/wanted", i));
    resource.flights.push_back(std::make_shared<Flight>(host, resource.key, FetchRequest()));
    resource.variants = {object_of(1000)};
    store.settle(resource);
  }
  EXPECT_EQ(store.size(), 30u);
  put(store, "/other");
  for (int i = 0; i < 30; ++i) {
    Resource& resource = *store.peek(key_of("/wanted", i));
    resource.flights.clear();
    store.settle(resource);
  }
  EXPECT_LE(store.bytes(), 10 * weight);
}

// Whatever is done: the bound is kept, what is pinned aside; what was put and is there weighs what it weighs.
RC_GTEST_PROP(Store, keeps_its_bound_and_its_accounts, ()) {
  NoHost host;
  const auto room = *rc::gen::inRange<uint64_t>(1, 30) * weight;
  Store store(room);
  std::map<std::string, uint64_t> sizes;  // what was settled last under each key, were it never evicted
  std::map<std::string, bool> pinned;
  const int steps = *rc::gen::inRange(1, 300);
  for (int step = 0; step < steps; ++step) {
    const std::string key = key_of("/k", *rc::gen::inRange(0, 40));
    switch (*rc::gen::inRange(0, 6)) {
      case 0:
      case 1: {
        Resource& resource = store.obtain(key);
        const auto size = *rc::gen::inRange<uint64_t>(0, 3 * weight);
        resource.variants = {object_of(size)};
        sizes[key] = Store::overhead + key.size() + size;
        store.settle(resource);
        break;
      }
      case 2:
        store.find(key);
        break;
      case 3:
        if (Resource* resource = store.peek(key); resource && !resource->pinned()) store.drop(*resource);
        break;
      case 4: {
        Resource& resource = store.obtain(key);
        if (resource.flights.empty()) {
          resource.flights.push_back(std::make_shared<Flight>(host, key, FetchRequest()));
        }
        if (resource.variants.empty()) sizes[key] = Store::overhead + key.size();
        pinned[key] = true;
        store.settle(resource);
        break;
      }
      default:
        if (Resource* resource = store.peek(key); resource && resource->pinned()) {
          resource->flights.clear();
          pinned[key] = false;
          store.settle(*resource);
        }
        break;
    }
    uint64_t bytes = 0, held = 0;
    size_t count = 0;
    for (const auto& [name, size] : sizes) {
      const Resource* resource = store.peek(name);
      RC_ASSERT(!pinned[name] || resource);
      if (!resource) continue;
      ++count;
      bytes += size;
      if (resource->pinned()) held += size;
    }
    RC_ASSERT(store.bytes() == bytes);
    RC_ASSERT(store.size() == count);
    RC_ASSERT(store.bytes() <= room || store.bytes() == held);
  }
}

}  // namespace
}  // namespace klieg::edge
