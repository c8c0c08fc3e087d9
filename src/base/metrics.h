// Counters for the operator: Prometheus text, OpenTelemetry names, no label per broadcast, key or address.
//
// A Metrics is made in main and handed down by reference; whoever counts asks for a counter once and keeps the
// reference, which stays valid as long as the Metrics. Counting is safe from any thread.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <string>

namespace klieg {

using Labels = std::map<std::string, std::string>;

class Metrics {
 public:
  prometheus::Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
  prometheus::Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  // Buckets of OpenTelemetry's http.server.request.duration, in seconds.
  prometheus::Histogram& duration_histogram(const std::string& name, const std::string& help,
                                            const Labels& labels = {});

  // The whole registry in the Prometheus text format.
  std::string text() const;

 private:
  prometheus::Registry registry_;
};

}  // namespace klieg
