#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "verifier/code/deadline.h"
#include "verifier/code/ending.h"
#include "verifier/code/python_programs.h"
#include "verifier/code/run_tests.h"
#include "verifier/code/time_budget.h"
#include "verifier/sandbox/run_pipes.h"

namespace entrain {
namespace {

constexpr size_t kMaxFrame = 8u << 20;  // wire.py has the same
constexpr size_t kHeader = 5;           // kind, length in four bytes, little endian
constexpr size_t kMaxWaiting = 2 * kMaxFrame;
constexpr int64_t kTesterMemory = int64_t{1} << 30;
constexpr int64_t kMaxExchanged = int64_t{4} << 30;   // bytes that a run may say over its channel
constexpr absl::Duration kEnding = absl::Seconds(1);  // between a program's last descriptor and its end
// Times the wall limit of a test: how long a tester may go on without asking the candidate anything.
constexpr int kTesterPatience = 5;

std::string Frame(char kind, absl::string_view content) {
  std::string out(1, kind);
  for (int shift = 0; shift < 32; shift += 8)
    out.push_back(static_cast<char>(content.size() >> shift & 0xff));
  absl::StrAppend(&out, content);
  return out;
}

// Takes frames from the front of what a run wrote.
class FrameReader {
 public:
  explicit FrameReader(std::string& buffer) : buffer_(buffer) {}
  ~FrameReader() { buffer_.erase(0, at_); }

  enum class State { kNothing, kFrame, kTooLong };
  // `frame` with its header, valid until the reader goes.
  State Next(absl::string_view& frame) {
    if (buffer_.size() - at_ < kHeader) return State::kNothing;
    size_t length = 0;
    for (size_t byte = 0; byte < 4; ++byte)
      length |= static_cast<size_t>(static_cast<unsigned char>(buffer_[at_ + 1 + byte])) << (8 * byte);
    if (length > kMaxFrame) return State::kTooLong;
    if (buffer_.size() - at_ < kHeader + length) return State::kNothing;
    frame = absl::string_view(buffer_).substr(at_, kHeader + length);
    at_ += kHeader + length;
    return State::kFrame;
  }

 private:
  std::string& buffer_;
  size_t at_ = 0;
};

// One candidate with one tester, for the tests from a given one on.
class Pair {
 public:
  Pair(Sandbox& sandbox, const std::string& program, const CodeOptions& options, const JudgeContext& context,
       TimeBudget& time, TestReport& report)
      : sandbox_(sandbox),
        program_(program),
        options_(options),
        tests_(std::get<std::vector<std::string>>(options.tests)),
        context_(context),
        time_(time),
        report_(report) {}

  // The test to go on with in a new pair; the number of tests when there is none.
  size_t Run(size_t first) {
    test_ = first;
    const absl::Status started = Start();
    if (!started.ok()) return Ours(VerdictKind::kError, std::string(started.message()));
    begun_ = Clock::Real().Monotonic();
    const std::stop_callback kill(context_.stop, [this] { Kill(); });
    const std::string source = absl::StrCat(options_.prefix, options_.prefix.empty() ? "" : "\n", program_);
    candidate_pipes_->Send(Frame('P', source));
    BeginTest();
    while (!next_.has_value()) Step();
    if (!stopped_) Stop();
    return *next_;
  }

 private:
  absl::Status Start() {
    SandboxRequest request{.python_program = kCandidate};
    time_.Limit(request.limits);
    request.limits.memory_bytes = options_.memory_bytes;
    request.limits.output_bytes = kMaxExchanged;
    absl::StatusOr<std::unique_ptr<SandboxRun>> candidate = sandbox_.Start(request);
    if (!candidate.ok()) return candidate.status();
    candidate_ = *std::move(candidate);
    request.python_program = kTester;
    request.limits.memory_bytes = kTesterMemory;
    // It waits while the candidate starves: TesterSleeps bounds its own share.
    request.limits.wall = request.limits.step_wall = absl::InfiniteDuration();
    absl::StatusOr<std::unique_ptr<SandboxRun>> tester = sandbox_.Start(request);
    if (!tester.ok()) return tester.status();
    tester_ = *std::move(tester);
    candidate_pipes_.emplace(*candidate_);
    tester_pipes_.emplace(*tester_);
    return absl::OkStatus();
  }

  void Kill() {
    candidate_->Kill();
    tester_->Kill();
  }

  // Ends both runs and counts what they used.
  void Stop() {
    stopped_ = true;
    Kill();
    const auto candidate = candidate_->Wait(), tester = tester_->Wait();
    const absl::Duration wall = Clock::Real().Monotonic() - begun_;
    absl::Duration cpu;
    for (const auto* each : {&candidate, &tester}) {
      if (!each->ok()) continue;
      cpu += (*each)->cpu;
      starved_ += (*each)->starved;
    }
    time_.Spend(cpu, wall, starved_);
  }

  void BeginTest() {
    test_begun_ = turn_begun_ = Clock::Real().Monotonic();
    candidate_->BeginStep();
    tester_->BeginStep();
  }

  std::string TestName() const { return absl::StrCat("test ", test_ + 1, " of ", tests_.size(), ": "); }

