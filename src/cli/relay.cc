#include "cli/relay.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/logging.h"
#include "broadcaster/client_session.h"
#include "wire/form.h"

namespace klieg::cli {
namespace {

using ingest::Refusal;
using ingest::RefusalReason;

constexpr Duration connect_within = 3s;
constexpr Duration answer_within = 9s;  // the home may have to wait for a lease, and the encoder waits for 10 s
constexpr Duration goodbye_within = 2s;
// What waits in the kernel and is not on its way: soon more than that waits here, where it is noticed.
constexpr uint32_t kernel_unsent_max = 64 << 10;
constexpr std::string_view method = "PUBLISH";

std::string encoded(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
    plain ? safe += c : safe += fmt::format("%{:02X}", static_cast<uint8_t>(c));
  }
  return safe;
}

std::string_view name_of(Hop hop) { return hop == Hop::on ? "on" : "last"; }

// What the proof is for. The key as well: who overhears a proof tries no other with it.
std::string target_of(std::string_view key, std::string_view peer, std::string_view hop) {
  return fmt::format("{}\n{}\n{}", key, peer, hop);
}

// The home's words are for the person at the encoder, whom its code tells what to show beside them.
RefusalReason reason_of(const broadcaster::ClientEnded& ended) {
  if (ended.code == status_code_of(RefusalReason::wrong_key)) return RefusalReason::wrong_key;
  if (ended.code == status_code_of(RefusalReason::already_live)) return RefusalReason::already_live;
  return RefusalReason::refused_at_home;
}

wire::rtmp::MessageType type_of(ingest::MediaMessage::Kind kind) {
  using Kind = ingest::MediaMessage::Kind;
  using wire::rtmp::MessageType;
  return kind == Kind::video ? MessageType::video : kind == Kind::audio ? MessageType::audio : MessageType::amf0_data;
}

}  // namespace

std::string relay_name_of(std::string_view key, const PassedOn& passed_on, const edge::NodeSecret& secret,
                          std::string_view node, WallTime now) {
  const std::string_view hop = name_of(passed_on.hop);
  const std::string proof = secret.token(node, method, target_of(key, passed_on.peer, hop), now);
  return fmt::format("relay?key={}&peer={}&hop={}&proof={}", encoded(key), encoded(passed_on.peer), hop,
                     encoded(proof));
}

std::optional<Result<PassedOn>> passed_on_of(std::string_view key, std::string_view parameters,
                                             const edge::NodeSecret& secret, WallTime now) {
  std::string peer, hop, proof;
  wire::each_parameter(parameters, [&](std::string_view parameter) {
    const std::string_view name = wire::parameter_name(parameter);
    std::string* const value = name == "peer" ? &peer : name == "hop" ? &hop : name == "proof" ? &proof : nullptr;
    if (value) *value = wire::form_decoded(wire::parameter_value(parameter));
  });
  if (proof.empty()) return std::nullopt;
  switch (secret.judge(proof, method, target_of(key, peer, hop), now).trust) {
    case edge::NodeTrust::trusted:
      return PassedOn{std::move(peer), hop == name_of(Hop::on) ? Hop::on : Hop::last};
    case edge::NodeTrust::stale:
      return fail("the clocks of two nodes differ by more than a minute: set both by NTP");
    default:
      return fail("a node is not believed: give both the same --node-secret");
  }
}

// Lives until its connection is closed, which may be a moment after its publisher has gone.
class Relays::Relay final : private net::ConnectionHandler {
 public:
  Relay(Relays& relays, uint64_t number, ingest::PublishRequest request, RelayTo to, ingest::ClaimAnswer answer)
      : relays_(relays),
        number_(number),
        publisher_(std::move(request.publisher)),
        to_(std::move(to)),
        answer_(std::move(answer)),
        session_({.application = "live",
                  .tc_url = fmt::format("rtmp://{}/live", to_.rtmp.text()),
                  .stream_key = relay_name_of(request.key, {request.peer, to_.hop}, relays.secret_, relays.node_,
                                              relays.loop_.wall_now()),
                  .answer_within = answer_within},
                 relays.random_.next(), relays.loop_.now()),
        timer_(relays.loop_, [this] { wake(); }) {
    net::connect(relays_.loop_, to_.rtmp, net::TlsClient::none, connect_within,
                 [this, alive = std::weak_ptr(alive_)](auto connection) {
                   if (alive.expired()) return;
                   if (!connection) return lose(connection.error().message);
                   connection_ = std::move(*connection);
                   connection_->limit_unsent_in_kernel(kernel_unsent_max);
                   connection_->start(*this);
                   react();
                 });
  }

  // Of its publisher.
  void on_message(const ingest::MediaMessage& message, ingest::Delivery delivery) {
    if (over_) return;
    session_.send(type_of(message.kind), message.timestamp_ms, message.body);
    flush();
    if (connection_->unsent() == 0) return;
    deliveries_.push_back(std::move(delivery));
    if (deliveries_.size() > 1) return;
    mark();
    arm();
  }
  void on_gone() {
    publisher_ = nullptr;
    if (!over_) finish();
  }

 private:
  LoopTime now() const { return relays_.loop_.now(); }

