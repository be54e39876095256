#include "learner/checkpoint.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/testing/temporary_folder.h"

// --- Fault injection: this program's write, fsync and rename stand in front of the C library's. In a child
// process that asked for it, the n-th call of them is the last thing that happens: a write gets half of its
// bytes out, a sync or a rename does not happen at all.
namespace {
int g_calls_left = -1;  // −1: never

bool DiesNow() { return g_calls_left > 0 && --g_calls_left == 0; }
[[noreturn]] void Die() { _exit(42); }

template <typename F>
F Real(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}
}  // namespace

extern "C" {
ssize_t write(int file, const void* bytes, size_t size) {
  static const auto real = Real<ssize_t (*)(int, const void*, size_t)>("write");
  if (!DiesNow()) return real(file, bytes, size);
  (void)!real(file, bytes, size / 2);
  Die();
}
int fsync(int file) {
  static const auto real = Real<int (*)(int)>("fsync");
  if (DiesNow()) Die();
  return real(file);
}
int rename(const char* from, const char* to) noexcept {
  static const auto real = Real<int (*)(const char*, const char*)>("rename");
  if (DiesNow()) Die();
  return real(from, to);
}
}

namespace entrain {
namespace {

namespace fs = std::filesystem;

std::string FreshFolder(const std::string& name) {
  static const TemporaryFolder root;
  fs::create_directories(root / name);
  return root / name;
}

Checkpoint AtStep(int64_t step) {
  const auto value = static_cast<float>(step);
  return {
      .run_id = "0123456789abcdef",
      .config_digest = "c0ffee",
      .seed = 18446744073709551615u,
      .next_step = step,
      .next_ordinal = step * 4 + 1,
      .updates = step * 8,
      .last_directive =
          Directive{.id = step,
                    .run_id = "0123456789abcdef",
                    .attempt = 2,
                    .step = step - 1,
                    .revision = 3,
                    .bounds = {.upper = ClipLine{.intercept = 0.1, .slope = -1.0 / 3}, .lower = {}},
                    .dials = {{"entropy_bonus", 1e-300}},
                    .state = "raise",
                    .reason = "entropy 0.2 is below 0.3",
                    .law_state = "{\"h\": 0.25}"},
      .last_numbers = {{"clip/high_frac", 0.1}, {"kl/old_new", 1.0 / 7}},
      .evaluation_due = step == 20,
      .trends = {.first = 1.0 / 3,
                 .ema = 0.1,
                 .recent = {1.0 / 3, 1e-300, 0.7},
                 .fit = {.points = step, .mean_x = 1.1, .mean_y = -0.0, .xx = 1.0 / 9, .xy = -0.3, .yy = 2}},
      .snapshots = {WeightsSnapshot::Make(step - 1, {value, -0.0f, 1e-45f}),
                    WeightsSnapshot::Make(step, {value + 1, 2, 3})},
      .first_moment = {value, 1, 2},
      .second_moment = {value, 3, 4}};
}

void ExpectStep(const absl::StatusOr<Checkpoint>& found, int64_t step) {
  ASSERT_TRUE(found.ok()) << found.status();
  const Checkpoint expected = AtStep(step);
  EXPECT_EQ(found->run_id, expected.run_id);
  EXPECT_EQ(found->config_digest, expected.config_digest);
  EXPECT_EQ(found->seed, expected.seed);
  EXPECT_EQ(found->next_step, step);
  EXPECT_EQ(found->next_ordinal, expected.next_ordinal);
  EXPECT_EQ(found->updates, expected.updates);
  EXPECT_EQ(found->last_directive, expected.last_directive);
  EXPECT_EQ(found->last_numbers, expected.last_numbers);
  EXPECT_EQ(found->evaluation_due, expected.evaluation_due);
  EXPECT_EQ(found->trends, expected.trends);
  EXPECT_EQ(found->first_moment, expected.first_moment);
  EXPECT_EQ(found->second_moment, expected.second_moment);
  ASSERT_EQ(found->snapshots.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(found->snapshots[i]->version, expected.snapshots[i]->version);
    EXPECT_EQ(found->snapshots[i]->values, expected.snapshots[i]->values);
    EXPECT_EQ(found->snapshots[i]->digest, expected.snapshots[i]->digest);
  }
}

std::set<std::string> Folders(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

// Writes a checkpoint in a child process that dies at its n-th call. True when it lived to the end.
bool WriteAndDieAt(int call, const std::string& folder, const Checkpoint& checkpoint) {
  const pid_t child = fork();
  if (child == 0) {
    g_calls_left = call;
    const bool ok = WriteCheckpoint(folder, checkpoint, 2).ok();
    g_calls_left = -1;
    _exit(ok ? 0 : 1);
  }
  int state = 0;
  waitpid(child, &state, 0);
  EXPECT_TRUE(WIFEXITED(state) && (WEXITSTATUS(state) == 0 || WEXITSTATUS(state) == 42)) << state;
  return WEXITSTATUS(state) == 0;
}

TEST(Checkpoint, ReadsBackEveryBit) {
  const std::string folder = FreshFolder("bits");
  ASSERT_TRUE(WriteCheckpoint(folder, AtStep(7), 2).ok());
  ExpectStep(ReadNewestCheckpoint(folder), 7);
  Checkpoint first = AtStep(8);
  first.last_directive.reset();
  ASSERT_TRUE(WriteCheckpoint(folder, first, 2).ok());
  EXPECT_FALSE(ReadNewestCheckpoint(folder)->last_directive.has_value());
}

TEST(Checkpoint, DeathAtAnyWriteLeavesTheOneBeforeOrTheNewOneWhole) {
  const Checkpoint next = AtStep(20);
  int deaths = 0;
  for (int call = 1;; ++call) {
    const std::string folder = FreshFolder("death");
    ASSERT_TRUE(WriteCheckpoint(folder, AtStep(10), 2).ok());
    const bool lived = WriteAndDieAt(call, folder, next);
    const bool complete = fs::exists(folder + "/step-000020/manifest.json");
    EXPECT_TRUE(!lived || complete);
    ExpectStep(ReadNewestCheckpoint(folder), complete ? 20 : 10);
    // The run goes on from there and writes the same checkpoint again.
    ASSERT_TRUE(WriteCheckpoint(folder, next, 2).ok());
    ExpectStep(ReadNewestCheckpoint(folder), 20);
    if (lived) break;
    ++deaths;
  }
  // Five files, each written, synced, renamed, and its folder synced.
  EXPECT_EQ(deaths, 20);
}

TEST(Checkpoint, DeathWhileOneIsWrittenAnewLosesNothingOlder) {
  const std::string folder = FreshFolder("anew");
  for (int call = 1; call <= 20; ++call) {
    ASSERT_TRUE(WriteCheckpoint(folder, AtStep(10), 2).ok());
    ASSERT_TRUE(WriteCheckpoint(folder, AtStep(20), 2).ok());
    Checkpoint other = AtStep(20);
    other.first_moment[0] = 99;
    WriteAndDieAt(call, folder, other);
    const auto found = ReadNewestCheckpoint(folder);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_TRUE(found->next_step == 10 || found->next_step == 20);
  }
}

TEST(Checkpoint, PassesOverOneThatWasDamagedLater) {
  const std::string folder = FreshFolder("damage");
  ASSERT_TRUE(WriteCheckpoint(folder, AtStep(10), 2).ok());
  ASSERT_TRUE(WriteCheckpoint(folder, AtStep(20), 2).ok());
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder + "/step-000020")) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 5u);
  for (const fs::path& file : files) {
    std::stringstream bytes;
    bytes << std::ifstream(file, std::ios::binary).rdbuf();
    std::string damaged = bytes.str();
    damaged[damaged.size() / 2] ^= 0x10;
    for (const std::string& content : {damaged, damaged.substr(0, damaged.size() / 2), std::string()}) {
      if (file.filename() == "manifest.json" && content == damaged) continue;  // may still be JSON
      std::ofstream(file, std::ios::binary) << content;
      ExpectStep(ReadNewestCheckpoint(folder), 10);
    }
    fs::remove(file);
    ExpectStep(ReadNewestCheckpoint(folder), 10);
    std::ofstream(file, std::ios::binary) << bytes.str();
    ExpectStep(ReadNewestCheckpoint(folder), 20);
  }
}

