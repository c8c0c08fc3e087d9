#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <map>
#include <optional>
#include <string>

#include "http/server_test.h"

namespace klieg::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The other side: nghttp2 as a client, joined to the server through a FakePeer.
class Http2Client {
 public:
  struct Seen {
    std::map<std::string, std::string> headers;
    std::string body;
    bool ended = false;  // END_STREAM
    std::optional<uint32_t> closed;
  };

  explicit Http2Client(FakePeer& peer, uint32_t window = 65535) : peer_(peer) {
    nghttp2_session_callbacks* set = nullptr;
    nghttp2_session_callbacks_new(&set);
    nghttp2_session_callbacks_set_on_header_callback(
        set, [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                const uint8_t* value, size_t value_size, uint8_t, void* self) {
          seen(self, frame->hd.stream_id).headers[std::string(name, name + name_size)] = {value, value + value_size};
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        set, [](nghttp2_session*, uint8_t, int32_t stream, const uint8_t* data, size_t size, void* self) {
          seen(self, stream).body.append(data, data + size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(set,
                                                         [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
                                                           if (frame->hd.type == NGHTTP2_GOAWAY)
                                                             static_cast<Http2Client*>(self)->goaway = true;
                                                           if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
                                                             seen(self, frame->hd.stream_id).ended = true;
                                                           return 0;
                                                         });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        set, [](nghttp2_session*, int32_t stream, uint32_t error, void* self) {
          seen(self, stream).closed = error;
          return 0;
        });
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session_client_new2(&session_, set, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(set);
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, window}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
  }
  ~Http2Client() { nghttp2_session_del(session_); }
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;

  int32_t request(const std::string& path, const std::string& method = "GET", const std::string& content = "",
                  const std::vector<std::pair<std::string, std::string>>& more = {}) {
    const auto field = [](std::string_view name, const std::string& value) {
      return nghttp2_nv{reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                        reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), 0};
    };
    const std::string scheme = "http", host = "h";
    std::vector<nghttp2_nv> fields{field(":method", method), field(":scheme", scheme), field(":authority", host),
                                   field(":path", path)};
    for (const auto& [name, value] : more) fields.push_back(field(name, value));
    content_ = content;
    nghttp2_data_provider body{};
    body.source.ptr = &content_;
    body.read_callback = [](nghttp2_session*, int32_t, uint8_t* out, size_t limit, uint32_t* flags,
                            nghttp2_data_source* source, void*) -> ssize_t {
      auto& rest = *static_cast<std::string*>(source->ptr);
      const size_t size = std::min(limit, rest.size());
      std::copy_n(rest.begin(), size, out);
      rest.erase(0, size);
      if (rest.empty()) *flags |= NGHTTP2_DATA_FLAG_EOF;
      return static_cast<ssize_t>(size);
    };
    const int32_t stream = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                                  content.empty() ? nullptr : &body, nullptr);
    talk();
    return stream;
  }
  void allow(int32_t stream, int32_t more) {
    nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, stream, more);
    talk();
  }
  void reset(int32_t stream) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
    talk();
  }
  // Until neither side has anything to say.
  void talk() {
    for (bool said = true; said;) {
      said = false;
      for (const uint8_t* data = nullptr; const ssize_t size = nghttp2_session_mem_send(session_, &data);) {
        ASSERT_GE(size, 0);
        peer_.send({reinterpret_cast<const char*>(data), static_cast<size_t>(size)});
        said = true;
      }
      const std::string heard = peer_.received.substr(read_);
      read_ = peer_.received.size();
      ASSERT_EQ(nghttp2_session_mem_recv(session_, reinterpret_cast<const uint8_t*>(heard.data()), heard.size()),
                static_cast<ssize_t>(heard.size()));
      said |= !heard.empty();
    }
  }
  Seen& operator[](int32_t stream) { return streams_[stream]; }

  bool goaway = false;

 private:
  static Seen& seen(void* self, int32_t stream) { return static_cast<Http2Client*>(self)->streams_[stream]; }

  FakePeer& peer_;
  nghttp2_session* session_ = nullptr;
  size_t read_ = 0;
  std::string content_;
  std::map<int32_t, Seen> streams_;
};