  void on_bytes(ByteView bytes) override {
    session_.receive(bytes, now());
    react();
  }
  void on_drained() override { deliveries_.clear(); }
  void on_closed(net::Closed) override {
    connection_.reset();
    if (!over_) session_.end(broadcaster::ClientEnd::lost);
    react();
    forget();
  }

  void react() {
    while (auto event = session_.next_event()) {
      if (std::holds_alternative<broadcaster::WentOnAir>(*event)) go_on_air();
      // It stops. Our encoder comes back to us, and is taken wherever the next home is.
      if (std::holds_alternative<broadcaster::ReconnectAsked>(*event) && publisher_) {
        publisher_->reconnect_elsewhere("");
      }
      if (const auto* ended = std::get_if<broadcaster::ClientEnded>(&*event)) on_ended(*ended);
    }
    flush();
    arm();
  }

  void go_on_air();

  void on_ended(const broadcaster::ClientEnded& ended) {
    if (over_) return;
    using broadcaster::ClientEnd;
    if (ended.why == ClientEnd::refused) return end({reason_of(ended), ended.words, to_.channel});
    lose(ended.why == ClientEnd::lost ? "the connection was lost" : ended.words);
  }

  void lose(const std::string& why) {
    if (over_) return;
    logging::warning("the way to a broadcast's home is lost",
                     {{"channel", to_.channel}, {"node", to_.node}, {"to", to_.rtmp.text()}, {"why", why}});
    end({RefusalReason::home_not_reached, "the server that carries this broadcast cannot be reached; connect again",
         to_.channel});
  }

  // The publisher hears why, and nothing more is passed on.
  void end(Refusal refusal) {
    finish();
    if (answer_) {
      std::exchange(answer_, nullptr)(std::unexpected(std::move(refusal)));
    } else if (publisher_) {
      publisher_->refuse(std::move(refusal));
    }
  }

  void finish() {
    over_ = true;
    deliveries_.clear();
    if (!connection_) return forget();
    session_.finish();
    flush();
    connection_->close();
    timer_.arm(now() + goodbye_within);
  }

  void wake() {
    if (over_) return connection_ ? connection_->abort() : forget();
    if (!deliveries_.empty() && now() >= stuck_at_) {
      if (taken() == taken_then_) return lose("it takes nothing any more");
      mark();
    }
    session_.wake(now());
    react();
  }

  void arm() {
    if (over_) return;
    if (const auto at = session_.wake_at()) return timer_.arm(*at);
    if (deliveries_.empty()) return timer_.cancel();
    timer_.arm(stuck_at_);
  }

  uint64_t taken() const { return written_ - connection_->unsent(); }
  void mark() {
    taken_then_ = taken();
    stuck_at_ = now() + taken_within;
  }

  void flush() {
    if (!connection_) return;
    const std::vector<Bytes> output = session_.take_output();
    for (const Bytes& piece : output) written_ += piece.size();
    if (!output.empty()) connection_->write(output);
  }

  // In a later turn: whoever calls stands in one of ours.
  void forget() {
    over_ = true;
    relays_.loop_.post([&relays = relays_, number = number_, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) relays.relays_.erase(number);
    });
  }

  Relays& relays_;
  const uint64_t number_;
  std::shared_ptr<ingest::Publisher> publisher_;  // null: gone
  const RelayTo to_;
  ingest::ClaimAnswer answer_;  // null: given
  broadcaster::ClientSession session_;
  net::Timer timer_;
  std::unique_ptr<net::Connection> connection_;
  std::vector<ingest::Delivery> deliveries_;  // of what is not with the kernel yet
  uint64_t written_ = 0, taken_then_ = 0;
  LoopTime stuck_at_;  // when more than was taken then has to be
  bool over_ = false;  // nothing is passed on any more
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// What the publisher's connection has of a relay, which may be gone before it.
class Relays::ToRelay final : public ingest::Publication {
 public:
  ToRelay(Relays& relays, uint64_t number) : relays_(relays), number_(number) {}

  void on_message(ingest::MediaMessage message, ingest::Delivery delivery) override {
    if (Relay* relay = find()) relay->on_message(message, std::move(delivery));
  }
  void on_gone(ingest::Departure) override {
    if (Relay* relay = find()) relay->on_gone();
  }

 private:
  Relay* find() {
    const auto found = relays_.relays_.find(number_);
    return found == relays_.relays_.end() ? nullptr : found->second.get();
  }

  Relays& relays_;
  const uint64_t number_;
};

void Relays::Relay::go_on_air() {
  if (over_) return;
  logging::info("publisher passed on", {{"channel", to_.channel}, {"node", to_.node}, {"to", to_.rtmp.text()}});
  std::exchange(answer_, nullptr)(ingest::Accepted{to_.channel, std::make_unique<ToRelay>(relays_, number_)});
}

Relays::Relays(net::Loop& loop, const edge::NodeSecret& secret, std::string node, uint64_t seed)
    : loop_(loop), secret_(secret), node_(std::move(node)), random_(seed) {}

Relays::~Relays() = default;

void Relays::begin(ingest::PublishRequest request, RelayTo to, ingest::ClaimAnswer answer) {
  const uint64_t number = ++last_;
  relays_.emplace(number, std::make_unique<Relay>(*this, number, std::move(request), std::move(to), std::move(answer)));
}

}  // namespace klieg::cli
