#include "services/telemetry/metrics_page.h"

#include <prometheus/text_serializer.h>

#include <algorithm>

namespace entrain {
namespace {

prometheus::MetricFamily FamilyOf(const Metric& metric) {
  prometheus::MetricFamily family;
  family.name = metric.name;
  family.help = metric.help;
  family.type =
      metric.kind == MetricKind::kCounter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  return family;
}

prometheus::ClientMetric ClientMetricOf(const Sample& sample) {
  prometheus::ClientMetric result;
  if (sample.metric->label != nullptr) result.label.push_back({sample.metric->label, sample.label});
  if (sample.metric->kind == MetricKind::kCounter) {
    result.counter.value = sample.value;
  } else {
    result.gauge.value = sample.value;
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
