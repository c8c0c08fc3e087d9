// A parent over the network: asked for objects by HTTP/1.1, subscribed to by HTTP/2.
//
// Three clients, because three jobs: a fetch may be held for seconds and wants a connection to itself, so that no slow
// one keeps another's bytes back; of fetches, those for one viewer alone are as many as viewers like, and wait among
// themselves; a subscription is one endless response among others of its kind, and wants the flow control and the signs
// of life of HTTP/2. Over TLS HTTP/2 is agreed by ALPN, in clear text it is known to be spoken: parents that offer
// topics are of our kind.
//
// Owner: cli/. Thread: one loop.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/metrics.h"
#include "base/result.h"
#include "edge/upstream.h"
#include "http/client.h"
#include "media/push.h"
#include "net/loop.h"

namespace klieg::edge {

// "http://HOST[:PORT]" or "https://HOST[:PORT]", without a path. The error says what is wrong with the text.
Result<http::Peer> parse_parent_url(std::string_view text);

// How this node proves itself to its parents: fields to add to a request.
class Credentials {
 public:
  virtual ~Credentials() = default;
  virtual Fields prove(std::string_view method, std::string_view target) const = 0;
};

class Parent final : public Upstream, public media::TopicSource {
 public:
  // `credentials`: null where nodes do not prove themselves.
  Parent(net::Loop& loop, const http::Peer& peer, const Credentials* credentials, Metrics& metrics);
  ~Parent() override;

  std::unique_ptr<Fetch> fetch(FetchRequest request, FetchHandler& handler) override;
  std::unique_ptr<media::Subscription> subscribe(std::string_view topic, media::PushSink& sink) override;

 private:
  class RemoteFetch;
  class RemoteSubscription;

  const Credentials* credentials_;
  std::unique_ptr<http::Client> objects_;  // for all who want one
  std::unique_ptr<http::Client> for_one_;
  std::unique_ptr<http::Client> topics_;
};

}  // namespace klieg::edge
