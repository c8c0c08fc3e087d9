// HTTP/2 on one connection to a peer (RFC 9113), framed and flow-controlled by libnghttp2: many exchanges at a time.
//
//   begin() --> asked --(head)--> answered --(END_STREAM)--> over
//                 '------------------'--(RST_STREAM, GOAWAY below it, the connection's end, timeout)--> over
//
// A window is given back when its bytes are handed to their asker: at once, or after a pause. While a stream is open
// the peer must give a sign of life, for which it is asked by PING: a body that rests for hours and a peer that is gone
// look the same otherwise.

#include <nghttp2/nghttp2.h>

#include <charconv>
#include <map>
#include <utility>

#include "base/logging.h"
#include "http/client_session.h"

namespace klieg::http {
namespace {

struct Stream {
  std::shared_ptr<Call> call;
  std::string fields;                               // of the head: all names and values, end to end
  std::vector<std::pair<uint32_t, uint32_t>> ends;  // of each name and value in `fields`
  size_t sent = 0;                                  // of the request's body
  bool answered = false;                            // the head has come
  bool reset_by_peer = false;
};

class Http2Line final : public Line {
 public:
  Http2Line(ClientCore& core, std::unique_ptr<net::Connection> connection);
  ~Http2Line() override { nghttp2_session_del(session_); }

  size_t room() const override;
  bool idle() const override { return open() && streams_.empty(); }
  void begin(std::shared_ptr<Call> call) override;
  void cancel(Call& call) override;
  void on_taken(Call& call, size_t size) override;
  void on_tick(LoopTime now) override;

 protected:
  void read(ByteView bytes) override;
  void lost(net::Closed why) override;

 private:
  static Http2Line& self(void* user_data) { return *static_cast<Http2Line*>(user_data); }
  static const nghttp2_session_callbacks* callbacks();
  static const nghttp2_option* options();

  // What nghttp2 tells. Each returns its status.
  int on_begin_headers(const nghttp2_frame& frame);
  int on_header(const nghttp2_frame& frame, std::string_view name, std::string_view value);
  int on_frame(const nghttp2_frame& frame);
  int on_data(int32_t stream, ByteView bytes);
  int on_stream_closed(int32_t stream, uint32_t error_code);
  ssize_t offer(int32_t stream, std::span<uint8_t> out, uint32_t& flags);

  Stream* find(int32_t stream);
  std::shared_ptr<Call> take(int32_t stream);
  void answer(int32_t id, Stream& stream);
  void finish(int32_t stream);
  void reset(int32_t stream, uint32_t error_code);
  void end(Call& call, ExchangeEnd why);
  void fail(ExchangeEnd why);
  void pump();

