#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <map>
#include <string>

#include "http/client_test.h"

namespace klieg::http {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

// The other side: nghttp2 as a server, joined to the client through a FakePeer. It says nothing of its own accord.
class Http2Server {
 public:
  enum class Windows : uint8_t { given_back, never_given_back };

  explicit Http2Server(FakePeer& peer, uint32_t streams_max = 100, Windows windows = Windows::given_back)
      : peer_(peer) {
    nghttp2_session_callbacks* set = nullptr;
    nghttp2_session_callbacks_new(&set);
    nghttp2_session_callbacks_set_on_header_callback(
        set, [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                const uint8_t* value, size_t value_size, uint8_t, void* user) {
          self(user).requests[frame->hd.stream_id][std::string(name, name + name_size)] = {value, value + value_size};
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        set, [](nghttp2_session*, uint8_t, int32_t stream, const uint8_t* data, size_t size, void* user) {
          self(user).requests[stream]["body"].append(data, data + size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        set, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          if (frame->hd.type == NGHTTP2_PING && !(frame->hd.flags & NGHTTP2_FLAG_ACK)) ++self(user).pings;
          if (frame->hd.type == NGHTTP2_RST_STREAM) {
            self(user).resets[frame->hd.stream_id] = frame->rst_stream.error_code;
          }
          return 0;
        });
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, windows == Windows::never_given_back);
    nghttp2_session_server_new2(&session_, set, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(set);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
    talk();
  }
  ~Http2Server() { nghttp2_session_del(session_); }
  Http2Server(const Http2Server&) = delete;
  Http2Server& operator=(const Http2Server&) = delete;

  enum class Then : uint8_t { more, end };

  void interim(int32_t stream, const std::string& status) {
    const Fields headers{{":status", status}};
    const auto fields = nv(headers);  // views of them
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream, nullptr, fields.data(), fields.size(), nullptr);
    talk();
  }
  void answer(int32_t stream, const Fields& headers, const std::string& body = "", Then then = Then::end) {
    Body& rest = bodies_[stream];
    rest = {body, then};
    const auto fields = nv(headers);
    nghttp2_data_provider provider{};
    provider.source.ptr = &rest;
    provider.read_callback = [](nghttp2_session*, int32_t, uint8_t* out, size_t limit, uint32_t* flags,
                                nghttp2_data_source* source, void*) -> ssize_t {
      Body& from = *static_cast<Body*>(source->ptr);
      const size_t size = std::min(limit, from.text.size());
      std::copy_n(from.text.begin(), size, out);
      from.text.erase(0, size);
      if (from.text.empty() && from.then == Then::end) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
      } else if (size == 0) {
        return NGHTTP2_ERR_DEFERRED;
      }
      return static_cast<ssize_t>(size);
    };
    const bool bodiless = body.empty() && then == Then::end;
    nghttp2_submit_response(session_, stream, fields.data(), fields.size(), bodiless ? nullptr : &provider);
    talk();
  }
  void more(int32_t stream, const std::string& text, Then then = Then::more) {
    bodies_[stream].text += text;
    bodies_[stream].then = then;
    nghttp2_session_resume_data(session_, stream);
    talk();
  }
  size_t unsent(int32_t stream) { return bodies_[stream].text.size(); }
  void reset(int32_t stream, uint32_t error_code) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, error_code);
    talk();
  }
  void go_away(int32_t last_stream) {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last_stream, NGHTTP2_NO_ERROR, nullptr, 0);
    talk();
  }
  // Until neither side has anything to say.
  void talk() {
    for (bool said = true; said && !peer_.gone;) {
      const std::string heard = peer_.received.substr(read_);
      read_ = peer_.received.size();
      said = !heard.empty();
      ASSERT_EQ(nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(heard.data()), heard.size()),
                static_cast<ssize_t>(heard.size()));
      for (const uint8_t* data = nullptr; const ssize_t size = nghttp2_session_mem_send(session_, &data);) {
        ASSERT_GE(size, 0);
        if (!peer_.gone) peer_.send({reinterpret_cast<const char*>(data), static_cast<size_t>(size)});
        said = true;
      }
    }
  }
  int32_t stream_window(int32_t stream) { return nghttp2_session_get_stream_remote_window_size(session_, stream); }
  int32_t window() { return nghttp2_session_get_remote_window_size(session_); }
  uint32_t setting(nghttp2_settings_id id) { return nghttp2_session_get_remote_settings(session_, id); }

  std::map<int32_t, std::map<std::string, std::string>> requests;
  std::map<int32_t, uint32_t> resets;
  size_t pings = 0;

 private:
  struct Body {
    std::string text;
    Then then = Then::end;
  };
  static Http2Server& self(void* user) { return *static_cast<Http2Server*>(user); }
  static std::vector<nghttp2_nv> nv(const Fields& fields) {
    std::vector<nghttp2_nv> out;
    for (const auto& [name, value] : fields) {
      out.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                     reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), 0});
    }
    return out;
  }

  FakePeer& peer_;
  nghttp2_session* session_ = nullptr;
  size_t read_ = 0;
  std::map<int32_t, Body> bodies_;
};