struct Http2 : testing::Test {
  void connect(const Limits& limits = {}, uint32_t window = 65535) {
    server = Server::make(loop, handler, limits, metrics);
    server->accept(std::make_unique<FakeConnection>(peer));
    client = std::make_unique<Http2Client>(peer, window);
  }
  void check_waits(Duration after) { static_cast<ServerCore&>(*server).check_waits(start + after); }

  net::Loop loop;
  const LoopTime start = loop.now();
  Metrics metrics;
  FakePeer peer;
  TestHandler handler;
  std::unique_ptr<Http2Client> client;
  std::unique_ptr<Server> server;
};

TEST_F(Http2, prior_knowledge_gets_a_response_with_its_length) {
  auto headers = std::make_shared<HeaderBlock>();
  headers->add("etag", "\"x\"");
  handler.answer = [&](const Request& request) {
    EXPECT_EQ(request.version, Version::http_2);
    EXPECT_EQ(request.authority, "h");
    Response response = response_of(Bytes::copy_of("hello"));
    response.headers = headers;
    return response;
  };
  connect();
  const int32_t stream = client->request("/a?b");
  auto& seen = (*client)[stream];
  EXPECT_THAT(handler.targets, ElementsAre("/a?b"));
  EXPECT_EQ(seen.headers[":status"], "200");
  EXPECT_EQ(seen.headers["content-length"], "5");
  EXPECT_EQ(seen.headers["etag"], "\"x\"");
  EXPECT_EQ(seen.body, "hello");
  EXPECT_TRUE(seen.ended);
}

TEST_F(Http2, cookies_that_come_one_by_one_are_one_field_again) {
  std::vector<std::string> cookies;
  handler.answer = [&](const Request& request) {
    for (const auto& [name, value] : request.headers) {
      if (name == "cookie") cookies.emplace_back(value);
    }
    return Response::text(200, "");
  };
  connect();
  client->request("/", "GET", "", {{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}});
  EXPECT_THAT(cookies, ElementsAre("a=1; b=2"));
}

TEST_F(Http2, a_preface_that_comes_in_pieces_is_still_http_2) {
  connect();
  peer.send("PRI * HT");
  peer.send("TP/2.0\r\n\r\nS");
  EXPECT_EQ(peer.received, "");
  peer.send(std::string("M\r\n\r\n\0\0\0\4\0\0\0\0\0", 5 + 9));
  EXPECT_EQ(peer.received.substr(3, 1), "\4") << "a SETTINGS frame";
}

TEST_F(Http2, many_streams_read_one_growing_log_as_it_is_born) {
  auto log = std::make_shared<Log>();
  log->append(Bytes::copy_of("first-"));
  handler.answer = [&](const Request&) { return response_of(LogRange{log, 0, std::nullopt}); };
  connect();
  std::vector<int32_t> streams;
  for (int i = 0; i < 20; ++i) streams.push_back(client->request("/log"));
  for (const int32_t stream : streams) EXPECT_EQ((*client)[stream].body, "first-");
  log->append(Bytes::copy_of("second"));
  client->talk();
  log->end(LogEnd::complete);
  client->talk();
  for (const int32_t stream : streams) {
    EXPECT_EQ((*client)[stream].body, "first-second");
    EXPECT_TRUE((*client)[stream].ended);
    EXPECT_EQ((*client)[stream].headers.count("content-length"), 0u);
  }
}

