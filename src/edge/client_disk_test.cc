#include "edge/client_disk.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "edge/made_up_upstream.h"

namespace klieg::edge {
namespace {

// A handler that notes what comes, and stops the loop at the end.
struct Heard final : FetchHandler {
  explicit Heard(net::Loop& owner) : loop(owner) {}
  void on_head(const FetchHead& head) override {
    status = head.status;
    size = head.size;
    for (const auto& field : head.fields) fields += std::string(field.name) + ": " + std::string(field.value) + "\n";
  }
  void on_body(Bytes piece) override { body += piece.text(); }
  void on_end(FetchEnd how) override {
    end = how;
    loop.stop();
  }
  net::Loop& loop;
  uint16_t status = 0;
  std::optional<uint64_t> size;
  std::string fields, body;
  std::optional<FetchEnd> end;
};

class OnDisk : public testing::Test {
 protected:
  OnDisk() {
    std::string name = testing::TempDir() + "klieg-disk-XXXXXX";
    folder = ::mkdtemp(name.data());
    open();
  }
  ~OnDisk() override {
    routes.reset();
    disk.reset();
    std::filesystem::remove_all(folder);
  }

  void open() {
    auto opened = Disk::open(folder);
    ASSERT_TRUE(opened) << opened.error().message;
    disk = std::move(*opened);
    routes = std::make_unique<DiskRoutes>(loop, *disk, bytes_max, clock, upward);
  }
  std::shared_ptr<Object> object(std::string_view body, Duration lifetime = std::chrono::hours(24)) const {
    auto made = std::make_shared<Object>();
    made->fields = {{"content-type", "video/mp4"}, {"etag", "\"e\""}};
    made->facts.lifetime = lifetime;
    made->facts.arrived = clock.wall;
    made->facts.etag = "\"e\"";
    made->log = Log::complete(Bytes::copy_of(body));
    return made;
  }
  // All that was enqueued until now has been done, and the loop has heard of it.
  void settle() {
    std::promise<void> done;
    disk->read(UINT64_MAX, 0, 0, [&](std::optional<Bytes>) {
      loop.post([this] { loop.stop(); });
      done.set_value();
      return Disk::More::not_wanted;
    });
    done.get_future().wait();
    loop.run();
  }
  size_t files() const {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
    return count;
  }
  Heard fetched(const std::string& key) {
    Heard heard(loop);
    const auto way = routes->choose(key, {.target = key}, 0, clock.now());
    EXPECT_TRUE(way);
    const auto fetch = way->upstream->fetch({.target = key}, heard);
    loop.run();
    return heard;
  }
  bool is_kept(const std::string& key) { return answers({.target = key}); }
  bool answers(const FetchRequest& request) {
    const auto way = routes->choose(request.target, request, 0, clock.now());
    const bool from_disk = way && way->upstream != &parent;
    if (way) routes->released(*way);
    return from_disk;
  }

