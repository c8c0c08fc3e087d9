#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/server.h"
#include "studio/server_test.h"
#include "studio/web_push.h"
#include "wire/base64.h"
#include "wire/hex_test.h"
#include "wire/hmac.h"

namespace klieg::studio {
namespace {

// A push service, or somebody's webhook, on a port of this machine: keeps what it is sent, and answers as it is told
// to.
class TestReceiver final : public http::Handler {
 public:
  explicit TestReceiver(net::Loop& loop) : loop_(loop) {
    server_ = http::Server::make(loop, *this, {}, metrics_);
    auto listener = net::Listener::listen(loop, {"127.0.0.1", 0}, nullptr, {},
                                          [this](auto connection) { server_->accept(std::move(connection)); });
    EXPECT_TRUE(listener) << listener.error().message;
    listener_ = std::move(*listener);
  }
  std::string url(const std::string& path) const { return "http://" + listener_->local().text() + path; }

  struct Request {
    std::string path;
    Bytes body;
    std::map<std::string, std::string> fields;
  };
  // Runs the loop until so many have come.
  const std::vector<Request>& wait(size_t count) {
    net::Timer late(loop_, [this] { loop_.stop(); });
    late.arm(loop_.now() + 20s);
    wanted_ = count;
    if (requests_.size() < count) loop_.run();
    EXPECT_GE(requests_.size(), count);
    return requests_;
  }
  uint16_t status = 201;

 private:
  void serve(const http::Request& request, http::Responder responder) override {
    Request kept{std::string(request.path), request.body, {}};
    for (const auto& [name, value] : request.headers) kept.fields.emplace(name, value);
    requests_.push_back(std::move(kept));
    responder.respond(http::Response::text(status, "so it is"));
    if (requests_.size() >= wanted_) loop_.post([this] { loop_.stop(); });
  }