  nghttp2_session* session_ = nullptr;
  std::map<int32_t, Stream> streams_;  // at most streams_max
  bool busy_ = false;                  // nghttp2 is on the stack
  bool sending_ = false;               // we are perhaps inside the owner's call: it hears of ends later
  bool going_ = false;                 // the peer takes no further requests here
  LoopTime heard_;                     // when anything last came, or was first due
  std::optional<LoopTime> pinged_;     // since then: not by the clock alone is a peer gone, we may have slept ourselves
  LoopTime idle_since_;
};

const nghttp2_session_callbacks* Http2Line::callbacks() {
  static const nghttp2_session_callbacks* made = [] {
    nghttp2_session_callbacks* set = nullptr;
    nghttp2_session_callbacks_new(&set);
    nghttp2_session_callbacks_set_on_begin_headers_callback(
        set,
        [](nghttp2_session*, const nghttp2_frame* frame, void* user) { return self(user).on_begin_headers(*frame); });
    nghttp2_session_callbacks_set_on_header_callback(
        set, [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
                const uint8_t* value, size_t value_size, uint8_t, void* user) {
          return self(user).on_header(*frame, {reinterpret_cast<const char*>(name), name_size},
                                      {reinterpret_cast<const char*>(value), value_size});
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        set, [](nghttp2_session*, const nghttp2_frame* frame, void* user) { return self(user).on_frame(*frame); });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        set, [](nghttp2_session*, uint8_t, int32_t stream, const uint8_t* data, size_t size, void* user) {
          return self(user).on_data(stream, {data, size});
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        set, [](nghttp2_session*, int32_t stream, uint32_t error_code, void* user) {
          return self(user).on_stream_closed(stream, error_code);
        });
    return set;
  }();
  return made;
}

const nghttp2_option* Http2Line::options() {
  static const nghttp2_option* made = [] {
    nghttp2_option* set = nullptr;
    nghttp2_option_new(&set);
    nghttp2_option_set_no_auto_window_update(set, 1);
    nghttp2_option_set_no_closed_streams(set, 1);  // their memory served the priority tree that RFC 9113 dropped
    return set;
  }();
  return made;
}

Http2Line::Http2Line(ClientCore& core, std::unique_ptr<net::Connection> connection)
    : Line(core, std::move(connection)), heard_(core.loop.now()), idle_since_(heard_) {
  const int status = nghttp2_session_client_new2(&session_, callbacks(), this, options());
  KLIEG_ASSERT(status == 0, "nghttp2 has memory for a session");
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, core.limits.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(core.limits.head_size_max)},
  };
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<int32_t>(core.limits.connection_window));
}

size_t Http2Line::room() const {
  if (!open() || going_ || !nghttp2_session_check_request_allowed(session_)) return 0;
  const size_t most = std::min(core().limits.streams_max,
                               nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
  return most - std::min(most, streams_.size());
}

void Http2Line::begin(std::shared_ptr<Call> call) {
  std::vector<nghttp2_nv> fields;
  const auto add = [&](std::string_view name, std::string_view value) {
    fields.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                      reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                      NGHTTP2_NV_FLAG_NONE});
  };
  const Ask& ask = call->ask;
  const std::string length = std::to_string(ask.body.size());
  add(":method", method_name(ask));
  add(":scheme", encrypted_ ? "https" : "http");
  add(":authority", call->authority);
  add(":path", ask.target);
  for (const auto& [name, value] : call->fields.all()) add(name, value);
  if (!ask.body.empty()) add("content-length", length);

  nghttp2_data_provider body{};
  body.read_callback = [](nghttp2_session*, int32_t stream, uint8_t* out, size_t size, uint32_t* flags,
                          nghttp2_data_source*, void* user) { return self(user).offer(stream, {out, size}, *flags); };
  const int32_t stream = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(),
                                                ask.body.empty() ? nullptr : &body, nullptr);
  KLIEG_ASSERT(stream > 0, "room() has asked whether a request is allowed");
  if (streams_.empty()) {
    heard_ = core().loop.now();
    pinged_.reset();
  }
  call->carried_by(*this, stream);
  streams_[stream].call = std::move(call);
  pump();
}

ssize_t Http2Line::offer(int32_t id, std::span<uint8_t> out, uint32_t& flags) {
  Stream* stream = find(id);
  if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // RST_STREAM: its answer came without it
  const ByteView rest = stream->call->ask.body.view().subspan(stream->sent);
  const size_t taken = std::min(rest.size(), out.size());
  std::copy_n(rest.begin(), taken, out.begin());
  stream->sent += taken;
  if (taken == rest.size()) flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(taken);
}

void Http2Line::read(ByteView bytes) {
  heard_ = core().loop.now();
  pinged_.reset();
  busy_ = true;
  const ssize_t taken = nghttp2_session_mem_recv(session_, bytes.data(), bytes.size());
  busy_ = false;
  if (!open()) return;
  if (taken < 0) return fail(ExchangeEnd::malformed);
  pump();
  if (going_ && streams_.empty()) {
    drop();
    core().settle();
  }
}