using Then = Http2Server::Then;
const Fields ok{{":status", "200"}};

struct Http2Client : testing::Test, ClientWorld {
  Http2Client() : ClientWorld(Protocol::http2) {}
  // Asks, connects.
  void begin(Method method = Method::get) {
    exchange = ask(asker, method);
    connect();
  }
  void connect(uint32_t streams_max = 100) {
    peer = &accept();
    server = std::make_unique<Http2Server>(*peer, streams_max);
  }

  TestAsker asker;
  std::unique_ptr<Exchange> exchange;
  FakePeer* peer = nullptr;
  std::unique_ptr<Http2Server> server;
};

TEST_F(Http2Client, a_request_is_sent_and_its_answer_handed_on) {
  begin();
  auto& request = server->requests[1];
  EXPECT_EQ(request[":method"], "GET");
  EXPECT_EQ(request[":path"], "/a?b");
  EXPECT_EQ(request[":authority"], "parent");
  EXPECT_EQ(request[":scheme"], "http");
  server->answer(1, {{":status", "200"}, {"etag", "\"x\""}, {"content-length", "5"}}, "he", Then::more);
  EXPECT_EQ(asker.status, 200);
  EXPECT_EQ(asker.content_length, 5u);
  EXPECT_EQ(asker.headers[0].second, "\"x\"");
  EXPECT_EQ(asker.body, "he");
  EXPECT_FALSE(asker.end);
  server->more(1, "llo", Then::end);
  EXPECT_EQ(asker.body, "hello");
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
  EXPECT_EQ(gauge("http_client_active_requests"), 0);
}

TEST_F(Http2Client, push_is_off_and_the_windows_are_wide) {
  begin();
  EXPECT_EQ(server->setting(NGHTTP2_SETTINGS_ENABLE_PUSH), 0u);
  EXPECT_GE(server->window(), 16 << 20);
  EXPECT_GE(server->stream_window(1), 4 << 20);
}