  size_t Ours(VerdictKind kind, std::string detail) {
    report_.Fail(kind, std::move(detail));
    next_ = tests_.size();
    return *next_;
  }

  // The test failed, and this pair cannot go on.
  void Fail(VerdictKind kind, absl::string_view detail, bool by_time = false) {
    report_.Fail(kind, absl::StrCat(TestName(), detail), by_time);
    next_ = options_.fraction && loaded_ ? test_ + 1 : tests_.size();
  }

  void FailProgram(VerdictKind kind, std::string detail, bool by_time = false) {
    report_.Fail(kind, std::move(detail), by_time);
    next_ = tests_.size();
  }

  void Step() {
    if (context_.stop.stop_requested()) {
      Ours(VerdictKind::kTimeout, "the caller went away");
      return;
    }
    candidate_pipes_->Pause(tester_pipes_->unsent() > kMaxWaiting);
    tester_pipes_->Pause(candidate_pipes_->unsent() > kMaxWaiting);
    RunPipes* const pipes[] = {&*tester_pipes_, &*candidate_pipes_};
    RunPipes::Move(pipes, absl::Seconds(1));  // the sandbox looks at the times
    // The tester's say first: a test that passed has passed, whatever the candidate does then.
    FromTester();
    if (!next_.has_value()) FromCandidate();
    if (!next_.has_value() && candidate_pipes_->error_bytes() > options_.output_bytes)
      Fail(VerdictKind::kLimit, absl::StrCat("output of ", options_.output_bytes >> 10, " KiB"));
    if (!next_.has_value() && !tester_pipes_->open()) TesterEnded();
    if (!next_.has_value() && loaded_ && !asked_) TesterSleeps();
    if (!next_.has_value() && !candidate_pipes_->open() && (asked_ || !loaded_)) CandidateEnded();
  }

  void Deadline() {
    const absl::Duration test = Clock::Real().Monotonic() - test_begun_;
    Stop();
    FailAtDeadline(context_, time_, test - starved_, TestName(), report_);
    next_ = tests_.size();
  }

  // Looks whether it does: a test may sleep for as long as the program says.
  void TesterSleeps() {
    const absl::Duration turn = Clock::Real().Monotonic() - turn_begun_;
    const absl::Duration most = kTesterPatience * TimeBudget::WallLimit(options_.per_test);
    if (turn < most) return;
    Stop();
    const auto outcome = tester_->Wait();
    if (!outcome.ok() || outcome->starved > turn / 2) {
      Ours(VerdictKind::kTimeout, absl::StrCat(TestName(), "the machine had no processor for the tester"));
    } else {
      Fail(VerdictKind::kLimit,
           absl::StrCat("wall time of ", absl::ToDoubleSeconds(most), " s of the test's process"),
           /*by_time=*/true);
    }
  }

  // A run is past a limit. `whose` ends the detail.
  void PastLimit(const SandboxOutcome& outcome, absl::string_view whose) {
    const bool by_time = IsTime(outcome.limit_kind);
    Stop();
    // The candidate's wall time runs while it waits for the tester, which may have starved.
    if (outcome.limit_kind == LimitKind::kWall &&
        starved_ - outcome.starved > TimeBudget::WallLimit(options_.per_test) / 2) {
      Ours(VerdictKind::kTimeout, absl::StrCat(TestName(), "the machine had no processor for it"));
      return;
    }
    if (const std::string past = time_.ItemIsPast(); by_time && !past.empty()) {
      FailProgram(VerdictKind::kLimit, absl::StrCat(TestName(), past), by_time);
    } else if (loaded_) {
      Fail(VerdictKind::kLimit, absl::StrCat(outcome.limit, whose), by_time);
    } else {
      FailProgram(VerdictKind::kLimit, absl::StrCat("before the tests: ", outcome.limit, whose), by_time);
    }
  }

  void FromTester() {
    FrameReader frames(tester_pipes_->output());
    absl::string_view frame;
    while (!next_.has_value() && frames.Next(frame) == FrameReader::State::kFrame) {
      const std::string content(frame.substr(kHeader));
      switch (frame[0]) {
        case 'C':  // a question to the candidate
        case 'A':  // an answer to the candidate's question
          candidate_pipes_->Send(frame);
          asked_ = true;
          break;
        case 'B':
          if (uint64_t number = 0; absl::SimpleAtoi(content, &number)) test_ = number;
          BeginTest();
          break;
        case 'T':
          ++report_.passed;
          break;
        case 'F':
          report_.Fail(VerdictKind::kWrong, absl::StrCat(TestName(), content));
          if (!options_.fraction) next_ = tests_.size();
          break;
        case 'V':  // the candidate says what is none of its language
          Fail(VerdictKind::kWrong, content);
          break;
        case 'G':
          Ours(VerdictKind::kError, content);
          break;
        case 'E':
          next_ = tests_.size();
          break;
        default:
          Ours(VerdictKind::kError, "the tester wrote no frame");
      }
    }
  }

