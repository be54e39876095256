#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "verifier/code/deadline.h"
#include "verifier/code/ending.h"
#include "verifier/code/python_programs.h"
#include "verifier/code/run_tests.h"
#include "verifier/code/time_budget.h"
#include "verifier/sandbox/run_pipes.h"

namespace entrain {
namespace {

constexpr int kNotPython = 97;  // program.py says it so

// What is wrong with a run; nullopt when it passed its test.
std::optional<TestReport::Failure> FailureOf(const FinishedRun& run, const OutputTest& test,
                                             const CodeOptions& options) {
  const SandboxOutcome& outcome = run.outcome;
  if (outcome.end == RunEnd::kLimit) return TestReport::Failure{VerdictKind::kLimit, outcome.limit};
  if (outcome.end != RunEnd::kExited || outcome.code != 0) {
    const std::string said = LastLine(run.errors);
    return TestReport::Failure{VerdictKind::kWrong,
                               absl::StrCat(EndingText(outcome), said.empty() ? "" : ": ", said)};
  }
  std::string difference = OutputDifference(run.output, test.output, options.compare, options.tolerance);
  if (difference.empty()) return std::nullopt;
  return TestReport::Failure{VerdictKind::kWrong, std::move(difference)};
}

}  // namespace

TestReport RunOutputTests(Sandbox& sandbox, const std::string& program, const CodeOptions& options,
                          const JudgeContext& context) {
  const auto& tests = std::get<std::vector<OutputTest>>(options.tests);
  TimeBudget time(options.per_test, options.total, context.time_left);
  SandboxRequest request{.python_program = kProgramRunner, .files = {{"main.py", program}}};
  request.limits.memory_bytes = options.memory_bytes;
  request.limits.output_bytes = options.output_bytes;
  TestReport report;
  for (size_t n = 0; n < tests.size(); ++n) {
    const std::string name = absl::StrCat("test ", n + 1, " of ", tests.size(), ": ");
    if (time.OursIsOver()) {
      report.Fail(VerdictKind::kTimeout, absl::StrCat(name, "the deadline passed before it began"));
      return report;
    }
    time.Limit(request.limits);
    const absl::StatusOr<FinishedRun> run = RunToEnd(sandbox, request, tests[n].input, context.stop);
    if (!run.ok()) {
      report.Fail(VerdictKind::kError, std::string(run.status().message()));
      return report;
    }
    const SandboxOutcome& outcome = run->outcome;
    time.Spend(outcome.cpu, outcome.wall, outcome.starved);
    if (outcome.end == RunEnd::kStopped) {
      FailAtDeadline(context, time, outcome.wall - outcome.starved, name, report);
      return report;
    }
    if (const std::string past = time.ItemIsPast(); !past.empty()) {
      report.Fail(VerdictKind::kLimit, absl::StrCat(name, past), /*by_time=*/true);
      return report;
    }
    if (n == 0 && outcome.end == RunEnd::kExited && outcome.code == kNotPython) {
      report.Fail(VerdictKind::kUnparsable, absl::StrCat("not Python: ", LastLine(run->errors)));
      return report;
    }
    if (std::optional<TestReport::Failure> failure = FailureOf(*run, tests[n], options);
        failure.has_value()) {
      report.Fail(failure->kind, absl::StrCat(name, failure->detail), IsTime(outcome.limit_kind));
      if (!options.fraction) return report;
    } else {
      ++report.passed;
    }
  }
  return report;
}

}  // namespace entrain
