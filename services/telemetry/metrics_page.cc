#include "services/telemetry/metrics_page.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>

namespace entrain {
namespace {

prometheus::MetricType TypeOf(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return prometheus::MetricType::Counter;
    case MetricKind::kGauge:
      return prometheus::MetricType::Gauge;
    case MetricKind::kHistogram:
      return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

prometheus::MetricFamily FamilyOf(const Metric& metric) {
  prometheus::MetricFamily family;
  family.name = metric.name;
  family.help = metric.help;
  family.type = TypeOf(metric.kind);
  return family;
}

// Buckets of Prometheus are cumulative, and the last one is unbounded.
prometheus::ClientMetric::Histogram HistogramOf(const Distribution& distribution) {
  prometheus::ClientMetric::Histogram result;
  result.sample_sum = distribution.sum();
  for (size_t i = 0; i < distribution.buckets().size(); ++i) {
    result.sample_count += static_cast<uint64_t>(distribution.buckets()[i]);
    const bool last = i == distribution.bounds().size();
    result.bucket.push_back(
        {result.sample_count, last ? std::numeric_limits<double>::infinity() : distribution.bounds()[i]});
  }
  return result;
}

prometheus::ClientMetric ClientMetricOf(const Sample& sample) {
  prometheus::ClientMetric result;
  if (sample.metric->label != nullptr) result.label.push_back({sample.metric->label, sample.label});
  if (sample.metric->second_label != nullptr)
    result.label.push_back({sample.metric->second_label, sample.second_label});
  switch (sample.metric->kind) {
    case MetricKind::kCounter:
      result.counter.value = sample.value;
      break;
    case MetricKind::kGauge:
      result.gauge.value = sample.value;
      break;
    case MetricKind::kHistogram:
      result.histogram = HistogramOf(sample.distribution);
      break;
  }
  return result;
}

}  // namespace

std::vector<prometheus::MetricFamily> SampleCollector::Collect() const {
  std::vector<prometheus::MetricFamily> families;
  for (const Sample& sample : read_()) {
    auto family = std::find_if(families.begin(), families.end(),
                               [&](const auto& f) { return f.name == sample.metric->name; });
    if (family == families.end()) family = families.insert(families.end(), FamilyOf(*sample.metric));
    family->metric.push_back(ClientMetricOf(sample));
  }
  return families;
}

MetricsPage::MetricsPage(const std::string& process) {
  Add([process] { return std::vector<Sample>{{&metrics::kBuildInfo, 1, process}}; });
}

void MetricsPage::Add(std::function<std::vector<Sample>()> read) {
  Add(std::make_shared<SampleCollector>(std::move(read)));
}

std::string MetricsPage::Text() const {
  std::vector<prometheus::MetricFamily> all;
  for (const auto& collectable : collectables_) {
    for (prometheus::MetricFamily& family : collectable->Collect()) all.push_back(std::move(family));
  }
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace entrain
