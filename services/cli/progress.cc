#include "services/cli/progress.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace entrain {
namespace {

double Get(const MetricsLine& line, const std::string& name) {
  const auto found = line.find(name);
  return found == line.end() ? 0.0 : found->second;
}

double MeanOf(const std::vector<double>& values, size_t begin, size_t end) {
  double sum = 0;
  for (size_t i = begin; i < end; ++i) sum += values[i];
  return end > begin ? sum / static_cast<double>(end - begin) : 0.0;
}

std::string Thresholds(const MetricsLine& line) {
  const auto side = [&](const std::string& name) -> std::string {
    if (!line.contains("clip/" + name + "_intercept")) return "off";
    const double slope = Get(line, "clip/" + name + "_slope");
    const std::string intercept = absl::StrFormat("%.3f", Get(line, "clip/" + name + "_intercept"));
    return slope == 0 ? intercept : absl::StrCat(intercept, absl::StrFormat("%+.3fp", slope));
  };
  return absl::StrCat("up ", side("upper"), " low ", side("lower"));
}

// A running mean, so that single steps do not hide the course.
std::vector<double> Smooth(const std::vector<double>& values, size_t window) {
  std::vector<double> out;
  for (size_t i = 0; i < values.size(); ++i)
    out.push_back(MeanOf(values, i + 1 > window ? i + 1 - window : 0, i + 1));
  return out;
}

}  // namespace

std::string Sparkline(const std::vector<double>& values, size_t width) {
  static constexpr std::array<const char*, 8> kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (values.empty()) return "";
  width = std::min(width, values.size());
  std::vector<double> columns;
  for (size_t i = 0; i < width; ++i)
    columns.push_back(MeanOf(values, values.size() * i / width, values.size() * (i + 1) / width));
  const auto [low, high] = std::ranges::minmax(columns);
  std::string out;
  for (const double value : columns) {
    const double share = high > low ? (value - low) / (high - low) : 0.5;
    out += kBlocks[std::min<size_t>(7, static_cast<size_t>(share * 8))];
  }
  return out;
}

std::vector<double> Series(const std::vector<MetricsLine>& lines, const std::string& name) {
  std::vector<double> out;
  for (const MetricsLine& line : lines) {
    if (const auto found = line.find(name); found != line.end()) out.push_back(found->second);
  }
  return out;
}

RunSummary Summarize(const std::vector<MetricsLine>& lines) {
  const std::vector<double> reward = Series(lines, "reward/mean"), entropy = Series(lines, "entropy/mean");
  const auto start = [](const std::vector<double>& values) {
    return MeanOf(values, 0, std::min<size_t>(5, values.size()));
  };
  const auto end = [](const std::vector<double>& values) {
    return MeanOf(values, values.size() - std::min<size_t>(10, values.size()), values.size());
  };
  return {.steps = static_cast<int64_t>(lines.size()),
          .reward_start = start(reward),
          .reward_end = end(reward),
          .entropy_start = start(entropy),
          .entropy_end = end(entropy)};
}

std::string ProgressLine(const MetricsLine& line, int64_t total_steps) {
  const double seconds = Get(line, "time/step_seconds");
  return absl::StrFormat(
      "step %d/%d  reward %.3f  entropy %.3f  clip high %.2f%% low %.2f%%  %s  revision %d%s  %.0f tokens/s",
      static_cast<int64_t>(Get(line, "step")) + 1, total_steps, Get(line, "reward/mean"),
      Get(line, "entropy/mean"), 100 * Get(line, "clip/high_frac"), 100 * Get(line, "clip/low_frac"),
      Thresholds(line), static_cast<int64_t>(Get(line, "directive/revision")),
      Get(line, "directive/held") != 0 ? " HELD" : "",
      seconds > 0 ? Get(line, "tokens/generated") / seconds : 0.0);
}

std::vector<std::string> ProgressBlock(const std::vector<MetricsLine>& lines, int64_t total_steps,
                                       int64_t restarts) {
  if (lines.empty()) return {"waiting for the first step"};
  double seconds = 0;
  const size_t recent = std::min<size_t>(lines.size(), 20);
  for (size_t i = lines.size() - recent; i < lines.size(); ++i) seconds += Get(lines[i], "time/step_seconds");
  const double left = (static_cast<double>(total_steps) - Get(lines.back(), "step") - 1) * seconds /
                      static_cast<double>(recent);
  const size_t width = 60;
  return {ProgressLine(lines.back(), total_steps),
          absl::StrFormat("  reward   %s", Sparkline(Series(lines, "reward/mean"), width)),
          absl::StrFormat("  entropy  %s", Sparkline(Series(lines, "entropy/mean"), width)),
          absl::StrFormat("  %.0f s left%s", left,
                          restarts > 0 ? absl::StrCat(", ", restarts, " restarts") : "")};
}

