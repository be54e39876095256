#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/unit/verifier/judge_program.h"

namespace entrain {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;

// A shell script as the operator's judge.
class Command : public testing::Test {
 protected:
  std::string Script(const std::string& body) {
    const std::string path = folder_ + "/judge";
    std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
    chmod(path.c_str(), 0755);
    chmod(folder_.c_str(), 0755);  // the sandbox's user may be another
    return path;
  }

  Verdict Judge(const std::string& body, bool trusted = false, json options = json::object(),
                const std::string& completion = "42") {
    CommandTable commands;
    commands["mine"] = {.argv = {Script(body), "--flag"}, .trusted = trusted};
    LocalVerifierOptions how{.commands = commands};
    if (ConfinedVerifier() == nullptr) how.sandbox = SandboxPolicy::kOff;
    const auto verifier = CreateLocalVerifier(std::move(how));
    options["command"] = "mine";
    const VerifyItem item{
        .verifier = "command", .completion = completion, .answer = "41", .options_json = options.dump()};
    const auto verdicts = verifier->Verify(std::span(&item, 1), absl::Minutes(1));
    if (!verdicts.ok() || verdicts->size() != 1) return {.detail = "no verdict"};
    return (*verdicts)[0];
  }

  // Not in /tmp, which a run has for itself.
  void SetUp() override { ASSERT_NE(mkdtemp(folder_.data()), nullptr); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_ = "/var/tmp/entrain-test-XXXXXX";
};

struct Row {
  const char *body, *kind;
  double score;  // -1: none
  const char* detail;
};

TEST_F(Command, AVerdictIsTakenAsItIsAndEverythingElseIsOurFailure) {
  for (const Row& row : {
           Row{R"(echo '{"kind": "correct"}')", "correct", 1, ""},
           Row{R"(echo '{"kind": "correct", "score": 1, "extracted": "42", "detail": "fine"}')", "correct", 1,
               "fine"},
           Row{R"(echo '{"kind": "wrong"}')", "wrong", 0, ""},
           Row{R"(echo '{"kind": "wrong", "score": 0.25}')", "wrong", 0.25, ""},
           Row{R"(echo '{"kind": "unparsable", "detail": "no answer"}')", "unparsable", 0, "no answer"},
           Row{R"(echo '{"kind": "limit", "detail": "too long"}')", "limit", 0, "too long"},
           Row{R"(echo '{"kind": "wrong", "score": 1}')", "error", -1,
               "expected 0 to below 1 for wrong, found 1"},
           Row{R"(echo '{"kind": "wrong", "score": -0.1}')", "error", -1, "score"},
           Row{R"(echo '{"kind": "correct", "score": 0.5}')", "error", -1, "expected 1 for correct"},
           Row{R"(echo '{"kind": "error"}')", "error", -1, "expected correct, wrong, unparsable or limit"},
           Row{R"(echo '{"kind": "right"}')", "error", -1, "\"kind\""},
           Row{R"(echo '{"score": 1}')", "error", -1, "\"kind\""},
           Row{R"(echo '{"kind": "correct", "scores": 1}')", "error", -1, "\"scores\""},
           Row{R"(echo '{"kind": "correct", "score": "1"}')", "error", -1, "\"score\""},
           Row{R"(echo '{"kind": "correct", "detail": ["x"]}')", "error", -1, "one JSON object"},
           Row{R"(echo '{"kind": "correct"} {"kind": "wrong"}')", "error", -1, "one JSON object"},
           Row{"echo yes", "error", -1, "found \"yes"},
           Row{":", "error", -1, "one JSON object"},
           Row{R"(echo '{"kind": "correct"}'; exit 3)", "error", -1, "exit status 3"},
           Row{"echo broken >&2; exit 1", "error", -1, "exit status 1: broken"},
           Row{"kill -9 $$", "error", -1, "signal 9"},
           Row{"yes", "error", -1, "output"},
       }) {
    const Verdict verdict = Judge(row.body);
    EXPECT_EQ(KindOf(verdict), row.kind) << row.body << ": " << verdict.detail;
    EXPECT_DOUBLE_EQ(verdict.score.value_or(-1), row.score) << row.body;
    EXPECT_THAT(verdict.detail, HasSubstr(row.detail)) << row.body;
  }
}

TEST_F(Command, GetsTheItemAsJson) {
  const char* body = R"(/usr/bin/python3 -c '
import json, sys
item = json.loads(sys.stdin.read())
fine = item == {"completion": "a\u00e9\n\"b", "answer": "41", "options": {"x": [1, {"y": None}]}} and sys.argv[1:] == ["--flag"]
print(json.dumps({"kind": "correct" if fine else "wrong", "detail": repr(item)}))' "$@")";
  for (const bool trusted : {false, true}) {
    const Verdict verdict =
        Judge(body, trusted, {{"options", {{"x", {1, {{"y", nullptr}}}}}}}, "a\u00e9\n\"b");
    EXPECT_EQ(KindOf(verdict), "correct") << verdict.detail;
  }
}

TEST_F(Command, IsConfinedUnlessItIsTrusted) {
  const std::string mark = folder_ + "/mark";
  const std::string body = absl::StrCat("echo x > ", mark, R"( 2>/dev/null; echo '{"kind": "correct"}')");
  if (ConfinedVerifier() == nullptr) GTEST_SKIP() << "no sandbox on this machine";
  EXPECT_EQ(KindOf(Judge(body)), "correct");
  EXPECT_FALSE(std::ifstream(mark).good());
  EXPECT_EQ(KindOf(Judge(body, /*trusted=*/true)), "correct");
  EXPECT_TRUE(std::ifstream(mark).good());
}

TEST_F(Command, TooLateIsATimeout) {
  for (const bool trusted : {false, true}) {
    const Verdict verdict = Judge("sleep 60", trusted, {{"timeout_s", 0.3}});
    EXPECT_EQ(KindOf(verdict), "timeout") << verdict.detail;
    EXPECT_FALSE(verdict.score.has_value());
  }
}

TEST_F(Command, ItsOptionsAreReadStrictly) {
  CommandTable commands;
  ASSERT_TRUE(AddCommand("mine=/bin/true a  b", false, commands).ok());
  EXPECT_EQ(commands["mine"].argv, (std::vector<std::string>{"/bin/true", "a", "b"}));
  for (const char* text : {"", "mine", "=/bin/true", "other=", "other=true", "mine=/bin/false"})
    EXPECT_EQ(AddCommand(text, false, commands).code(), absl::StatusCode::kInvalidArgument) << text;
  const auto verifier = CreateLocalVerifier({.commands = commands});
  struct Case {
    const char *options, *problem;
  };
  for (const Case& c : {
           Case{R"({"command": "mine"})", ""},
           Case{R"({"command": "mine", "options": {"a": 1}, "timeout_s": 2.5, "memory_mb": 64})", ""},
           Case{R"({})", "verifier_options.command: expected the name of a command"},
           Case{R"({"command": "/bin/true"})",
                "verifier_options.command: \"/bin/true\" is not registered here"},
           Case{R"({"command": "mien"})", "did you mean \"mine\""},
           Case{R"({"command": "mine", "options": []})", "verifier_options.options: expected an object"},
           Case{R"({"command": "mine", "timeout_s": 0.01})", ""},
           Case{R"({"command": "mine", "timeout_s": 0.009})",
                "verifier_options.timeout_s: expected 0.01 to 3600"},
           Case{R"({"command": "mine", "keep": 1})", "verifier_options.keep"},
           Case{R"({"command": "mine", "argv": ["/bin/true"]})", "unknown key \"argv\""},
       }) {
    const std::string problem = verifier->Problem({.verifier = "command", .options_json = c.options});
    EXPECT_THAT(problem, HasSubstr(c.problem)) << c.options;
    EXPECT_EQ(problem.empty(), std::string(c.problem).empty()) << problem;
  }
}

TEST_F(Command, IsAskedAgainUnlessItsVerdictMayBeKept) {
  const LocalVerifier& verifier = ProgramVerifier();
  EXPECT_FALSE(verifier.MayKeep({.verifier = "command", .options_json = R"({"command": "mine"})"}));
  EXPECT_TRUE(
      verifier.MayKeep({.verifier = "command", .options_json = R"({"command": "mine", "keep": true})"}));
}

}  // namespace
}  // namespace entrain