TEST_F(Http2, an_aborted_log_resets_its_stream_and_no_other) {
  auto log = std::make_shared<Log>();
  log->append(Bytes::copy_of("half"));
  handler.answer = [&](const Request& request) {
    return request.path == "/log" ? response_of(LogRange{log, 0, std::nullopt}) : response_of(Bytes::copy_of("whole"));
  };
  connect();
  const int32_t broken = client->request("/log");
  log->end(LogEnd::aborted);
  client->talk();
  EXPECT_FALSE((*client)[broken].ended);
  EXPECT_NE((*client)[broken].closed.value_or(0), 0u);
  EXPECT_EQ((*client)[client->request("/other")].body, "whole");
}

TEST_F(Http2, a_reader_of_an_endless_log_that_lags_behind_what_is_kept_is_reset) {
  auto log = std::make_shared<Log>();
  log->append(Bytes::copy_of(std::string(1500, 'a')));
  handler.answer = [&](const Request&) { return response_of(LogRange{log, 0, std::nullopt}); };
  connect({}, 1000);
  const int32_t slow = client->request("/log");
  const int32_t slower = client->request("/log");
  EXPECT_EQ((*client)[slow].body.size(), 1000u);
  log->append(Bytes::copy_of("b"));
  log->forget_before(1500);
  client->allow(slow, 1000);
  EXPECT_EQ((*client)[slow].body.size(), 1000u);
  EXPECT_EQ((*client)[slow].closed, NGHTTP2_INTERNAL_ERROR);
  EXPECT_FALSE((*client)[slower].closed);  // gives no window, so it is not asked before the tick
  check_waits(1s);
  client->talk();
  EXPECT_EQ((*client)[slower].closed, NGHTTP2_INTERNAL_ERROR);
  EXPECT_FALSE((*client)[slower].ended);
}

