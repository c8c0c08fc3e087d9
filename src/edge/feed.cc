#include "edge/feed.h"

#include <utility>

#include "wire/push_record.h"

namespace klieg::edge {

Feed::Feed(media::TopicSource& topics, std::string_view topic) : subscription_(topics.subscribe(topic, *this)) {}

Feed::~Feed() {
  if (log_->growing()) log_->end(LogEnd::aborted);
}

void Feed::on_push(media::PushRecord record) {
  pieces_.clear();
  wire::push::append(record, pieces_);
  log_->append_all(pieces_);
  if (log_->size() - log_->first() > behind_max) log_->forget_before(log_->size() - behind_max);
}

void Feed::on_topic_end(media::TopicEnd why) {
  log_->end(why == media::TopicEnd::finished ? LogEnd::complete : LogEnd::aborted);
}

Bytes opening_of(const std::vector<media::PushRecord>& records) {
  std::vector<Bytes> pieces{wire::push::preamble()};
  for (const media::PushRecord& record : records) wire::push::append(record, pieces);
  return Bytes::join(pieces);
}

}  // namespace klieg::edge