  uint64_t bytes_max = 1'000;
  std::string folder;
  net::Loop loop;
  MadeUpClock clock;
  MadeUpUpstream parent;
  MadeUpRoutes upward{{&parent}};
  std::unique_ptr<Disk> disk;
  std::unique_ptr<DiskRoutes> routes;
};

TEST_F(OnDisk, what_memory_had_no_room_for_comes_back_whole) {
  const std::string body(900, 'b');
  routes->keep("/replay/1.m4s", object("before"));
  EXPECT_FALSE(is_kept("/replay/1.m4s")) << "until it is written the parent is asked, who may know better";
  routes->keep("/replay/1.m4s", object(body));
  settle();
  ASSERT_TRUE(is_kept("/replay/1.m4s"));
  const Heard heard = fetched("/replay/1.m4s");
  EXPECT_EQ(heard.end, FetchEnd::complete);
  EXPECT_EQ(heard.status, 200);
  EXPECT_EQ(heard.size, body.size());
  EXPECT_EQ(heard.body, body);
  EXPECT_NE(heard.fields.find("etag: \"e\"\n"), std::string::npos);
  EXPECT_NE(heard.fields.find("age: "), std::string::npos);
}

TEST_F(OnDisk, what_is_live_or_short_lived_or_of_several_variants_is_not_worth_a_file) {
  auto live = object("x");
  live->topic = "/live/a/b.1/video";
  auto variant = object("x");
  variant->variant = "accept-encoding: gzip";
  auto aborted = object("x");
  auto log = std::make_shared<Log>();
  log->end(LogEnd::aborted);
  aborted->log = log;
  for (const auto& one : {live, variant, aborted, object("x", 60s), object(std::string(1'001, 'x'))}) {
    routes->keep("/a", one);
  }
  EXPECT_EQ(routes->objects(), 0u);
}

TEST_F(OnDisk, the_oldest_go_when_the_room_is_used_up_with_their_files) {
  for (const char* key : {"/1", "/2", "/3"}) routes->keep(key, object(std::string(400, 'x')));
  settle();
  EXPECT_EQ(routes->bytes(), 800u);
  EXPECT_FALSE(is_kept("/1"));
  EXPECT_TRUE(is_kept("/3"));
  EXPECT_EQ(files(), 2u);
  routes->forget("/3");
  settle();
  EXPECT_EQ(files(), 1u);
}

TEST_F(OnDisk, what_has_grown_old_or_lost_its_file_is_asked_for_upward) {
  routes->keep("/old", object("x", std::chrono::minutes(11)));
  routes->keep("/lost", object("y"));
  settle();
  clock.advance(std::chrono::minutes(12));
  EXPECT_FALSE(is_kept("/old"));
  for (const auto& entry : std::filesystem::directory_iterator(folder)) std::filesystem::remove(entry.path());
  ASSERT_TRUE(is_kept("/lost"));
  EXPECT_EQ(fetched("/lost").end, FetchEnd::unreachable);
  EXPECT_FALSE(is_kept("/lost")) << "not a second time";
}

TEST_F(OnDisk, a_file_answers_who_asks_for_bytes_and_nobody_who_asks_for_more) {
  routes->keep("/a", object("x"));
  settle();
  EXPECT_TRUE(answers({.target = "/a"}));
  for (const char* method : {"POST", "PUT", "DELETE", "HEAD", "OPTIONS"}) {
    EXPECT_FALSE(answers({.method = method, .target = "/a"})) << method;
  }
  EXPECT_FALSE(answers({.target = "/a?token=b"})) << "of another name of the same key nothing is known here";
  EXPECT_TRUE(answers({.target = "/a"}));
  EXPECT_FALSE(answers({.target = "/a", .fields = {{"if-none-match", "\"e\""}}}));
  routes->keep("/a", object("x"));
  settle();
  EXPECT_FALSE(answers({.target = "/a", .fields = {{"cache-control", "no-cache"}}}));
}

TEST_F(OnDisk, who_asked_upward_may_have_brought_a_newer_version_so_the_older_one_does_not_come_back) {
  routes->keep("/a", object("version 1"));
  settle();
  EXPECT_FALSE(answers({.target = "/a", .fields = {{"cache-control", "no-cache"}}}));
  routes->keep("/a", object("version 2"));
  settle();
  EXPECT_EQ(fetched("/a").body, "version 2");
  EXPECT_EQ(files(), 1u);
}

TEST_F(OnDisk, a_file_that_was_cut_or_has_grown_is_not_passed_off_as_the_object_nor_read_again) {
  for (const uintmax_t size : {400, 900}) {
    routes->keep("/a", object(std::string(800, 'x')));
    settle();
    ASSERT_TRUE(is_kept("/a"));
    for (const auto& entry : std::filesystem::directory_iterator(folder)) std::filesystem::resize_file(entry, size);
    EXPECT_EQ(fetched("/a").end, FetchEnd::unreachable);
    EXPECT_FALSE(is_kept("/a")) << "not a second time";
  }
}

TEST_F(OnDisk, a_disk_that_stands_still_is_not_waited_for) {
  routes->keep("/a", object("x"));
  settle();
  std::promise<void> goes_on;
  disk->read(UINT64_MAX, 0, 0, [&](std::optional<Bytes>) {
    goes_on.get_future().wait();
    return Disk::More::not_wanted;
  });
  EXPECT_EQ(fetched("/a").end, FetchEnd::timed_out);
  const auto nothing = [](std::optional<Bytes>) { return Disk::More::not_wanted; };
  size_t waiting = 0;
  while (disk->read(UINT64_MAX, 0, 0, nothing) == Disk::Accepted::yes) ++waiting;
  EXPECT_LE(waiting, Disk::reads_max);
  goes_on.set_value();
}

TEST_F(OnDisk, who_pauses_is_told_no_more_than_is_under_way) {
  bytes_max = 10 * Disk::run_max;
  routes.reset();
  disk.reset();
  open();
  const std::string body(2 * Disk::run_max + 1'000, 'b');
  routes->keep("/a", object(body));
  settle();
  Heard heard(loop);
  const auto way = routes->choose("/a", {.target = "/a"}, 0, clock.now());
  ASSERT_TRUE(way);
  const auto fetch = way->upstream->fetch({.target = "/a"}, heard);
  fetch->pause();
  for (int i = 0; i < 3; ++i) settle();  // whatever would follow has followed
  EXPECT_EQ(heard.body.size(), Disk::run_max);
  EXPECT_FALSE(heard.end);
  fetch->resume();
  loop.run();
  EXPECT_EQ(heard.end, FetchEnd::complete);
  EXPECT_TRUE(heard.body == body);
}

TEST_F(OnDisk, a_disk_that_takes_nothing_is_complained_of_seldom) {
  std::filesystem::remove_all(folder);
  testing::internal::CaptureStderr();
  for (int i = 0; i < 50; ++i) routes->keep("/" + std::to_string(i), object("x"));
  settle();
  const std::string said = testing::internal::GetCapturedStderr();
  const size_t first = said.find("not kept on disk");
  EXPECT_NE(first, std::string::npos) << said;
  EXPECT_EQ(said.find("not kept on disk", first + 1), std::string::npos) << said;
  EXPECT_EQ(routes->objects(), 0u);
}

TEST_F(OnDisk, a_folder_belongs_to_one_process) {
  const auto second = Disk::open(folder);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another klieg"), std::string::npos);
}

TEST_F(OnDisk, the_folder_begins_empty_of_ours_and_a_bad_one_is_refused_with_words) {
  routes->keep("/a", object("x"));
  settle();
  std::ofstream(folder + "/somebody-elses") << "z";
  routes.reset();
  disk.reset();
  open();
  EXPECT_EQ(files(), 1u);
  const auto refused = Disk::open(folder + "/somebody-elses/below");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("cannot be made"), std::string::npos);
}

}  // namespace
}  // namespace klieg::edge
