#include "studio/client_courier.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/whole_number.h"

namespace klieg::studio {
namespace {

Address address_of(const addrinfo& found) {
  Address address{};
  if (found.ai_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(found.ai_addr);
    std::memcpy(address.data(), &v6->sin6_addr, address.size());
  } else {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(found.ai_addr);
    address[10] = address[11] = 0xff;
    std::memcpy(address.data() + 12, &v4->sin_addr, 4);
  }
  return address;
}

// Where one does not answer, the next may: of both families, where a name has both.
constexpr size_t addresses_max = 4;

using Addresses = std::vector<std::string>;

// Those of its addresses that are within reach, as text.
Addresses resolved(const std::string& host, Reach reach) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* all = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &wanted, &all) != 0) return {};
  Addresses addresses;
  for (const addrinfo* one = all; one && addresses.size() < addresses_max; one = one->ai_next) {
    if (one->ai_family != AF_INET && one->ai_family != AF_INET6) continue;
    if (reach == Reach::public_internet && !is_public(address_of(*one))) continue;
    char numeric[INET6_ADDRSTRLEN] = "";
    if (getnameinfo(one->ai_addr, one->ai_addrlen, numeric, sizeof numeric, nullptr, 0, NI_NUMERICHOST) == 0) {
      addresses.emplace_back(numeric);
    }
  }
  freeaddrinfo(all);
  return addresses;
}

// Seconds; a date (RFC 9110 section 10.2.3) is left to our own rests.
Duration retry_after_of(const http::ResponseHead& head) {
  constexpr int64_t day_s = 86'400;
  const auto said = whole_number<int64_t>(head.header("retry-after").value_or(""));
  return said && *said > 0 ? std::chrono::seconds(std::min(*said, day_s)) : Duration(0);
}

}  // namespace

class Courier::Errand final : private http::ExchangeHandler {
 public:
  Errand(Courier& courier, uint64_t number, Parcel parcel, std::move_only_function<void(Receipt)> done)
      : number_(number),
        parcel_(std::move(parcel)),
        done_(std::move(done)),
        courier_(courier),
        late_(courier.loop_, [this] { courier_.finish(*this, {}); }) {
    late_.arm(courier.loop_.now() + within);
  }

  uint64_t number() const { return number_; }
  const Receiver& to() const { return parcel_.to; }
  void done(Receipt receipt) { done_(receipt); }

  void go(Addresses addresses) {
    addresses_ = std::move(addresses);
    try_next();
  }

 private:
  void on_head(const http::ResponseHead& head) override {
    courier_.finish(*this, {.status = head.status, .retry_after = retry_after_of(head)});
  }
  void on_body(Bytes) override {}
  void on_end(http::ExchangeEnd why) override {
    why == http::ExchangeEnd::unreachable ? try_next() : courier_.finish(*this, {});
  }

  void try_next() {
    if (next_ == addresses_.size()) return courier_.finish(*this, {});
    http::Peer peer{.endpoint = {addresses_[next_++], parcel_.to.port}, .authority = parcel_.to.authority};
    if (parcel_.to.encrypted) peer.tls = net::TlsClient::verify_peer;
    http::ClientLimits limits;
    limits.connections_max = 1;
    http::Ask ask{.method = http::Method::post,
                  .method_name = "",
                  .target = parcel_.to.target,
                  .headers = parcel_.fields,
                  .body = parcel_.body,
                  .head_time_max = within,
                  .stall_time_max = within};
    exchange_ = nullptr;
    client_ = http::Client::make(courier_.loop_, peer, limits, courier_.metrics_);
    exchange_ = client_->ask(std::move(ask), *this);
  }

  const uint64_t number_;
  const Parcel parcel_;
  std::move_only_function<void(Receipt)> done_;
  Courier& courier_;
  net::Timer late_;
  Addresses addresses_;
  size_t next_ = 0;
  std::unique_ptr<http::Client> client_;
  std::unique_ptr<http::Exchange> exchange_;
};

Courier::Courier(net::Loop& loop, Metrics& metrics, Reach reach)
    : loop_(loop), metrics_(metrics), reach_(reach), asker_(loop, names_) {}

Courier::~Courier() = default;

void Courier::send(Parcel parcel, std::move_only_function<void(Receipt)> done) {
  const uint64_t number = ++last_number_;
  errands_.push_back(std::make_unique<Errand>(*this, number, std::move(parcel), std::move(done)));
  asker_.ask<Addresses>([host = errands_.back()->to().host, reach = reach_] { return resolved(host, reach); },
                        [this, number](Addresses addresses) {
                          const auto found =
                              std::ranges::find(errands_, number, [](const auto& errand) { return errand->number(); });
                          if (found != errands_.end())
                            (*found)->go(std::move(addresses));  // else it is too late by now
                        },
                        {});
}

void Courier::finish(Errand& errand, Receipt receipt) {
  const auto found = std::ranges::find(errands_, &errand, &std::unique_ptr<Errand>::get);
  const std::unique_ptr<Errand> ended = std::move(*found);
  errands_.erase(found);
  ended->done(receipt);
}

}  // namespace klieg::studio