TEST(Checkpoint, KeepsTheNewestOnes) {
  const std::string folder = FreshFolder("keep");
  for (const int64_t step : {10, 20, 30}) ASSERT_TRUE(WriteCheckpoint(folder, AtStep(step), 2).ok());
  EXPECT_EQ(Folders(folder), (std::set<std::string>{"step-000020", "step-000030"}));
}

// A run that fell back to an older checkpoint, because the newest was damaged, must not lose what it writes
// before it reaches that step again.
TEST(Checkpoint, NeverRemovesTheOneJustWritten) {
  const std::string folder = FreshFolder("just_written");
  ASSERT_TRUE(WriteCheckpoint(folder, AtStep(10), 2).ok());
  ASSERT_TRUE(WriteCheckpoint(folder, AtStep(30), 2).ok());
  std::ofstream(folder + "/step-000030/first_moment.f32") << "damaged";
  ASSERT_TRUE(WriteCheckpoint(folder, AtStep(20), 1).ok());
  ExpectStep(ReadNewestCheckpoint(folder), 20);
}

// An older one is not taken instead: steps would be lost without a word.
TEST(Checkpoint, RefusesTheFormatOfAnotherVersion) {
  const std::string folder = FreshFolder("format");
  for (const int64_t step : {10, 20}) ASSERT_TRUE(WriteCheckpoint(folder, AtStep(step), 2).ok());
  const std::string manifest = folder + "/step-000020/manifest.json";
  std::stringstream text;
  text << std::ifstream(manifest).rdbuf();
  std::string old = text.str();
  const std::string format = "\"format\": 2";
  ASSERT_NE(old.find(format), std::string::npos);
  std::ofstream(manifest) << old.replace(old.find(format), format.size(), "\"format\": 1");
  const absl::Status status = ReadNewestCheckpoint(folder).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("step-000020: written by another version of entrain (format 1)"),
            std::string::npos)
      << status;
}

TEST(Checkpoint, SaysThatThereIsNone) {
  EXPECT_TRUE(absl::IsNotFound(ReadNewestCheckpoint(FreshFolder("none")).status()));
  EXPECT_TRUE(absl::IsNotFound(ReadNewestCheckpoint("/nowhere").status()));
}

}  // namespace
}  // namespace entrain
