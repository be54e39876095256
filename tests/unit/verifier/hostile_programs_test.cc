#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/clock.h"
#include "tests/unit/verifier/judge_program.h"
#include "verifier/code/python_programs.h"
#include "verifier/sandbox/create_sandbox.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;
using ::nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr int kThreads = 4;
constexpr absl::Duration kTotal = absl::Seconds(3);      // what the items grant
constexpr int kPatience = 15;                            // seconds of wall time, of what ends by itself
constexpr absl::Duration kDeadline = absl::Seconds(60);  // a machine that does other work as well

struct Attack {
  std::string name, style, program, detail;
  std::vector<std::string> kinds;
  Verdict verdict;
  absl::Duration took;
};

std::vector<Attack> ReadAttacks() {
  std::vector<Attack> attacks;
  for (const auto& entry : fs::directory_iterator(ENTRAIN_SOURCE_DIR "/tests/golden/hostile_programs")) {
    if (entry.path().extension() != ".py") continue;
    std::ifstream file(entry.path());
    std::ostringstream text;
    text << file.rdbuf();
    std::istringstream lines(text.str());
    for (std::string line; std::getline(lines, line) && line.starts_with("# ");) {
      const std::vector<std::string> parts = absl::StrSplit(line.substr(2), absl::MaxSplits(' ', 2));
      attacks.push_back({.name = entry.path().stem(),
                         .style = std::string(absl::StripSuffix(parts[0], ":")),
                         .program = text.str(),
                         .detail = parts.size() > 2 ? parts[2] : "",
                         .kinds = absl::StrSplit(parts.at(1), '|')});
    }
  }
  std::ranges::sort(attacks, {}, [](const Attack& attack) { return attack.name + attack.style; });
  return attacks;
}

json OptionsOf(const std::string& style) {
  json options{{"per_test_s", 1},
               {"total_s", absl::ToDoubleSeconds(kTotal)},
               {"memory_mb", 256},
               {"output_kb", 256},
               {"extract", "whole"}};
  if (style == "assert") {
    options["tests"] = {"assert f(2) == 4"};
  } else {
    options["tests"] = json::array({{{"input", "2\n"}, {"output", "4\n"}}});
  }
  return options;
}

class HostilePrograms : public testing::TestWithParam<SandboxWay> {};

// All of them, several at a time, with good programs beside them all the while.
TEST_P(HostilePrograms, AreContainedNamedAndLeaveTheOthersAlone) {
  const std::unique_ptr<LocalVerifier> verifier = CreateLocalVerifier({.make_sandbox = [] {
    return CreateSandbox(
        {.way = GetParam(), .python_programs = CodePrograms(), .python_imports = CodeProgramImports()});
  }});
  if (const auto layers = verifier->PrepareSandbox(); !layers.ok()) GTEST_SKIP() << layers.status();
  setenv("HOSTILE_MARK", "secret", 1);
  std::vector<Attack> attacks = ReadAttacks();
  ASSERT_GE(attacks.size(), 60u);
  std::atomic<size_t> next = 0;
  std::atomic<bool> done = false;
  std::atomic<int> good = 0, bad = 0;
  std::string bad_detail;
  {
    std::jthread beside([&] {
      while (!done) {
        for (const char* style : {"assert", "stdin"}) {
          json options = OptionsOf(style);
          options["per_test_s"] = options["total_s"] = kPatience;
          const Verdict verdict = JudgeProgram(
              *verifier, "def f(x): return x * 2\nif __name__ == '__main__': print(f(int(input())))",
              options);
          if (verdict.kind == VerdictKind::kCorrect) {
            ++good;
          } else if (bad++ == 0) {
            bad_detail = absl::StrCat(KindOf(verdict), ": ", verdict.detail);
          }
        }
        Clock::Real().Sleep(absl::Milliseconds(50));
      }
    });
    {
      std::vector<std::jthread> threads;
      for (int n = 0; n < kThreads; ++n) {
        threads.emplace_back([&] {
          for (size_t at = next++; at < attacks.size(); at = next++) {
            const absl::Duration begin = Clock::Real().Monotonic();
            json options = OptionsOf(attacks[at].style);
            // One that ends by itself has the time to, however busy the machine is.
            if (std::ranges::find(attacks[at].kinds, "limit") == attacks[at].kinds.end())
              options["per_test_s"] = options["total_s"] = kPatience;
            attacks[at].verdict = JudgeProgram(*verifier, attacks[at].program, options);
            attacks[at].took = Clock::Real().Monotonic() - begin;
          }
        });
      }
    }
    done = true;
  }
  for (const Attack& attack : attacks) {
    SCOPED_TRACE(absl::StrCat(attack.name, " (", attack.style, ") ", absl::FormatDuration(attack.took)));
    EXPECT_THAT(attack.kinds, Contains(KindOf(attack.verdict))) << attack.verdict.detail;
    EXPECT_EQ(attack.verdict.score, 0.0) << attack.verdict.detail;
    EXPECT_THAT(attack.verdict.detail, HasSubstr(attack.detail));
    EXPECT_FALSE(attack.verdict.detail.empty());
    EXPECT_LT(attack.took, kDeadline);
  }
  EXPECT_EQ(bad, 0) << bad_detail;
  EXPECT_GT(good, 0);
  for (const char* folder :
       {"/", "/etc", "/usr", "/usr/bin", "/usr/lib", "/root", "/home", "/var/tmp", "/dev/shm", "/tmp"})
    EXPECT_FALSE(fs::exists(fs::path(folder) / "entrain-hostile-file")) << folder;
}

INSTANTIATE_TEST_SUITE_P(InBubblewrap, HostilePrograms, testing::Values(SandboxWay::kBubblewrap));
INSTANTIATE_TEST_SUITE_P(UnderLandlock, HostilePrograms, testing::Values(SandboxWay::kLandlock));

}  // namespace
}  // namespace entrain