  void FromCandidate() {
    FrameReader frames(candidate_pipes_->output());
    absl::string_view frame;
    while (!next_.has_value()) {
      const FrameReader::State state = frames.Next(frame);
      if (state == FrameReader::State::kNothing) return;
      if (state == FrameReader::State::kTooLong) {
        Fail(VerdictKind::kLimit, absl::StrCat("an answer of more than ", kMaxFrame >> 20, " MiB"));
      } else if (loaded_) {
        Answer(frame);
      } else {
        Loaded(frame[0], std::string(frame.substr(kHeader)));
      }
    }
  }

  void Loaded(char kind, const std::string& text) {
    if (kind == 'L') {
      loaded_ = true;
      turn_begun_ = Clock::Real().Monotonic();
      const nlohmann::json job{
          {"setup", options_.setup}, {"tests", tests_}, {"entry", options_.entry}, {"first", test_}};
      tester_pipes_->Send(Frame('J', job.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace)));
    } else if (kind == 'S') {
      FailProgram(VerdictKind::kUnparsable, absl::StrCat("not Python: ", text));
    } else if (kind == 'X') {
      FailProgram(VerdictKind::kWrong, absl::StrCat("before the tests: ", text));
    } else {
      FailProgram(VerdictKind::kWrong, "the program wrote into the channel of its process before the tests");
    }
  }

  void Answer(absl::string_view frame) {
    if (frame[0] != 'R' && frame[0] != 'Q') {
      Fail(VerdictKind::kWrong, "the program wrote into the channel of its process");
      return;
    }
    asked_ = false;
    turn_begun_ = Clock::Real().Monotonic();
    tester_pipes_->Send(frame);
  }

  // Nothing comes from it any longer. It may have closed everything and live on, until the caller's deadline
  // if it were let.
  absl::StatusOr<SandboxOutcome> EndOfCandidate() {
    const std::jthread impatient([this](const std::stop_token& ended) {
      std::mutex sleep;
      std::unique_lock lock(sleep);
      std::condition_variable_any never;
      never.wait_for(lock, ended, absl::ToChronoMilliseconds(kEnding), [] { return false; });
      if (!ended.stop_requested()) candidate_->Kill();
    });
    return candidate_->Wait();
  }

  void CandidateEnded() {
    const absl::StatusOr<SandboxOutcome> outcome = EndOfCandidate();
    if (!outcome.ok()) {
      Ours(VerdictKind::kError, std::string(outcome.status().message()));
      return;
    }
    const std::string ending = outcome->end == RunEnd::kStopped
                                   ? "the program closed the channel of its process"
                                   : absl::StrCat("the program ended: ", EndingText(*outcome));
    if (outcome->end == RunEnd::kStopped && (time_.OursIsOver() || context_.stop.stop_requested())) {
      Deadline();
    } else if (outcome->end == RunEnd::kLimit) {
      PastLimit(*outcome, "");
    } else if (loaded_) {
      Fail(VerdictKind::kWrong, ending);
    } else {
      FailProgram(VerdictKind::kWrong, absl::StrCat("before the tests: ", ending));
    }
  }

  void TesterEnded() {
    const absl::StatusOr<SandboxOutcome> outcome = tester_->Wait();
    if (!outcome.ok()) {
      Ours(VerdictKind::kError, std::string(outcome.status().message()));
    } else if (outcome->end == RunEnd::kLimit) {  // what it computes with is the program's
      PastLimit(*outcome, " of the test's process");
    } else if (outcome->end == RunEnd::kStopped) {
      Deadline();
    } else {
      Ours(VerdictKind::kError,
           absl::StrCat("the tester ended: ", EndingText(*outcome), ": ", LastLine(tester_pipes_->errors())));
    }
  }

  Sandbox& sandbox_;
  const std::string& program_;
  const CodeOptions& options_;
  const std::vector<std::string>& tests_;
  const JudgeContext& context_;
  TimeBudget& time_;
  TestReport& report_;

  std::unique_ptr<SandboxRun> candidate_, tester_;
  std::optional<RunPipes> candidate_pipes_, tester_pipes_;
  size_t test_ = 0;
  absl::Duration begun_, test_begun_, turn_begun_;  // of the clock; the tester's turn
  absl::Duration starved_;                          // of both, when they are stopped
  bool stopped_ = false;
  bool loaded_ = false;  // the program has been executed to its end
  bool asked_ = false;   // the candidate owes an answer
  std::optional<size_t> next_;
};

}  // namespace

TestReport RunAssertTests(Sandbox& sandbox, const std::string& program, const CodeOptions& options,
                          const JudgeContext& context) {
  TimeBudget time(options.per_test, options.total, context.time_left);
  TestReport report;
  const size_t count = std::get<std::vector<std::string>>(options.tests).size();
  for (size_t next = 0; next < count && !report.ours();) {
    if (time.OursIsOver()) {
      report.Fail(VerdictKind::kTimeout, "the deadline passed before all tests had run");
    } else if (const std::string past = time.ItemIsPast(); !past.empty()) {
      report.Fail(VerdictKind::kLimit, past, /*by_time=*/true);
      break;
    } else {
      next = Pair(sandbox, program, options, context, time, report).Run(next);
    }
  }
  return report;
}

}  // namespace entrain
