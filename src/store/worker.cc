#include "store/worker.h"

namespace klieg::store {

Worker::Worker(std::unique_ptr<Database> database)
    : database_(std::move(database)), tending_(thread_.loop(), [this] { tend(); }) {
  thread_.loop().post([this] { tend(); });
}

Worker::~Worker() { thread_.stop(); }

void Worker::tend() {
  KLIEG_ASSERT(!database_->in_transaction(), "who began a transaction has ended it");
  if (const auto again = database_->tend(thread_.loop().now())) tending_.arm(*again);
}

}  // namespace klieg::store