Stream* Http2Line::find(int32_t stream) {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? nullptr : &found->second;
}

std::shared_ptr<Call> Http2Line::take(int32_t stream) {
  auto call = std::move(streams_.at(stream).call);
  streams_.erase(stream);
  idle_since_ = core().loop.now();
  return call;
}

void Http2Line::reset(int32_t stream, uint32_t error_code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, error_code);
}

int Http2Line::on_begin_headers(const nghttp2_frame& frame) {
  if (Stream* stream = find(frame.hd.stream_id)) {  // an interim response may have gone before
    stream->fields.clear();
    stream->ends.clear();
  }
  return 0;
}

int Http2Line::on_header(const nghttp2_frame& frame, std::string_view name, std::string_view value) {
  Stream* stream = find(frame.hd.stream_id);
  if (!stream || stream->answered) return 0;  // a trailer
  if (stream->fields.size() + name.size() + value.size() > core().limits.head_size_max) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // RST_STREAM: our SETTINGS had said so
  }
  stream->fields.append(name).append(value);
  const auto end = static_cast<uint32_t>(stream->fields.size());
  stream->ends.emplace_back(end - static_cast<uint32_t>(value.size()), end);
  return 0;
}

int Http2Line::on_frame(const nghttp2_frame& frame) {
  const int32_t id = frame.hd.stream_id;
  if (frame.hd.type == NGHTTP2_GOAWAY) going_ = true;
  Stream* stream = find(id);
  if (!stream) return 0;
  if (frame.hd.type == NGHTTP2_RST_STREAM) stream->reset_by_peer = true;
  if (frame.hd.type == NGHTTP2_HEADERS && !stream->answered) answer(id, *stream);
  const bool carries = frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA;
  if (carries && frame.hd.flags & NGHTTP2_FLAG_END_STREAM) finish(id);
  return open() ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

// nghttp2 has seen to it that there is one status of three digits.
void Http2Line::answer(int32_t id, Stream& stream) {
  const std::string fields = std::exchange(stream.fields, {});  // the asker may cancel while it looks at them
  ResponseHead head;
  uint32_t at = 0;
  for (const auto& [name_end, value_end] : stream.ends) {
    const std::string_view all = fields;
    const HeaderView field{all.substr(at, name_end - at), all.substr(name_end, value_end - name_end)};
    at = value_end;
    if (field.name == ":status") {
      std::from_chars(field.value.data(), field.value.data() + field.value.size(), head.status);
    } else {
      head.headers.push_back(field);
    }
    if (field.name == "content-length") {
      uint64_t length = 0;
      const char* end = field.value.data() + field.value.size();
      const auto [rest, error] = std::from_chars(end - field.value.size(), end, length);
      if (rest == end && error == std::errc()) head.content_length = length;
    }
  }
  if (head.status >= 100 && head.status < 200) return;
  if (head.status < 100 || head.status > 599) return reset(id, NGHTTP2_PROTOCOL_ERROR);
  stream.answered = true;
  proven_ = true;
  const auto call = stream.call;
  call->on_head(head);
}

int Http2Line::on_data(int32_t id, ByteView bytes) {
  const Stream* stream = find(id);
  if (!stream || !stream->answered) {  // cancelled, or reset for its head
    nghttp2_session_consume(session_, id, bytes.size());
    return 0;
  }
  const auto call = stream->call;
  call->on_body(bytes);
  return open() ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

// The place is free, and taken by who waits, before the owner hears of the end.
void Http2Line::finish(int32_t id) {
  Stream* stream = find(id);
  if (!stream || !stream->answered) return;  // cancelled inside on_head, or reset for it
  const auto call = take(id);
  if (nghttp2_session_get_stream_local_close(session_, id) == 0) reset(id, NGHTTP2_CANCEL);  // its body is not wanted
  core().settle();
  call->end(ExchangeEnd::complete);
}

int Http2Line::on_stream_closed(int32_t id, uint32_t error_code) {
  const Stream* stream = find(id);
  if (!stream) return 0;
  const bool unprocessed = error_code == NGHTTP2_REFUSED_STREAM && !stream->answered;
  // What we reset ourselves and did not forget, nghttp2 or answer() has refused.
  const bool by_peer = stream->reset_by_peer || error_code == NGHTTP2_NO_ERROR || error_code == NGHTTP2_REFUSED_STREAM;
  const auto call = take(id);
  if (unprocessed && !sending_) {
    core().try_again(call, Processed::no);
  } else {
    core().settle();
    end(*call, by_peer ? ExchangeEnd::reset : ExchangeEnd::malformed);
  }
  return open() ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

void Http2Line::end(Call& call, ExchangeEnd why) { sending_ ? call.end_later(why) : call.end(why); }

// The connection cannot be used any more, for any stream.
void Http2Line::fail(ExchangeEnd why) {
  logging::debug("a connection to a peer is given up",
                 {{"peer", connection().peer()}, {"why", why == ExchangeEnd::timed_out ? "silent" : "not HTTP/2"}});
  drop();
  const auto streams = std::exchange(streams_, {});
  core().settle();
  for (const auto& [id, stream] : streams) end(*stream.call, why);
}

void Http2Line::lost(net::Closed) {
  const auto streams = std::exchange(streams_, {});
  for (const auto& [id, stream] : streams) {
    if (proven_ && !stream.answered) {
      core().try_again(stream.call, Processed::perhaps);
    } else {
      stream.call->end(ExchangeEnd::reset);
    }
  }
}

void Http2Line::cancel(Call& call) {
  if (!open() || !find(call.stream())) return;
  take(call.stream());
  reset(call.stream(), NGHTTP2_CANCEL);
  pump();
  core().settle();
}

void Http2Line::on_taken(Call& call, size_t size) {
  if (!open()) return;
  nghttp2_session_consume(session_, call.stream(), size);
  pump();
}

// Sends what nghttp2 has. Asks are small and bounded in number, so nothing here waits for the peer to read.
void Http2Line::pump() {
  if (busy_ || !open()) return;
  busy_ = sending_ = true;
  std::vector<uint8_t> out;
  for (const uint8_t* data = nullptr; const ssize_t size = nghttp2_session_mem_send(session_, &data);) {
    if (size < 0) break;
    out.insert(out.end(), data, data + size);
  }
  busy_ = false;
  if (open() && !out.empty()) connection().write(Bytes::take(std::move(out)));
  if (open() && !nghttp2_session_want_read(session_) && !nghttp2_session_want_write(session_)) {
    streams_.empty() ? drop() : fail(ExchangeEnd::malformed);
  }
  sending_ = false;
}

void Http2Line::on_tick(LoopTime now) {
  std::vector<int32_t> overdue;
  for (const auto& [id, stream] : streams_) {
    if (stream.call->overdue(now)) overdue.push_back(id);
  }
  for (const int32_t id : overdue) {
    if (!find(id)) continue;
    const auto call = take(id);
    reset(id, NGHTTP2_CANCEL);
    call->end(ExchangeEnd::timed_out);
    if (!open()) return;
  }
  const ClientLimits& limits = core().limits;
  const bool over = streams_.empty() && (going_ || now - idle_since_ >= limits.idle_time_max);
  if (over) nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  if (!streams_.empty()) {
    if (pinged_ && now - *pinged_ >= limits.pong_time_max) return fail(ExchangeEnd::timed_out);
    if (!pinged_ && now - heard_ >= limits.ping_after) {
      pinged_ = now;
      nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
    }
  }
  pump();
  if (over) drop();
}

}  // namespace

std::shared_ptr<Line> make_http2_line(ClientCore& core, std::unique_ptr<net::Connection> connection) {
  return std::make_shared<Http2Line>(core, std::move(connection));
}

}  // namespace klieg::http
