#include "push/server_websocket.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "push/made_up_source.h"

namespace klieg::push {
namespace {

struct Answered final : http::Responder::Target {
  void respond(uint64_t, http::Response response) override { statuses.push_back(response.status); }
  std::vector<uint16_t> statuses;
};

// Answers when told, in the order of questions.
struct MadeUpUsher final : Usher {
  void standing_of(const http::Request&, const std::string& channel,
                   std::move_only_function<void(Standing)> then) override {
    asked += channel + " ";
    waiting.push_back(std::move(then));
  }
  std::string asked;
  std::vector<std::move_only_function<void(Standing)>> waiting;
};

// Of a broadcast of which nothing is known yet: who is admitted waits.
struct Hall {
  explicit Hall(AdmissionRule rule) : admission({.viewers_max = 4, .rule = rule}) {}
  ~Hall() {
    server.stop([] {});
    turn();
  }
  void turn() {
    loop.post([this] { loop.stop(); });
    loop.run();
  }
  void come(std::string_view query = "") {
    http::Request request;
    request.method_name = "GET";
    request.path = "/live/ada/push";
    request.query = query;
    request.headers = {{"connection", "Upgrade"},
                       {"upgrade", "websocket"},
                       {"sec-websocket-version", "13"},
                       {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="},
                       {"sec-websocket-protocol", "klieg.push.1"}};
    server.serve(request, nullptr, http::Responder(answered, 1));
  }

  net::Loop loop;
  Metrics metrics;
  MadeUpSource source;
  Channels channels{source};
  Fanout fanout{loop, metrics};
  Admission admission;
  const std::shared_ptr<Answered> answered = std::make_shared<Answered>();
  WebSocketServer server{loop, channels, fanout, admission, metrics};
};

TEST(WebSocketServer, asks_who_a_viewer_is_where_followers_come_first_and_keeps_room_for_them) {
  Hall hall(AdmissionRule::followers);
  MadeUpUsher usher;
  hall.server.ask_for_standing(usher);
  for (int i = 0; i < 5; ++i) hall.come();
  EXPECT_EQ(usher.asked, "ada ada ada ada ada ");
  EXPECT_EQ(hall.server.viewer_count(), 0u) << "nobody has said yet who they are";
  for (int i = 0; i < 3; ++i) usher.waiting[i](Standing::stranger);
  EXPECT_EQ(hall.server.viewer_count(), 3u);
  usher.waiting[3](Standing::stranger);
  EXPECT_EQ(hall.answered->statuses, std::vector<uint16_t>{503});
  usher.waiting[4](Standing::follower);
  EXPECT_EQ(hall.server.viewer_count(), 4u);
}

TEST(WebSocketServer, asks_nobody_who_a_viewer_is_where_all_are_alike) {
  Hall hall(AdmissionRule::headroom);
  MadeUpUsher usher;
  hall.server.ask_for_standing(usher);
  for (int i = 0; i < 5; ++i) hall.come();
  EXPECT_EQ(usher.asked, "");
  EXPECT_EQ(hall.server.viewer_count(), 4u);
  EXPECT_EQ(hall.answered->statuses, std::vector<uint16_t>{503});
}

TEST(WebSocketServer, refuses_what_no_viewer_can_have) {
  Hall hall(AdmissionRule::headroom);
  for (const auto query : {"after_ms=", "after_ms=-1", "after_ms=1e9", "after_ms=99999999999999999", "after_ms"})
    hall.come(query);
  EXPECT_EQ(hall.answered->statuses, std::vector<uint16_t>(5, 400));
  hall.come("after_ms=5000&rendition=720p");
  EXPECT_EQ(hall.server.viewer_count(), 1u);
}

TEST(WebSocketServer, turns_away_whose_standing_is_known_when_it_goes) {
  Hall hall(AdmissionRule::followers);
  MadeUpUsher usher;
  hall.server.ask_for_standing(usher);
  hall.come();
  hall.server.stop([] {});
  usher.waiting[0](Standing::follower);
  EXPECT_EQ(hall.server.viewer_count(), 0u);
  EXPECT_EQ(hall.answered->statuses, std::vector<uint16_t>{503});
}

}  // namespace
}  // namespace klieg::push