TEST_F(Http2, what_is_forgotten_between_its_frame_and_its_bytes_resets_that_stream_alone) {
  auto log = std::make_shared<Log>();
  log->append(Bytes::copy_of(std::string(30'000, 'a')));
  log->append(Bytes::copy_of("b"));
  handler.answer = [&](const Request& request) {
    return request.path == "/log" ? response_of(LogRange{log, 0, std::nullopt}) : response_of(Bytes::copy_of("whole"));
  };
  Limits limits;
  limits.unsent_max = 10'000;
  connect(limits);
  client->talk();
  peer.room = 0;
  const int32_t lagging = client->request("/log");  // one frame of 16 KiB is queued, the next is kept back
  log->forget_before(30'000);
  peer.take(100'000);
  client->talk();
  EXPECT_EQ((*client)[lagging].body.size(), 16'384u);
  EXPECT_EQ((*client)[lagging].closed, NGHTTP2_INTERNAL_ERROR);
  EXPECT_EQ((*client)[client->request("/other")].body, "whole");
}

TEST_F(Http2, a_stream_without_window_waits_and_holds_up_no_other) {
  const std::string whole(100'000, 'x');
  handler.answer = [&](const Request& request) {
    return response_of(Bytes::copy_of(request.path == "/big" ? whole : "small"));
  };
  connect({}, 1000);
  const int32_t big = client->request("/big");
  EXPECT_EQ((*client)[big].body.size(), 1000u);
  EXPECT_EQ((*client)[client->request("/small")].body, "small");
  client->allow(0, 200'000);
  client->allow(big, 200'000);
  EXPECT_EQ((*client)[big].body, whole);
}

TEST_F(Http2, a_stream_that_is_given_no_window_for_long_is_reset) {
  handler.answer = [&](const Request&) { return response_of(Bytes::copy_of(std::string(5000, 'x'))); };
  connect({}, 1000);
  const int32_t stream = client->request("/");
  check_waits(1s);
  check_waits(30s);
  client->talk();
  EXPECT_FALSE((*client)[stream].closed);
  check_waits(32s);
  client->talk();
  EXPECT_EQ((*client)[stream].closed, NGHTTP2_CANCEL);
}

TEST_F(Http2, a_slow_connection_is_handed_no_more_than_the_limit_and_gets_everything_in_the_end) {
  const std::string whole(60'000, 'x');
  handler.answer = [&](const Request&) { return response_of(Bytes::copy_of(whole)); };
  Limits limits;
  limits.unsent_max = 20'000;
  connect(limits);
  client->talk();
  peer.room = 0;
  const int32_t stream = client->request("/");
  size_t most = 0;
  for (int i = 0; i < 100 && !(*client)[stream].ended; ++i) {
    most = std::max(most, peer.connection->unsent());
    peer.take(5000);
    client->talk();
  }
  EXPECT_EQ((*client)[stream].body, whole);
  EXPECT_LE(most, limits.unsent_max + 16'384 + 9);  // the frame that crosses the line is whole
}

TEST_F(Http2, head_and_bodyless_responses_end_with_their_headers) {
  handler.answer = [&](const Request& request) {
    Response response = response_of(Bytes::copy_of("hello"));
    if (request.path == "/304") response.status = 304;
    return response;
  };
  connect();
  auto& head = (*client)[client->request("/", "HEAD")];
  EXPECT_EQ(head.headers["content-length"], "5");
  EXPECT_EQ(head.body, "");
  EXPECT_TRUE(head.ended);
  auto& unchanged = (*client)[client->request("/304")];
  EXPECT_EQ(unchanged.headers[":status"], "304");
  EXPECT_EQ(unchanged.body, "");
}

TEST_F(Http2, a_request_body_is_given_whole_and_refused_beyond_the_limit) {
  handler.answer = [](const Request&) { return response_of(Bytes::copy_of("ok")); };
  connect();
  client->request("/", "POST", "content");
  EXPECT_THAT(handler.bodies, ElementsAre("content"));
  auto& seen = (*client)[client->request("/", "POST", std::string(65'000, 'x') + std::string(10'000, 'y'))];
  EXPECT_EQ(seen.headers[":status"], "413");
  EXPECT_EQ(handler.bodies.size(), 1u);
}

TEST_F(Http2, a_held_stream_that_is_reset_has_no_viewer_any_more) {
  connect();
  const int32_t stream = client->request("/");
  ASSERT_EQ(handler.held.size(), 1u);
  EXPECT_FALSE(handler.held[0].viewer_gone());
  client->reset(stream);
  EXPECT_TRUE(handler.held[0].viewer_gone());
  handler.held[0].respond(response_of(Bytes::copy_of("nobody")));
}

TEST_F(Http2, draining_says_goaway_and_lets_streams_finish) {
  connect();
  const int32_t stream = client->request("/");
  bool drained = false;
  server->drain([&] { drained = true; });
  client->talk();
  EXPECT_TRUE(client->goaway);
  EXPECT_FALSE(peer.closed);
  handler.held[0].respond(response_of(Bytes::copy_of("last words")));
  client->talk();
  EXPECT_EQ((*client)[stream].body, "last words");
  EXPECT_TRUE(peer.closed);
  peer.leave(net::Closed::by_us);
  EXPECT_TRUE(drained);
}

TEST_F(Http2, an_idle_connection_is_told_goaway_and_closed) {
  handler.answer = [](const Request&) { return response_of(Bytes::copy_of("ok")); };
  connect();
  client->request("/");
  check_waits(74s);
  EXPECT_FALSE(peer.closed);
  check_waits(80s);
  client->talk();
  EXPECT_TRUE(client->goaway);
  EXPECT_TRUE(peer.closed);
}

TEST_F(Http2, what_is_no_http_2_after_the_preface_ends_the_connection) {
  connect();
  peer.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nthis is not a frame at all, it is text");
  EXPECT_TRUE(peer.closed);
  peer.leave(net::Closed::by_us);
  EXPECT_THAT(metrics.text(), HasSubstr("outcome=\"refused\"} 1"));
}

}  // namespace
}  // namespace klieg::http