std::string SummaryText(const std::vector<MetricsLine>& lines, const std::string& run) {
  const RunSummary summary = Summarize(lines);
  return absl::StrFormat(
      "%d steps. Reward %.3f → %.3f (%+.1f points), entropy %.3f → %.3f nats (mean of the first 5 and the "
      "last 10 steps).\n"
      "  reward   %s\n  entropy  %s\n"
      "Metrics of every step: %s/attempt-*/metrics.jsonl. The trained policy, as a Hugging Face folder: "
      "%s/export\n",
      summary.steps, summary.reward_start, summary.reward_end,
      100 * (summary.reward_end - summary.reward_start), summary.entropy_start, summary.entropy_end,
      Sparkline(Series(lines, "reward/mean"), 60), Sparkline(Series(lines, "entropy/mean"), 60), run, run);
}

std::string CurvesSvg(const std::string& title, const std::vector<NamedCurves>& runs) {
  static constexpr std::array<const char*, 6> kColours = {"#1f6feb", "#d1242f", "#1a7f37",
                                                          "#9a6700", "#8250df", "#57606a"};
  constexpr double kWidth = 760, kLeft = 60, kRight = 20, kPanel = 190, kGap = 50, kTop = 60;
  std::string svg = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n<text x=\"%g\" y=\"22\" "
      "font-size=\"15\">%s</text>\n",
      kWidth, kTop + 2 * kPanel + kGap + 40, kLeft, title);
  const double legend =
      std::min(190.0, (kWidth - kLeft - kRight) / static_cast<double>(std::max<size_t>(runs.size(), 1)));
  for (size_t r = 0; r < runs.size(); ++r) {
    const double x = kLeft + legend * static_cast<double>(r);
    absl::StrAppendFormat(
        &svg,
        "<rect x=\"%g\" y=\"34\" width=\"14\" height=\"4\" fill=\"%s\"/><text x=\"%g\" y=\"40\">%s</text>\n",
        x, kColours[r % kColours.size()], x + 20, runs[r].name);
  }
  const auto panel = [&](double top, const std::string& label, auto values_of, double floor) {
    double high = floor;
    size_t steps = 2;
    for (const NamedCurves& run : runs) {
      for (const double value : values_of(run)) high = std::max(high, value);
      steps = std::max(steps, values_of(run).size());
    }
    for (int tick = 0; tick <= 4; ++tick) {
      const double y = top + kPanel - kPanel * tick / 4;
      absl::StrAppendFormat(&svg,
                            "<line x1=\"%g\" x2=\"%g\" y1=\"%g\" y2=\"%g\" stroke=\"#d0d7de\"/><text "
                            "x=\"%g\" y=\"%g\" text-anchor=\"end\">%.2f</text>\n",
                            kLeft, kWidth - kRight, y, y, kLeft - 6, y + 4, high * tick / 4);
    }
    absl::StrAppendFormat(
        &svg, "<text x=\"14\" y=\"%g\" transform=\"rotate(-90 14 %g)\" text-anchor=\"middle\">%s</text>\n",
        top + kPanel / 2, top + kPanel / 2, label);
    for (size_t r = 0; r < runs.size(); ++r) {
      const std::vector<double> values = Smooth(values_of(runs[r]), 5);
      absl::StrAppendFormat(&svg, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\" points=\"",
                            kColours[r % kColours.size()]);
      for (size_t i = 0; i < values.size(); ++i) {
        absl::StrAppendFormat(
            &svg, "%.1f,%.1f ",
            kLeft + (kWidth - kLeft - kRight) * static_cast<double>(i) / static_cast<double>(steps - 1),
            top + kPanel - kPanel * values[i] / high);
      }
      svg += "\"/>\n";
    }
    absl::StrAppendFormat(
        &svg, "<text x=\"%g\" y=\"%g\">0</text><text x=\"%g\" y=\"%g\" text-anchor=\"end\">step %d</text>\n",
        kLeft, top + kPanel + 16, kWidth - kRight, top + kPanel + 16, static_cast<int>(steps));
  };
  panel(
      kTop, "reward", [](const NamedCurves& run) -> const std::vector<double>& { return run.reward; }, 0.1);
  panel(
      kTop + kPanel + kGap, "entropy (nats)",
      [](const NamedCurves& run) -> const std::vector<double>& { return run.entropy; }, 0.1);
  return svg + "</svg>\n";
}

}  // namespace entrain
