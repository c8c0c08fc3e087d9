// HTTP/2 on one connection (RFC 9113), framed and flow-controlled by libnghttp2; bodies pass it by.
//
//   receiving --(END_STREAM)--> serving --(respond)--> sending --(END_STREAM sent)--> closed
//       '--------------'------------'--(RST_STREAM from either side)--'--------------> closed
//
// A DATA frame is nine bytes of ours followed by slices of the log: nothing of a body is copied. A stream whose log has
// nothing yet is deferred in nghttp2 and resumed by the log's wake-up; a stream whose peer gives no window waits there.

#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <map>
#include <utility>

#include "http/session.h"

namespace klieg::http {
namespace {

class Http2Session;

// One stream: a request and its response.
struct Exchange final : LogWaiter {
  enum class State : uint8_t { receiving, serving, sending };

  Exchange(Http2Session& session, int32_t stream, LoopTime since) : session(session), stream(stream), since(since) {}
  void on_log_grew() override;

  Http2Session& session;
  const int32_t stream;
  State state = State::receiving;
  LoopTime since;                                   // of receiving; then of the request being whole
  std::string fields;                               // all names and values, end to end
  std::vector<std::pair<uint32_t, uint32_t>> ends;  // of each name and value in `fields`
  std::vector<uint8_t> content;
  Method method = Method::other;
  uint16_t status = 0;
  Outgoing body;
  uint64_t sent = 0;
  uint64_t sent_at_tick = 0;
  LoopTime progress;  // when `sent` last grew, or nothing was due
};

class Http2Session final : public Session, public Responder::Target, public std::enable_shared_from_this<Http2Session> {
 public:
  Http2Session(ServerCore& core, Viewer& viewer);
  ~Http2Session() override;

  void on_bytes(ByteView bytes) override;
  void on_drained() override { pump(); }
  void on_turn() override { pump(); }
  bool in_haste() const override {
    return std::ranges::any_of(exchanges_, [](const auto& one) { return one.second.body.in_haste(); });
  }
  void on_tick(LoopTime now) override;
  void drain() override;
  void respond(uint64_t exchange, Response response) override;
  bool expects(uint64_t exchange) const override { return exchanges_.contains(static_cast<int32_t>(exchange)); }

  void resume(Exchange& exchange);

 private:
  static Http2Session& self(void* user_data) { return *static_cast<Http2Session*>(user_data); }
  static const nghttp2_session_callbacks* callbacks();
  static const nghttp2_option* options();

  // What nghttp2 tells. Each returns its status.
  int on_begin_headers(const nghttp2_frame& frame);
  int on_header(const nghttp2_frame& frame, std::string_view name, std::string_view value);
  int on_frame(const nghttp2_frame& frame);
  int on_data(int32_t stream, ByteView bytes);
  int on_stream_closed(int32_t stream);
  ssize_t offer(Exchange& exchange, size_t limit, uint32_t& flags);
  int put_data(Exchange& exchange, const uint8_t* frame_header, size_t size);

  Exchange* find(int32_t stream);
  void serve(Exchange& exchange);
  void begin(Exchange& exchange, Response response);
  void reset(int32_t stream, uint32_t error_code);
  void pump();
  void put(ByteView frame_bytes);
  void flush();
  bool full();

  ServerCore& core_;
  Viewer& viewer_;
  nghttp2_session* session_ = nullptr;
  std::map<int32_t, Exchange> exchanges_;  // at most streams_max
  bool busy_ = false;                      // nghttp2 is on the stack
  bool ended_ = false;
  LoopTime idle_since_;

  // What leaves in the next write: frame bytes end to end in `frames_`, their places in `put_` still empty.
  struct Mark {
    size_t piece, offset, size;
  };
  std::string frames_;
  std::vector<Mark> marks_;
  std::vector<Bytes> put_;
  size_t put_size_ = 0;
};

void Exchange::on_log_grew() { session.resume(*this); }

const nghttp2_session_callbacks* Http2Session::callbacks() {
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
        set,
        [](nghttp2_session*, int32_t stream, uint32_t, void* user) { return self(user).on_stream_closed(stream); });
    nghttp2_session_callbacks_set_send_data_callback(
        set, [](nghttp2_session*, nghttp2_frame*, const uint8_t* frame_header, size_t size, nghttp2_data_source* source,
                void* user) { return self(user).put_data(*static_cast<Exchange*>(source->ptr), frame_header, size); });
    return set;
  }();
  return made;
}

