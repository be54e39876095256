#include <algorithm>
#include <string>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "verifier/code/code_options.h"
#include "verifier/code/program_finder.h"
#include "verifier/code/run_tests.h"
#include "verifier/judges.h"

namespace entrain {
namespace {

constexpr size_t kMaxProgramBytes = 1u << 20;

Verdict VerdictOf(const TestReport& report, size_t tests, const std::string& program, bool fraction) {
  if (report.ours()) return {.kind = report.failure->kind, .detail = OurError(report.failure->detail).detail};
  if (!report.failure.has_value()) {
    return report.passed == tests
               ? Correct(program)
               : OurError(absl::StrCat("the tester ended after ", report.passed, " of ", tests, " tests"));
  }
  Verdict out = Wrong(program, report.failure->detail);
  if (fraction && report.passed > 0) {
    out.score = static_cast<double>(report.passed) / static_cast<double>(tests);
    out.detail = absl::StrCat("passed ", report.passed, " of ", tests, "; ", out.detail);
  } else {
    out.kind = report.failure->kind;
  }
  out.timed = report.timed;
  return out;
}

class CodeJudge final : public Judge {
 public:
  explicit CodeJudge(Sandbox& sandbox) : sandbox_(sandbox) {}

  VerifierInfo Describe() const override {
    return {.summary = "The completion is a Python program that passes the tests, in a sandbox.",
            .options = {
                {"tests", "needed", R"(Python source each, or {"input", "output"} each)"},
                {"style", "as the first test", "assert or stdin"},
                {"score", "all", "or fraction: passed tests over all"},
                {"extract", "block", "the last ``` block, of Python first; or whole: the completion"},
                {"prefix", "\"\"", "Python that stands before the program"},
                {"setup", "\"\"", "Python that runs before the tests (assert)"},
                {"entry", "none", "names that are the program's also where Python has them (assert)"},
                {"per_test_s", "4", "seconds of processor time of a test"},
                {"total_s", "8", "seconds of processor time of all tests"},
                {"memory_mb", "512", "memory of the program"},
                {"output_kb", "1024", "what it may print in a run"},
                {"compare", "lines", "of outputs: exact, lines, tokens, numbers (stdin)"},
                {"tolerance", "1e-6", "of numbers, absolute or relative (stdin)"},
                {"language", "python", "python"},
            }};
  }

  std::string Problem(absl::string_view, const nlohmann::json& options) const override {
    return CodeOptionsFromJson(options).problem;
  }

  bool RunsPrograms(const nlohmann::json&) const override { return true; }

  // The reference is not looked at: the tests are it.
  Verdict Decide(absl::string_view completion, absl::string_view, const nlohmann::json& json,
                 const JudgeContext& context) const override {
    const ReadCodeOptions read = CodeOptionsFromJson(json);
    if (!read.problem.empty()) return OurError(read.problem);
    const CodeOptions& options = read.options;
    const std::string found = options.find_block ? FindProgram(completion) : std::string(completion);
    if (absl::StripAsciiWhitespace(found).empty()) return Unparsable("no program was found");
    if (found.size() > kMaxProgramBytes)
      return Limit(absl::StrCat("program: more than ", kMaxProgramBytes, " bytes"));
    if (found.find('\0') != std::string::npos) return Unparsable("not Python: a NUL byte");
    const bool assertions = std::holds_alternative<std::vector<std::string>>(options.tests);
    const TestReport report = assertions ? RunAssertTests(sandbox_, found, options, context)
                                         : RunOutputTests(sandbox_, found, options, context);
    const size_t tests = std::visit([](const auto& list) { return list.size(); }, options.tests);
    return VerdictOf(report, tests, found, options.fraction);
  }

 private:
  Sandbox& sandbox_;
};

}  // namespace

std::unique_ptr<Judge> MakeCodeJudge(Sandbox& sandbox) { return std::make_unique<CodeJudge>(sandbox); }

}  // namespace entrain
