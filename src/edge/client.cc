#include "edge/client.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/logging.h"
#include "edge/topic_path.h"
#include "wire/push_record.h"

namespace klieg::edge {
namespace {

// A held playlist per rendition and a fetch or two per broadcast: some hundred broadcasts at once. Each costs about 1
// KB.
constexpr size_t connections_max = 512;
// For viewers who each must be asked for alone: 256 answers at once, in a round trip of 40 ms 6,400 a second. As many
// again as http::ClientLimits lets wait, wait; the others are told so.
constexpr size_t connections_for_one_max = 256;

FetchEnd fetch_end_of(http::ExchangeEnd end) {
  switch (end) {
    case http::ExchangeEnd::complete:
      return FetchEnd::complete;
    case http::ExchangeEnd::unreachable:
      return FetchEnd::unreachable;
    case http::ExchangeEnd::too_many:
      return FetchEnd::too_many;
    case http::ExchangeEnd::reset:
      return FetchEnd::reset;
    case http::ExchangeEnd::malformed:
      return FetchEnd::malformed;
    case http::ExchangeEnd::timed_out:
      return FetchEnd::timed_out;
  }
  return FetchEnd::reset;
}

http::Peer speaking(http::Peer peer, http::Protocol protocol) {
  peer.protocol = protocol;
  return peer;
}

http::ClientLimits limits_of(size_t connections) {
  http::ClientLimits limits;
  limits.connections_max = connections;
  return limits;
}

}  // namespace

Result<http::Peer> parse_parent_url(std::string_view text) {
  const auto wrong = [&](std::string_view what) {
    return fail(fmt::format("'{}' {}; a parent is http://HOST:PORT or https://HOST:PORT", text, what));
  };
  http::Peer peer;
  std::string_view rest = text;
  uint16_t port = 80;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
    peer.tls = net::TlsClient::verify_peer;
    port = 443;
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return wrong("has no http:// or https://");
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.empty()) return wrong("names no host");
  if (rest.find_first_of("/?#@") != rest.npos) return wrong("is more than a host");
  peer.authority = rest;
  const bool has_port = rest.find(':', rest.find(']') == rest.npos ? 0 : rest.find(']')) != rest.npos;
  auto endpoint = net::Endpoint::parse(has_port ? std::string(rest) : fmt::format("{}:{}", rest, port));
  if (!endpoint) return std::unexpected(endpoint.error());
  if (endpoint->host.empty()) return wrong("names no host");
  peer.endpoint = std::move(*endpoint);
  return peer;
}

class Parent::RemoteFetch final : public Fetch, private http::ExchangeHandler {
 public:
  RemoteFetch(http::Client& client, http::Ask ask, FetchHandler& handler)
      : handler_(handler), exchange_(client.ask(std::move(ask), *this)) {}

  void pause() override { exchange_->pause(); }
  void resume() override { exchange_->resume(); }

 private:
  void on_head(const http::ResponseHead& head) override {
    FetchHead fetched;
    fetched.status = head.status;
    fetched.fields = head.headers;
    fetched.size = head.content_length;
    handler_.on_head(fetched);
  }
  void on_body(Bytes piece) override { handler_.on_body(std::move(piece)); }
  void on_end(http::ExchangeEnd why) override { handler_.on_end(fetch_end_of(why)); }

  FetchHandler& handler_;
  std::unique_ptr<http::Exchange> exchange_;
};

class Parent::RemoteSubscription final : public media::Subscription, private http::ExchangeHandler {
 public:
  RemoteSubscription(http::Client& client, http::Ask ask, media::PushSink& sink)
      : sink_(sink), exchange_(client.ask(std::move(ask), *this)) {}
  ~RemoteSubscription() override { *alive_ = false; }

 private:
  void on_head(const http::ResponseHead& head) override { status_ = head.status; }

  void on_body(Bytes piece) override {
    if (status_ != 200) return;
    std::vector<media::PushRecord> records;
    const Result<void> read = decoder_.feed(piece, records);
    const std::shared_ptr<bool> alive = alive_;
    for (media::PushRecord& record : records) {
      sink_.on_push(std::move(record));
      if (!*alive) return;
    }
    if (read) return;
    logging::warning("a parent's push is not understood; asking it for objects instead",
                     {{"why", read.error().message}});
    exchange_.reset();
    sink_.on_topic_end(media::TopicEnd::lost);
  }

  void on_end(http::ExchangeEnd why) override { sink_.on_topic_end(end_of(why)); }

  media::TopicEnd end_of(http::ExchangeEnd why) const {
    if (status_ == 200) return why == http::ExchangeEnd::complete ? media::TopicEnd::finished : media::TopicEnd::lost;
    if (status_ == 401 || status_ == 403) return media::TopicEnd::refused;
    if (status_ == 0 || status_ >= 500) return media::TopicEnd::unreachable;
    return media::TopicEnd::unknown;
  }

  media::PushSink& sink_;
  uint16_t status_ = 0;
  wire::push::Decoder decoder_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<http::Exchange> exchange_;
};

Parent::Parent(net::Loop& loop, const http::Peer& peer, const Credentials* credentials, Metrics& metrics)
    : credentials_(credentials),
      objects_(http::Client::make(loop, speaking(peer, http::Protocol::http1), limits_of(connections_max), metrics)),
      for_one_(
          http::Client::make(loop, speaking(peer, http::Protocol::http1), limits_of(connections_for_one_max), metrics)),
      topics_(http::Client::make(loop, speaking(peer, http::Protocol::http2), http::ClientLimits(), metrics)) {}

Parent::~Parent() = default;

std::unique_ptr<Fetch> Parent::fetch(FetchRequest request, FetchHandler& handler) {
  http::Ask ask;
  ask.method = http::method_of(request.method);
  if (ask.method == http::Method::other) ask.method_name = request.method;
  ask.target = std::move(request.target);
  ask.headers = std::move(request.fields);
  if (credentials_) {
    for (auto& field : credentials_->prove(request.method, ask.target)) ask.headers.push_back(std::move(field));
  }
  ask.body = std::move(request.body);
  http::Client& client = request.whom == FetchRequest::For::all ? *objects_ : *for_one_;
  return std::make_unique<RemoteFetch>(client, std::move(ask), handler);
}

std::unique_ptr<media::Subscription> Parent::subscribe(std::string_view topic, media::PushSink& sink) {
  http::Ask ask;
  ask.target = topic_path_of(topic);
  if (credentials_) ask.headers = credentials_->prove("GET", ask.target);
  // A paused broadcast says nothing for as long as it likes; that the parent lives is known by its signs of life.
  ask.stall_time_max = http::never;
  return std::make_unique<RemoteSubscription>(*topics_, std::move(ask), sink);
}

}  // namespace klieg::edge