const nghttp2_option* Http2Session::options() {
  static const nghttp2_option* made = [] {
    nghttp2_option* set = nullptr;
    nghttp2_option_new(&set);
    nghttp2_option_set_no_closed_streams(set, 1);  // their memory served the priority tree that RFC 9113 dropped
    return set;
  }();
  return made;
}

Http2Session::Http2Session(ServerCore& core, Viewer& viewer)
    : core_(core), viewer_(viewer), idle_since_(core.loop.now()) {
  const int status = nghttp2_session_server_new2(&session_, callbacks(), this, options());
  KLIEG_ASSERT(status == 0, "nghttp2 has memory for a session");
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, core.limits.streams_max},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(core.limits.head_size_max)},
  };
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
}

Http2Session::~Http2Session() {
  for (const auto& [stream, exchange] : exchanges_) {
    if (exchange.state != Exchange::State::receiving) core_.tally.request_ended();
  }
  exchanges_.clear();
  nghttp2_session_del(session_);
}

void Http2Session::on_bytes(ByteView bytes) {
  if (ended_) return;
  busy_ = true;
  const ssize_t taken = nghttp2_session_mem_recv(session_, bytes.data(), bytes.size());
  busy_ = false;
  if (taken < 0) {  // beyond what a GOAWAY of nghttp2's own answers
    ended_ = true;
    return viewer_.finish(Ending::refused);
  }
  pump();
}

Exchange* Http2Session::find(int32_t stream) {
  const auto found = exchanges_.find(stream);
  return found == exchanges_.end() ? nullptr : &found->second;
}

void Http2Session::reset(int32_t stream, uint32_t error_code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, error_code);
}

int Http2Session::on_begin_headers(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    exchanges_.try_emplace(frame.hd.stream_id, *this, frame.hd.stream_id, core_.loop.now());
  }
  return 0;
}

int Http2Session::on_header(const nghttp2_frame& frame, std::string_view name, std::string_view value) {
  Exchange* exchange = find(frame.hd.stream_id);
  if (!exchange || frame.headers.cat != NGHTTP2_HCAT_REQUEST) return 0;  // a trailer
  if (exchange->fields.size() + name.size() + value.size() > core_.limits.head_size_max) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // RST_STREAM: our SETTINGS had said so
  }
  exchange->fields.append(name).append(value);
  const auto end = static_cast<uint32_t>(exchange->fields.size());
  exchange->ends.emplace_back(end - static_cast<uint32_t>(value.size()), end);
  return 0;
}

int Http2Session::on_data(int32_t stream, ByteView bytes) {
  Exchange* exchange = find(stream);
  if (!exchange || exchange->state != Exchange::State::receiving) return 0;
  if (exchange->content.size() + bytes.size() > core_.limits.body_size_max) {
    exchange->state = Exchange::State::serving;
    core_.tally.request_began();
    begin(*exchange, Response::text(413, "the request's body is too large"));
    return 0;
  }
  exchange->content.insert(exchange->content.end(), bytes.begin(), bytes.end());
  return 0;
}

