#include "bus/in_process.h"

#include <mutex>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "bus/subject.h"
#include "bus/waiting.h"

namespace klieg::bus {
namespace {

constexpr size_t handled_per_turn = 100;  // so that others on the loop are heard meanwhile

}  // namespace

struct InProcess::Inbox {
  net::Loop& loop;
  const std::string pattern;
  std::move_only_function<void(const Message&)> handler;  // on the loop alone
  Waiting waiting;
  bool open = true;
  bool posted = false;  // a turn that empties it is to come
};

struct InProcess::Inboxes {
  std::mutex mutex;  // of everything but the handlers
  std::vector<std::shared_ptr<Inbox>> all;

  // With the mutex held, so that a loop which is about to go has either closed its inbox or is posted to in time.
  static void post_turn(const std::shared_ptr<Inboxes>& inboxes, const std::shared_ptr<Inbox>& inbox) {
    inbox->posted = true;
    inbox->loop.post([inboxes, inbox] { take_turn(inboxes, inbox); });
  }

  static void put(const std::shared_ptr<Inboxes>& inboxes, const std::shared_ptr<Inbox>& inbox, Message message) {
    inbox->waiting.put(std::move(message));
    if (!inbox->posted) post_turn(inboxes, inbox);
  }

  static void take_turn(const std::shared_ptr<Inboxes>& inboxes, const std::shared_ptr<Inbox>& inbox) {
    for (size_t handled = 0;; ++handled) {
      std::unique_lock lock(inboxes->mutex);
      inbox->posted = false;
      if (!inbox->open || inbox->waiting.empty()) return;
      if (handled == handled_per_turn) return post_turn(inboxes, inbox);
      inbox->posted = true;
      const Message message = inbox->waiting.take();
      lock.unlock();
      inbox->handler(message);
    }
  }
};

class InProcess::InboxSubscription final : public Subscription {
 public:
  InboxSubscription(std::shared_ptr<Inboxes> inboxes, std::shared_ptr<Inbox> inbox)
      : inboxes_(std::move(inboxes)), inbox_(std::move(inbox)) {}
  ~InboxSubscription() override {
    const std::lock_guard lock(inboxes_->mutex);
    inbox_->open = false;
    std::erase(inboxes_->all, inbox_);
  }
  uint64_t lost() const override {
    const std::lock_guard lock(inboxes_->mutex);
    return inbox_->waiting.lost();
  }

 private:
  std::shared_ptr<Inboxes> inboxes_;
  std::shared_ptr<Inbox> inbox_;
};

InProcess::InProcess() : inboxes_(std::make_shared<Inboxes>()) {}
InProcess::~InProcess() { KLIEG_ASSERT(inboxes_->all.empty(), "the bus outlives its subscriptions"); }

void InProcess::publish(std::string_view subject, Bytes payload) {
  KLIEG_ASSERT(is_subject(subject), "subjects are made of words");
  KLIEG_ASSERT(payload.size() <= payload_size_max, "a message is small");
  const std::lock_guard lock(inboxes_->mutex);
  for (const auto& inbox : inboxes_->all) {
    if (matches(inbox->pattern, subject)) Inboxes::put(inboxes_, inbox, {std::string(subject), payload});
  }
}

void InProcess::deliver(std::string_view pattern, const Message& message) {
  const std::lock_guard lock(inboxes_->mutex);
  for (const auto& inbox : inboxes_->all) {
    if (inbox->pattern == pattern) Inboxes::put(inboxes_, inbox, message);
  }
}

std::unique_ptr<Subscription> InProcess::subscribe(net::Loop& loop, std::string_view pattern, Loss loss,
                                                   std::move_only_function<void(const Message&)> handler) {
  KLIEG_ASSERT(is_pattern(pattern), "patterns are made of words");
  auto inbox = std::make_shared<Inbox>(loop, std::string(pattern), std::move(handler), Waiting(loss));
  const std::lock_guard lock(inboxes_->mutex);
  inboxes_->all.push_back(inbox);
  return std::make_unique<InboxSubscription>(inboxes_, std::move(inbox));
}

}  // namespace klieg::bus