TEST_F(Http2Client, a_body_goes_up_with_its_length) {
  Ask ask;
  ask.method = Method::post;
  ask.target = "/";
  ask.headers = {{"host", "other"}, {"x", "y"}};
  ask.body = Bytes::copy_of(std::string(100'000, 'b'));
  exchange = core->ask(std::move(ask), asker);
  connect();
  EXPECT_EQ(server->requests[1]["body"].size(), 100'000u);
  EXPECT_EQ(server->requests[1]["content-length"], "100000");
  EXPECT_EQ(server->requests[1][":authority"], "other");
  EXPECT_EQ(server->requests[1]["x"], "y");
  EXPECT_FALSE(server->requests[1].contains("host"));
}

TEST_F(Http2Client, many_exchanges_share_a_connection) {
  std::vector<TestAsker> askers(100);
  std::vector<std::unique_ptr<Exchange>> exchanges;
  for (auto& each : askers) exchanges.push_back(ask(each));
  EXPECT_EQ(attempts.size(), 1u);
  connect();
  for (int32_t i = 99; i >= 0; --i) server->answer(2 * i + 1, ok, std::to_string(i));
  for (size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(askers[i].body, std::to_string(i));
    EXPECT_EQ(askers[i].end, ExchangeEnd::complete);
  }
}

TEST_F(Http2Client, head_204_304_and_interim_responses_have_no_body) {
  begin(Method::head);
  server->answer(1, {{":status", "200"}, {"content-length", "7"}});
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
  EXPECT_EQ(asker.content_length, 7u);
  for (const std::string status : {"204", "304"}) {
    TestAsker each;
    const auto asked = ask(each);
    server->talk();
    const int32_t stream = server->requests.rbegin()->first;
    server->interim(stream, "103");
    EXPECT_EQ(each.status, 0);
    server->answer(stream, {{":status", status}});
    EXPECT_EQ(std::to_string(each.status), status);
    EXPECT_EQ(each.end, ExchangeEnd::complete);
  }
}

TEST_F(Http2Client, a_stream_reset_by_the_peer_is_a_reset) {
  begin();
  server->answer(1, ok, "half", Then::more);
  server->reset(1, NGHTTP2_INTERNAL_ERROR);
  EXPECT_EQ(asker.body, "half");
  EXPECT_EQ(asker.end, ExchangeEnd::reset);
  TestAsker other;
  const auto asked = ask(other);
  server->talk();
  server->reset(3, NGHTTP2_CANCEL);
  EXPECT_EQ(other.end, ExchangeEnd::reset);
  EXPECT_FALSE(peer->gone) << "the connection is good for others";
}

TEST_F(Http2Client, a_body_that_is_not_as_long_as_said_is_malformed) {
  begin();
  server->answer(1, {{":status", "200"}, {"content-length", "5"}}, "hell");
  turn();
  EXPECT_EQ(asker.end, ExchangeEnd::malformed);
  EXPECT_FALSE(peer->gone);
}

TEST_F(Http2Client, heads_that_are_too_large_or_not_heads_are_malformed) {
  const Fields heads[] = {{{":status", "200"}, {"x", std::string(20'000, 'x')}},
                          {{":status", "999"}},
                          {{":status", "101"}},
                          {{":status", "2x0"}},
                          {{"x", "y"}},
                          {{":status", "200"}, {"connection", "close"}},
                          {{":status", "200"}, {"content-length", "1"}, {"content-length", "2"}}};
  begin();
  server->answer(1, ok);
  for (const Fields& head : heads) {
    TestAsker each;
    const auto asked = ask(each);
    server->talk();
    server->answer(server->requests.rbegin()->first, head, "body");
    turn();
    EXPECT_EQ(each.end, ExchangeEnd::malformed) << head.back().first << ": " << head.back().second.substr(0, 10);
    EXPECT_EQ(each.body, "");
  }
  EXPECT_EQ(core->connections(), 1u);
}

TEST_F(Http2Client, garbage_ends_the_connection_and_all_on_it) {
  TestAsker second;
  exchange = ask(asker);
  const auto other = ask(second);
  FakePeer& bad = accept();
  bad.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  turn();
  EXPECT_TRUE(bad.gone);
  EXPECT_EQ(asker.end, ExchangeEnd::malformed);
  EXPECT_EQ(second.end, ExchangeEnd::malformed);
}

TEST_F(Http2Client, a_lost_connection_resets_what_was_answered_and_sends_the_rest_again) {
  begin();
  server->answer(1, ok, "half", Then::more);
  TestAsker held, post;
  const auto a = ask(held), b = ask(post, Method::post);
  peer->leave(net::Closed::reset);
  EXPECT_EQ(asker.end, ExchangeEnd::reset);
  EXPECT_EQ(post.end, ExchangeEnd::reset);
  EXPECT_FALSE(held.end);
  connect();
  EXPECT_EQ(server->requests.size(), 1u);
  server->answer(1, ok, "here");
  EXPECT_EQ(held.body, "here");
}

TEST_F(Http2Client, a_new_connection_that_dies_is_a_reset) {
  begin();
  peer->leave();
  EXPECT_EQ(asker.end, ExchangeEnd::reset);
  EXPECT_TRUE(attempts.empty());
}

TEST_F(Http2Client, what_a_going_peer_has_not_processed_is_asked_elsewhere_and_the_rest_finished) {
  begin(Method::post);
  TestAsker second;
  const auto other = ask(second, Method::post);
  server->talk();
  server->answer(1, ok, "half", Then::more);
  server->go_away(1);
  EXPECT_FALSE(second.end);
  const auto old_server = std::move(server);
  FakePeer* old_peer = peer;
  connect();
  server->answer(1, ok, "from another");
  EXPECT_EQ(second.body, "from another");
  EXPECT_FALSE(old_peer->gone);
  old_server->more(1, " whole", Then::end);
  EXPECT_EQ(asker.body, "half whole");
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
  EXPECT_TRUE(old_peer->gone);
  TestAsker third;
  const auto next = ask(third);
  EXPECT_TRUE(attempts.empty()) << "the new one is there";
}

TEST_F(Http2Client, a_refused_stream_is_asked_once_more) {
  begin(Method::post);
  server->reset(1, NGHTTP2_REFUSED_STREAM);
  EXPECT_FALSE(asker.end);
  server->talk();
  EXPECT_TRUE(server->requests.contains(3));
  server->reset(3, NGHTTP2_REFUSED_STREAM);
  EXPECT_EQ(asker.end, ExchangeEnd::reset);
}

TEST_F(Http2Client, the_peers_own_limit_of_streams_is_kept) {
  exchange = ask(asker);
  connect(1);
  TestAsker second;
  const auto other = ask(second);
  EXPECT_EQ(attempts.size(), 1u) << "another connection, because this one is full";
  server->answer(1, ok);
  server->talk();
  EXPECT_TRUE(server->requests.contains(3)) << "what was first to be free";
}

TEST_F(Http2Client, a_peer_that_is_gone_is_noticed_and_one_that_only_rests_is_not) {
  Ask endless;
  endless.target = "/events";
  endless.stall_time_max = never;
  exchange = core->ask(std::move(endless), asker);
  connect();
  server->answer(1, ok, "x", Then::more);
  check_waits(1s);
  server->talk();
  EXPECT_EQ(server->pings, 0u);
  check_waits(3600s);  // we have slept: that is no silence of the peer's
  EXPECT_FALSE(asker.end);
  server->talk();  // it answers
  EXPECT_EQ(server->pings, 1u);
  check_waits(2s);
  check_waits(3s);
  EXPECT_FALSE(asker.end);
  check_waits(4s);
  EXPECT_EQ(asker.end, ExchangeEnd::timed_out);
  EXPECT_TRUE(peer->gone);
}

TEST_F(Http2Client, a_peer_that_never_answers_is_given_up_in_time_and_only_that_stream) {
  Ask quick;
  quick.target = "/";
  quick.head_time_max = 1s;
  begin();
  TestAsker hasty;
  const auto other = core->ask(std::move(quick), hasty);
  check_waits(1500ms);
  EXPECT_EQ(hasty.end, ExchangeEnd::timed_out);
  server->talk();
  EXPECT_EQ(server->resets[3], static_cast<uint32_t>(NGHTTP2_CANCEL));
  EXPECT_FALSE(asker.end);
  EXPECT_FALSE(peer->gone);
}

TEST_F(Http2Client, a_paused_body_is_held_back_by_its_window) {
  begin();
  exchange->pause();
  const std::string big(10 << 20, 'x');
  server->answer(1, ok, big, Then::more);
  EXPECT_EQ(asker.status, 200) << "the head still comes";
  EXPECT_EQ(asker.body, "");
  EXPECT_EQ(server->unsent(1), big.size() - (4 << 20));
  TestAsker second;
  const auto other = ask(second);
  server->talk();
  server->answer(3, ok, "others go on");
  EXPECT_EQ(second.body, "others go on");
  exchange->resume();
  EXPECT_EQ(asker.body, "") << "never from inside resume()";
  turn();
  server->talk();
  server->more(1, "", Then::end);
  EXPECT_EQ(asker.body.size(), big.size());
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
}

TEST_F(Http2Client, what_a_cancelled_exchange_kept_gives_its_window_back) {
  begin();
  for (int i = 0; i < 40; ++i) {  // 40 times 4 MiB through a window of 64 MiB
    exchange->pause();
    server->talk();
    const int32_t stream = server->requests.rbegin()->first;
    server->answer(stream, ok, std::string(4 << 20, 'x'), i % 2 ? Then::more : Then::end);
    ASSERT_EQ(server->unsent(stream), 0u) << i;
    exchange = ask(asker);
  }
  EXPECT_EQ(asker.body, "");
}

TEST_F(Http2Client, an_exchange_may_be_cancelled_wherever_it_is) {
  exchange = ask(asker);  // waiting
  exchange.reset();
  connect();
  EXPECT_TRUE(server->requests.empty());

  exchange = ask(asker);  // asked
  exchange.reset();
  server->talk();
  EXPECT_EQ(server->resets[1], static_cast<uint32_t>(NGHTTP2_CANCEL));

  asker.in_head = [&] { exchange.reset(); };
  exchange = ask(asker);
  server->talk();
  server->answer(3, ok, "body");
  EXPECT_EQ(asker.body, "");
  EXPECT_EQ(server->resets[3], static_cast<uint32_t>(NGHTTP2_CANCEL));

  asker.in_head = nullptr;
  asker.in_body = [&] { exchange.reset(); };
  exchange = ask(asker);
  server->talk();
  server->answer(5, ok, "body");
  EXPECT_EQ(asker.body, "body");
  EXPECT_FALSE(asker.end);

  asker.in_body = nullptr;
  asker.in_end = [&] { exchange.reset(); };
  exchange = ask(asker);
  server->talk();
  server->answer(7, ok, "body");
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
  EXPECT_EQ(core->connections(), 1u);
  EXPECT_EQ(gauge("http_client_active_requests"), 0);
  EXPECT_EQ(outcome_count("cancelled"), 4);
}

TEST_F(Http2Client, the_client_may_be_destroyed_in_every_callback) {
  for (const auto where : {&TestAsker::in_head, &TestAsker::in_body, &TestAsker::in_end}) {
    ClientWorld world(Protocol::http2);
    TestAsker first, second;
    first.*where = [&] { world.core->shut(); };
    const auto a = world.ask(first), b = world.ask(second);
    FakePeer& other = world.accept();
    Http2Server there(other);
    there.answer(1, ok, "body");
    EXPECT_TRUE(other.gone);
    EXPECT_FALSE(second.end);
    EXPECT_EQ(world.gauge("http_client_open_connections"), 0);
  }
}

TEST_F(Http2Client, asking_inside_a_callback_uses_the_same_connection) {
  TestAsker next;
  std::unique_ptr<Exchange> asked;
  asker.in_end = [&] { asked = ask(next); };
  begin();
  server->answer(1, ok);
  server->answer(3, ok);
  EXPECT_EQ(next.end, ExchangeEnd::complete);
  EXPECT_EQ(peers.size(), 1u);
}

TEST_F(Http2Client, an_idle_connection_ends_before_its_peer_ends_it) {
  begin();
  server->answer(1, ok);
  check_waits(3s);
  EXPECT_FALSE(peer->gone);
  check_waits(5s);
  EXPECT_TRUE(peer->gone);
}

TEST_F(Http2Client, an_answer_before_the_whole_request_is_enough) {
  Ask ask;
  ask.method = Method::post;
  ask.target = "/";
  ask.body = Bytes::copy_of(std::string(1'000'000, 'b'));
  exchange = core->ask(std::move(ask), asker);
  peer = &accept();
  server = std::make_unique<Http2Server>(*peer, 100, Http2Server::Windows::never_given_back);
  EXPECT_EQ(server->requests[1]["body"].size(), 65535u);
  server->answer(1, {{":status", "413"}}, "too much");
  EXPECT_EQ(asker.body, "too much");
  EXPECT_EQ(asker.end, ExchangeEnd::complete);
  EXPECT_EQ(server->resets[1], static_cast<uint32_t>(NGHTTP2_CANCEL));
}

TEST_F(Http2Client, over_tls_without_alpn_there_is_no_http2) {
  exchange = ask(asker);
  struct Encrypted final : net::Connection {
    explicit Encrypted(std::string protocol) : protocol(std::move(protocol)) {}
    void start(net::ConnectionHandler&) override {}
    void write(std::span<const Bytes>) override {}
    size_t unsent() const override { return 0; }
    void limit_unsent_in_kernel(uint32_t) override {}
    void keep(std::shared_ptr<void>) override {}
    void pause_reading() override {}
    void resume_reading() override {}
    void close() override {}
    void abort() override {}
    const std::string& peer() const override { return protocol; }
    const std::string& application_protocol() const override { return protocol; }
    bool encrypted() const override { return true; }
    const std::string protocol;
  };
  attempts.front()(std::make_unique<Encrypted>("http/1.1"));
  EXPECT_EQ(asker.end, ExchangeEnd::unreachable);
}

}  // namespace
}  // namespace klieg::http
