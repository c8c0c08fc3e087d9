#include "base/metrics.h"

#include <prometheus/text_serializer.h>

namespace klieg {

prometheus::Counter& Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add(labels);
}

prometheus::Gauge& Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry_).Add(labels);
}

prometheus::Histogram& Metrics::duration_histogram(const std::string& name, const std::string& help,
                                                   const Labels& labels) {
  static const prometheus::Histogram::BucketBoundaries seconds{.005, .01, .025, .05, .075, .1,  .25,
                                                               .5,   .75, 1,    2.5, 5,    7.5, 10};
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add(labels, seconds);
}

std::string Metrics::text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

}  // namespace klieg