  net::Loop& loop_;
  Metrics metrics_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<net::Listener> listener_;
  std::vector<Request> requests_;
  size_t wanted_ = 0;
};

struct NoticedApi : ApiOnAir {
  NoticedApi() {
    server.emplace(loop, worker, stage, metrics,
                   Server::Options{.accounts = {.policy = SignUpPolicy::open, .cost = no_cost, .key = {1, 2}},
                                   .herald = {.reach = Reach::anywhere, .contact = "mailto:me@example.org"}});
    EXPECT_EQ(ask(bob, put, "/people/ada/follow").status, 204);
  }
  Call notices(const Browser& by, const std::string& after) {
    Call asked = call(get, "/notices");
    asked.cookies = "klieg_session=" + by.session;
    asked.query = "after=" + after;
    return asked;
  }
  // Runs the loop until what was asked of the store so far is answered.
  void settle() { ask(ada, get, "/keys"); }
};

TEST_F(NoticedApi, who_follows_is_told_at_once_and_nobody_else) {
  const std::string now = ask(bob, get, "/notices").body["cursor"];
  std::optional<http::Response> bobs, adas;
  server->serve(notices(bob, now), [&](http::Response response) { bobs = std::move(response); });
  server->serve(notices(ada, now), [&](http::Response response) { adas = std::move(response); });
  settle();
  EXPECT_FALSE(bobs) << "held: there is nothing yet";
  ask(ada, post, "/broadcasts", {{"title", "<b>Tonight</b>"}});
  go_live();
  settle();
  ASSERT_TRUE(bobs);
  EXPECT_FALSE(adas);
  const Json told = Json::parse(std::get<Bytes>(bobs->body).text());
  ASSERT_EQ(told["items"].size(), 1u);
  EXPECT_EQ(told["items"][0]["channel"], "ada");
  EXPECT_EQ(told["items"][0]["title"], "<b>Tonight</b>");
  EXPECT_EQ(told["items"][0]["seen"], false);

  const Answered all = ask(bob, get, "/notices");
  EXPECT_EQ(all.body["items"], told["items"]) << "and is read later the same";
  EXPECT_EQ(all.body["cursor"], told["cursor"]);
  EXPECT_EQ(ask(bob, post, "/notices/seen").status, 204);
  server->on_ended("ada");
  settle();
  const Json over = ask(bob, get, "/notices").body["items"][0];
  EXPECT_EQ(over["live"], false);
  EXPECT_EQ(ask(ada, get, "/notices").body["items"].size(), 0u);
  Call bad = notices(bob, "x");
  EXPECT_EQ(ask(std::move(bad)).code(), "bad_cursor");
  EXPECT_EQ(ask(get, "/notices").status, 401);
}

TEST_F(NoticedApi, of_one_account_so_many_pages_wait_and_the_oldest_is_let_go) {
  const std::string now = ask(bob, get, "/notices").body["cursor"];
  size_t answered = 0;
  for (size_t i = 0; i <= Server::held_per_account_max; ++i) {
    server->serve(notices(bob, now), [&](const http::Response&) { ++answered; });
  }
  settle();
  EXPECT_EQ(answered, 1u);
  go_live();
  settle();
  EXPECT_EQ(answered, Server::held_per_account_max + 1);
}

TEST_F(NoticedApi, nobody_keeps_a_server_from_going) {
  const std::string now = ask(bob, get, "/notices").body["cursor"];
  std::vector<uint16_t> statuses;
  const auto note = [&](const http::Response& response) { statuses.push_back(response.status); };
  server->serve(notices(bob, now), note);
  settle();
  server->hold_no_more();
  EXPECT_EQ(statuses, std::vector<uint16_t>{503});
  server->serve(notices(bob, now), note);
  settle();
  EXPECT_EQ(statuses, (std::vector<uint16_t>{503, 503}));
  EXPECT_EQ(ask(bob, get, "/notices").status, 200) << "what is there is told";
}

TEST_F(NoticedApi, a_browser_without_a_page_is_told_by_its_push_service_and_forgotten_when_it_is_gone) {
  TestReceiver service(loop);
  const Bytes point = P256Key::make().point(), secret = Bytes::copy_of(std::string(push_secret_size, 's'));
  const Json subscription = {
      {"endpoint", service.url("/p/1")}, {"p256dh", wire::base64url(point)}, {"auth", wire::base64url(secret)}};
  EXPECT_EQ(ask(bob, put, "/push/subscription", subscription).status, 204);
  EXPECT_EQ(ask(bob, put, "/push/subscription", subscription).status, 204);
  const std::string key = ask(get, "/push").body["key"];
  service.status = 410;
  go_live();
  const auto& sent = service.wait(1)[0];
  EXPECT_EQ(sent.path, "/p/1");
  EXPECT_EQ(sent.fields.at("content-encoding"), "aes128gcm");
  EXPECT_EQ(sent.fields.at("ttl"), "3600");
  EXPECT_TRUE(sent.fields.at("authorization").starts_with("vapid t="));
  EXPECT_TRUE(sent.fields.at("authorization").ends_with(", k=" + key)) << "what it subscribed with";
  const auto forgotten = [&] {
    const auto rows = beside->run("SELECT count(*) FROM push_subscriptions");
    return rows && (*rows)[0][0].integer() == 0;  // it may be busy with just that
  };
  while (!forgotten()) settle();
}

TEST_F(NoticedApi, a_webhook_is_told_and_can_tell_that_it_was_us) {
  TestReceiver hook(loop);
  const Answered made_it = ask(bob, post, "/webhooks", {{"url", hook.url("/live?x=1")}});
  ASSERT_EQ(made_it.status, 201);
  const std::string hex = made_it.body["secret"];
  ask(ada, post, "/broadcasts", {{"title", "\"Tonight\""}});
  go_live();
  const auto& sent = hook.wait(1)[0];
  const Json body = Json::parse(sent.body.text());
  EXPECT_EQ(body["type"], "live");
  EXPECT_EQ(body["channel"], "ada");
  EXPECT_EQ(body["title"], "\"Tonight\"");
  EXPECT_EQ(body["path"], "/@ada");
  const std::string signed_words = sent.fields.at("klieg-timestamp") + "." + std::string(sent.body.text());
  const Bytes secret = wire::from_hex(hex);
  std::string expected = "v1=";
  for (const uint8_t byte : wire::hmac_sha256(secret, as_bytes(signed_words))) expected += fmt::format("{:02x}", byte);
  EXPECT_EQ(sent.fields.at("klieg-signature"), expected);

  const Answered list = ask(bob, get, "/webhooks");
  ASSERT_EQ(list.body["items"].size(), 1u);
  EXPECT_FALSE(list.body["items"][0].contains("secret"));
  EXPECT_EQ(ask(ada, delete_, "/webhooks/1").status, 404);
  EXPECT_EQ(ask(bob, delete_, "/webhooks/1").status, 204);
}

TEST_F(NoticedApi, who_drops_and_comes_back_is_told_of_once) {
  TestReceiver hook(loop);
  ask(bob, post, "/webhooks", {{"url", hook.url("/first")}});
  go_live();
  hook.wait(1);
  server->on_ended("ada");
  ask(bob, post, "/webhooks", {{"url", hook.url("/second")}});
  go_live();
  for (int turn = 0; turn < 5; ++turn) settle();
  EXPECT_EQ(hook.wait(1).size(), 1u);
}

TEST_F(ApiOnAir, notices_go_to_the_public_internet_alone) {
  for (const char* url : {"http://push.example/", "https://me@push.example/", "file:///etc/passwd"}) {
    EXPECT_EQ(ask(bob, post, "/webhooks", {{"url", url}}).code(), "bad_url") << url;
    EXPECT_EQ(ask(bob, put, "/push/subscription", {{"endpoint", url}, {"p256dh", "x"}, {"auth", "x"}}).code(),
              "bad_endpoint");
  }
  EXPECT_EQ(ask(bob, put, "/push/subscription", {{"endpoint", "https://push.example/"}, {"p256dh", "x"}, {"auth", "x"}})
                .code(),
            "bad_keys");

  // A name may be given, and lead here; then nobody goes there.
  TestReceiver secret_of_this_machine(loop);
  auto to = *receiver_of(secret_of_this_machine.url("/"), Reach::anywhere);
  to.host = "localhost";
  const auto status_within = [&](Reach reach) {
    Courier courier(loop, metrics, reach);
    std::optional<Receipt> receipt;
    courier.send({.to = to, .fields = {}, .body = {}}, [&](const Receipt& got) {
      receipt = got;
      loop.stop();
    });
    while (!receipt) loop.run();
    return receipt->status;
  };
  EXPECT_EQ(status_within(Reach::public_internet), 0);
  EXPECT_EQ(secret_of_this_machine.wait(0).size(), 0u);
  EXPECT_EQ(status_within(Reach::anywhere), 201) << "so it was there to be reached";
}

}  // namespace
}  // namespace klieg::studio