int Http2Session::on_frame(const nghttp2_frame& frame) {
  const bool carries = frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA;
  if (!carries || (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  Exchange* exchange = find(frame.hd.stream_id);
  if (exchange && exchange->state == Exchange::State::receiving) serve(*exchange);
  return 0;
}

int Http2Session::on_stream_closed(int32_t stream) {
  const auto found = exchanges_.find(stream);
  if (found == exchanges_.end()) return 0;
  Exchange& exchange = found->second;
  if (exchange.state != Exchange::State::receiving) core_.tally.request_ended();
  if (exchange.state == Exchange::State::sending) {
    core_.tally.request(exchange.method, exchange.status, core_.loop.now() - exchange.since);
  }
  exchanges_.erase(found);
  if (exchanges_.empty()) core_.no_longer_follows(*this);
  idle_since_ = core_.loop.now();
  return 0;
}

void Http2Session::serve(Exchange& exchange) {
  exchange.state = Exchange::State::serving;
  exchange.since = core_.loop.now();
  core_.tally.request_began();

  Request request;
  request.version = Version::http_2;
  request.peer = viewer_.connection().peer();
  request.body = Bytes::take(std::move(exchange.content));
  std::string_view target, method;
  std::string cookies;
  uint32_t at = 0;
  for (const auto& [name_end, value_end] : exchange.ends) {
    const std::string_view all = exchange.fields;
    const HeaderView field{all.substr(at, name_end - at), all.substr(name_end, value_end - name_end)};
    at = value_end;
    if (field.name == ":method") {
      method = field.value;
    } else if (field.name == ":path") {
      target = field.value == "*" ? "/" : field.value;
    } else if (field.name == ":scheme") {
      request.scheme = field.value;
    } else if (field.name == ":authority") {
      request.authority = field.value;
    } else if (field.name == "cookie") {  // one field again, for who knows nothing of HTTP/2 (RFC 9113 section 8.2.3)
      cookies.append(cookies.empty() ? "" : "; ").append(field.value);
    } else if (!field.name.starts_with(':')) {
      if (field.name == "host" && request.authority.empty()) request.authority = field.value;
      request.headers.push_back(field);
    }
  }
  if (!cookies.empty()) request.headers.push_back({"cookie", cookies});
  exchange.method = request.method = method_of(method);
  request.method_name = method;
  if (method == "CONNECT") return begin(exchange, Response::text(501, "CONNECT is not offered"));
  if (!target.starts_with('/')) return begin(exchange, Response::text(400, "the target is not a path"));
  if (core_.draining()) return begin(exchange, Response::text(503, "the server is going; ask again"));
  const size_t question = std::min(target.find('?'), target.size());
  request.path = target.substr(0, question);
  request.query = target.substr(std::min(question + 1, target.size()));
  core_.handler.serve(request, Responder(weak_from_this(), static_cast<uint64_t>(exchange.stream)));
}

void Http2Session::respond(uint64_t id, Response response) {
  Exchange* exchange = find(static_cast<int32_t>(id));
  if (!exchange || exchange->state != Exchange::State::serving) return;
  begin(*exchange, std::move(response));
  if (!busy_) pump();
}

void Http2Session::begin(Exchange& exchange, Response response) {
  exchange.state = Exchange::State::sending;
  exchange.status = response.status;
  exchange.progress = core_.loop.now();
  exchange.body = Outgoing(std::move(response.body));

  static thread_local std::vector<nghttp2_nv> fields;
  fields.clear();
  const auto add = [](std::string_view name, std::string_view value, uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
    fields.push_back({reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
                      reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(), flags});
  };
  const fmt::format_int status(exchange.status);
  const auto length = exchange.body.length();
  const fmt::format_int length_text(length.value_or(0));
  add(":status", {status.data(), status.size()});
  if (!response.headers || !response.headers->says_server()) add("server", "klieg");
  if (!response.headers || !response.headers->says_date()) add("date", core_.date());
  // A length is its response's own: it would only push what recurs out of the compression table.
  if (has_body(exchange.status) && length) {
    add("content-length", {length_text.data(), length_text.size()}, NGHTTP2_NV_FLAG_NO_INDEX);
  }
  if (response.headers) {
    for (const auto& [name, value] : response.headers->all()) add(name, value);
  }
  for (const auto& [name, value] : response.own_headers.all()) add(name, value, NGHTTP2_NV_FLAG_NO_INDEX);

  nghttp2_data_provider body{};
  body.source.ptr = &exchange;
  body.read_callback = [](nghttp2_session*, int32_t, uint8_t*, size_t limit, uint32_t* flags,
                          nghttp2_data_source* source,
                          void* user) { return self(user).offer(*static_cast<Exchange*>(source->ptr), limit, *flags); };
  const bool empty = exchange.method == Method::head || !has_body(exchange.status) || exchange.body.done();
  nghttp2_submit_response(session_, exchange.stream, fields.data(), fields.size(), empty ? nullptr : &body);
}

// How much of the body the next DATA frame may carry.
ssize_t Http2Session::offer(Exchange& exchange, size_t limit, uint32_t& flags) {
  Outgoing& body = exchange.body;
  const uint64_t available = body.available();
  if (available == 0 && !body.done()) {
    if (body.lost()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // RST_STREAM
    if (!exchange.waiting()) body.log()->wake_me(exchange);
    return NGHTTP2_ERR_DEFERRED;
  }
  const uint64_t offered = std::min<uint64_t>(available, limit);
  if (body.done_after(offered)) flags |= NGHTTP2_DATA_FLAG_EOF;
  if (offered > 0) flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  return static_cast<ssize_t>(offered);
}

int Http2Session::put_data(Exchange& exchange, const uint8_t* frame_header, size_t size) {
  if (full()) return NGHTTP2_ERR_WOULDBLOCK;  // the same frame is put again by the next pump()
  if (exchange.body.lost()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // forgotten since it was offered
  put({frame_header, 9});
  exchange.body.take(size, put_);
  exchange.sent += size;
  put_size_ += size;
  return 0;
}

void Http2Session::resume(Exchange& exchange) {
  nghttp2_session_resume_data(session_, exchange.stream);
  if (busy_) return;
  core_.in_turn(shared_from_this());
  if (has_a_turn_coming() && !exchange.waiting() && exchange.body.log()->growing())
    exchange.body.log()->wake_me(exchange);
}

// Sends what nghttp2 has, as far as the limit goes.
void Http2Session::pump() {
  if (ended_) return;
  busy_ = true;
  while (!full()) {
    const uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size <= 0) break;
    put({data, static_cast<size_t>(size)});
  }
  busy_ = false;
  flush();
  if (!nghttp2_session_want_read(session_) && !nghttp2_session_want_write(session_)) {
    ended_ = true;
    viewer_.finish(core_.draining() ? Ending::drained : Ending::refused);
  }
}

bool Http2Session::full() {
  if (viewer_.unsent() + put_size_ < core_.limits.unsent_max) return false;
  flush();
  return viewer_.unsent() >= core_.limits.unsent_max;
}

void Http2Session::put(ByteView frame_bytes) {
  put_size_ += frame_bytes.size();
  const bool continues = !marks_.empty() && marks_.back().piece + 1 == put_.size();
  if (continues) {
    marks_.back().size += frame_bytes.size();
  } else {
    marks_.push_back({put_.size(), frames_.size(), frame_bytes.size()});
    put_.emplace_back();
  }
  frames_.append(reinterpret_cast<const char*>(frame_bytes.data()), frame_bytes.size());
}

void Http2Session::flush() {
  if (put_.empty()) return;
  const Bytes frames = Bytes::copy_of(frames_);
  for (const Mark& mark : marks_) put_[mark.piece] = frames.slice(mark.offset, mark.size);
  viewer_.write(put_);
  frames_.clear();
  marks_.clear();
  put_.clear();
  put_size_ = 0;
}

void Http2Session::on_tick(LoopTime now) {
  if (ended_) return;
  if (exchanges_.empty() && now - idle_since_ >= core_.limits.idle_time_max) {
    ended_ = true;
    nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
    busy_ = true;
    for (const uint8_t* data = nullptr; const ssize_t size = nghttp2_session_mem_send(session_, &data);) {
      if (size < 0) break;
      put({data, static_cast<size_t>(size)});
    }
    busy_ = false;
    flush();
    return viewer_.finish(Ending::idle_timeout);
  }
  for (auto& [stream, exchange] : exchanges_) {
    if (exchange.state == Exchange::State::receiving && now - exchange.since >= core_.limits.head_time_max) {
      reset(stream, NGHTTP2_CANCEL);
    }
    if (exchange.state != Exchange::State::sending) continue;
    if (exchange.body.lost()) {  // it gives no window, so nobody offered it the rest
      reset(stream, NGHTTP2_INTERNAL_ERROR);
      continue;
    }
    if (exchange.sent != exchange.sent_at_tick || exchange.body.available() == 0) {
      exchange.sent_at_tick = exchange.sent;
      exchange.progress = now;
    } else if (now - exchange.progress >= core_.limits.stall_time_max) {  // it gives no window
      reset(stream, NGHTTP2_CANCEL);
    }
  }
  pump();
}

void Http2Session::drain() {
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  if (!busy_) pump();
}

}  // namespace

std::shared_ptr<Session> make_http2_session(ServerCore& core, Viewer& viewer) {
  return std::make_shared<Http2Session>(core, viewer);
}

}  // namespace klieg::http
