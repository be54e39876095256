#include "services/cli/counterfactual_report.h"

#include <cmath>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/status_macros.h"
#include "services/cli/jsonl.h"

namespace entrain {
namespace {

using Json = nlohmann::ordered_json;

Json RegionsJson(const std::vector<double>& values) {
  return {{"e1", FiniteOrNull(values[1])},
          {"e2", FiniteOrNull(values[2])},
          {"e3", FiniteOrNull(values[3])},
          {"e4", FiniteOrNull(values[4])},
          {"none", FiniteOrNull(values[0])}};
}

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// NaN with fewer than two values.
double StandardError(const std::vector<double>& values) {
  const double mean = Mean(values), count = static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / (count - 1) / count);
}

// Mean probability of the clipped tokens of all steps: every step counts by its share of them.
double MeanQ(const std::vector<double>& share, const std::vector<double>& q) {
  double sum = 0, shares = 0;
  for (size_t i = 0; i < q.size(); ++i) {
    sum += share[i] * q[i];
    shares += share[i];
  }
  return shares > 0 ? sum / shares : std::nan("");
}

Json SettingJson(const std::vector<RepeatedStep>& steps, size_t setting) {
  std::vector<double> change, difference, high, low, high_q, low_q, regions(5, 0.0);
  for (const RepeatedStep& step : steps) {
    const SettingAtStep& at = step.settings[setting];
    change.push_back(at.entropy_change);
    difference.push_back(at.entropy_change - step.settings[0].entropy_change);
    for (size_t r = 0; r < regions.size(); ++r) {
      regions[r] += (at.by_region[r] - step.settings[0].by_region[r]) / static_cast<double>(steps.size());
    }
    high.push_back(at.clip_high);
    low.push_back(at.clip_low);
    high_q.push_back(at.high_mean_q);
    low_q.push_back(at.low_mean_q);
  }
  return {{"name", steps[0].settings[setting].name},
          {"entropy_change", FiniteOrNull(Mean(change))},
          {"entropy_change_standard_error", FiniteOrNull(StandardError(change))},
          {"difference", FiniteOrNull(Mean(difference))},
          {"standard_error", FiniteOrNull(StandardError(difference))},
          {"difference_by_region", RegionsJson(regions)},
          {"clip/high_frac", FiniteOrNull(Mean(high))},
          {"clip/low_frac", FiniteOrNull(Mean(low))},
          {"clip/high_mean_q", FiniteOrNull(MeanQ(high, high_q))},
          {"clip/low_mean_q", FiniteOrNull(MeanQ(low, low_q))}};
}

Json StepJson(const RepeatedStep& step) {
  Json settings = Json::array();
  for (const SettingAtStep& at : step.settings) {
    settings.push_back({{"name", at.name},
                        {"upper", at.thresholds["upper"]},
                        {"lower", at.thresholds["lower"]},
                        {"entropy_change", FiniteOrNull(at.entropy_change)},
                        {"entropy_change_by_region", RegionsJson(at.by_region)},
                        {"clip/high_frac", FiniteOrNull(at.clip_high)},
                        {"clip/low_frac", FiniteOrNull(at.clip_low)},
                        {"clip/high_mean_q", FiniteOrNull(at.high_mean_q)},
                        {"clip/low_mean_q", FiniteOrNull(at.low_mean_q)}});
  }
  return {{"step", step.step},
          {"entropy_before", FiniteOrNull(step.entropy_before)},
          {"region_share", RegionsJson(step.region_share)},
          {"recorded_digest", step.recorded_digest},
          {"digest", step.digest},
          {"equal", step.recorded_digest == step.digest},
          {"settings", std::move(settings)}};
}

// "-1.24 ± 0.30" of numbers in nats, in 1e-3 nats; a null is "-".
std::string Thousandths(const Json& value, const Json& error) {
  if (!value.is_number()) return "not finite";
  const std::string text = absl::StrFormat("%+.2f", 1e3 * value.get<double>());
  return absl::StrCat(text, " ± ",
                      error.is_number() ? absl::StrFormat("%.2f", 1e3 * error.get<double>()) : "-");
}

std::string Padded(const std::string& text, size_t width) {
  size_t shown = 0;
  for (const char c : text) shown += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return absl::StrCat(text, std::string(shown < width ? width - shown : 0, ' '));
}

std::string Number(const Json& value, double scale, const char* unit) {
  return value.is_number() ? absl::StrFormat("%8.3f%s", scale * value.get<double>(), unit)
                           : absl::StrFormat("%8s%s", "-", unit);
}

std::string Table(const Json& report) {
  const Json& settings = report.at("settings");
  const size_t steps = report.at("steps").size();
  std::string out = absl::StrFormat(
      "%d recorded step%s, each repeated from the same weights, optimiser state and batch.\n"
      "As applied, a step changes entropy by %s; the others minus that. In 1e-3 nats a step, mean ± standard "
      "error over the steps.\n%s %s %10s %10s %9s %9s\n",
      steps, steps == 1 ? "" : "s",
      Thousandths(settings.at(0).at("entropy_change"), settings.at(0).at("entropy_change_standard_error")),
      Padded("setting", 24), Padded("dH - applied", 18), "clip high", "clip low", "q high", "q low");
  for (size_t i = 0; i < settings.size(); ++i) {
    const Json& setting = settings.at(i);
    absl::StrAppend(
        &out, Padded(setting.at("name").get<std::string>(), 24), " ",
        Padded(i == 0 ? "" : Thousandths(setting.at("difference"), setting.at("standard_error")), 18), " ",
        Number(setting.at("clip/high_frac"), 100, " %"), " ", Number(setting.at("clip/low_frac"), 100, " %"),
        "  ", Number(setting.at("clip/high_mean_q"), 1, ""), "  ",
        Number(setting.at("clip/low_mean_q"), 1, ""), "\n");
  }
  return out + "clip: share of tokens, over all updates; q: mean probability of the clipped tokens.\n";
}

}  // namespace

Json CounterfactualJson(const std::string& run_id, const std::vector<RepeatedStep>& steps) {
  Json numbers = Json::array(), settings = Json::array(), every = Json::array();
  for (const RepeatedStep& step : steps) {
    numbers.push_back(step.step);
    every.push_back(StepJson(step));
  }
  for (size_t i = 0; i < steps[0].settings.size(); ++i) settings.push_back(SettingJson(steps, i));
  return {{"run_id", run_id},
          {"steps", std::move(numbers)},
          {"settings", std::move(settings)},
          {"by_step", std::move(every)}};
}

absl::StatusOr<std::string> CounterfactualTable(const Json& report) {
  try {
    return Table(report);
  } catch (const Json::exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

std::string CounterfactualFile(const std::string& run) { return run + "/counterfactual.json"; }

absl::StatusOr<std::string> ReadCounterfactualTable(const std::string& run) {
  const std::string path = CounterfactualFile(run);
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": there is none"));
  std::ostringstream text;
  text << file.rdbuf();
  const Json report = Json::parse(text.str(), nullptr, /*allow_exceptions=*/false);
  absl::StatusOr<std::string> table = CounterfactualTable(report);
  if (!table.ok())
    return absl::DataLossError(absl::StrCat(path, ": damaged (", table.status().message(),
                                            "): run entrain counterfactual ", run, " again"));
  return table;
}

}  // namespace entrain
