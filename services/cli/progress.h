#pragma once

#include <string>
#include <vector>

#include "services/cli/run_files.h"

namespace entrain {

// A row of block characters, low to high; `width` columns, each the mean of what falls into it.
std::string Sparkline(const std::vector<double>& values, size_t width);

// The values of one metric over the steps; steps without it are left out.
std::vector<double> Series(const std::vector<MetricsLine>& lines, const std::string& name);

// What happened between the start (mean of the first 5 steps) and the end (mean of the last 10).
struct RunSummary {
  int64_t steps = 0;
  double reward_start = 0, reward_end = 0, entropy_start = 0, entropy_end = 0;
};
RunSummary Summarize(const std::vector<MetricsLine>& lines);

// One line for people: step, reward, entropy, clip shares, thresholds, speed.
std::string ProgressLine(const MetricsLine& line, int64_t total_steps);
// Several lines: the newest step with plots of reward and entropy so far.
std::vector<std::string> ProgressBlock(const std::vector<MetricsLine>& lines, int64_t total_steps,
                                       int64_t restarts);
// The end of a run, with both curves.
std::string SummaryText(const std::vector<MetricsLine>& lines, const std::string& run);

// Curves of several runs as one SVG: reward above, entropy below, against the step.
struct NamedCurves {
  std::string name;
  std::vector<double> reward, entropy;
};
std::string CurvesSvg(const std::string& title, const std::vector<NamedCurves>& runs);

}  // namespace entrain
