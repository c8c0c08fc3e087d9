// What viewers of one protocol look at: a channel with its rendering, shared by all who look at the same.
//
// Rendering: a Reading made from what to call when it changed. Viewer: has on_show_changed(), and is held by
// shared_ptr.
//
// Owner: the viewers, by shared_ptr. Thread: one loop.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "push/channels.h"

namespace klieg::push {

template <class Rendering, class Viewer>
class Show : public std::enable_shared_from_this<Show<Rendering, Viewer>> {
 public:
  explicit Show(net::Loop& loop) : reading([this] { changed(); }), loop_(loop) {}
  ~Show() { channel_->leave(reading); }
  Show(const Show&) = delete;
  Show& operator=(const Show&) = delete;

  void join(std::shared_ptr<Channel> channel) {
    channel_ = std::move(channel);
    channel_->join(reading);
  }
  const Channel& channel() const { return *channel_; }

  Rendering reading;
  std::unordered_set<Viewer*> viewers;

 private:
  // In a later turn: viewers come and go by it, and the channel is on the stack.
  void changed() {
    loop_.post([weak = this->weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      std::vector<std::shared_ptr<Viewer>> viewers;  // one may go by what another does
      for (Viewer* viewer : self->viewers) viewers.push_back(viewer->shared_from_this());
      for (const auto& viewer : viewers) viewer->on_show_changed();
    });
  }

  net::Loop& loop_;
  std::shared_ptr<Channel> channel_;
};

template <class Rendering, class Viewer>
class Shows {
 public:
  Shows(net::Loop& loop, Channels& channels) : loop_(loop), channels_(channels) {}

  // The one that is looked at already, or a new one: also where the one before is over.
  std::shared_ptr<Show<Rendering, Viewer>> open(const std::string& channel, const std::string& rendition) {
    std::erase_if(shows_, [](const auto& entry) { return entry.second.expired(); });
    auto shown = channels_.open(channel, rendition);
    std::weak_ptr<Show<Rendering, Viewer>>& known = shows_[shown.get()];
    auto show = known.lock();
    if (!show) {
      known = show = std::make_shared<Show<Rendering, Viewer>>(loop_);
      show->join(std::move(shown));
    }
    return show;
  }

 private:
  net::Loop& loop_;
  Channels& channels_;
  std::map<const Channel*, std::weak_ptr<Show<Rendering, Viewer>>> shows_;  // each holds its channel
};

}  // namespace klieg::push
