#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "services/telemetry/distribution.h"
#include "services/telemetry/metrics.h"

namespace entrain {

// One value of a metric; `label` and `second_label` are the values of its labels, empty where it has none.
struct Sample {
  const Metric* metric;
  double value = 0;  // of a counter or gauge
  std::string label;
  std::string second_label;
  Distribution distribution;  // of a histogram
};

// Asks a room for its numbers at scrape time; nothing is counted twice and nothing runs between scrapes.
// Thread-safe if `read` is.
class SampleCollector final : public prometheus::Collectable {
 public:
  explicit SampleCollector(std::function<std::vector<Sample>()> read) : read_(std::move(read)) {}
  // One family for each metric, in the order of first appearance.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::function<std::vector<Sample>()> read_;
};

// The page of /metrics. Add everything before serving; then thread-safe.
class MetricsPage {
 public:
  // `process`: "learner", "rollout-worker", "verifier", "controller".
  explicit MetricsPage(const std::string& process);
  void Add(std::function<std::vector<Sample>()> read);
  void Add(std::shared_ptr<prometheus::Collectable> collectable) {
    collectables_.push_back(std::move(collectable));
  }
  // Prometheus text format 0.0.4.
  std::string Text() const;

 private:
  std::vector<std::shared_ptr<prometheus::Collectable>> collectables_;
};

}  // namespace entrain
