#include "store/worker.h"

namespace klieg::store {

Worker::Worker(std::unique_ptr<Database> database, Begin begin)
    : database_(std::move(database)), begin_(std::move(begin)), tending_(thread_.loop(), [this] { tend(); }) {
  thread_.loop().post([this] { tend(); });
}

Worker::~Worker() { thread_.stop(); }

void Worker::tend() {
  KLIEG_ASSERT(!database_->in_transaction(), "who began a transaction has ended it");
  const auto again = database_->tend(thread_.loop().now());
  if (begin_) {
    if (auto begun = begin_(*database_)) {
      begin_ = {};
    } else {
      not_begun_ = std::move(begun.error());
    }
  }
  if (again) tending_.arm(*again);
}

}  // namespace klieg::store
