// What confining costs: a trivial Python program, from its start until nothing of it is left, against the
// bare start of the same interpreter.
//
//   build/release/bin/sandbox_bench [seconds]
//
// "one at a time" is the median wall time; "all cores" is the wall time of an item with as many threads as
// cores at work, which is what it costs in processor time, kernel and keeper included. The three kinds take
// turns, so that a busy machine is busy for all. Expect ratios below 1; 1.5 is the promise
// (docs/performance.md).
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "verifier/sandbox/create_sandbox.h"

namespace entrain {
namespace {

constexpr char kPython[] = "/usr/bin/python3";

void BareStart() {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  const char* const argv[] = {kPython, "-c", "pass", nullptr};
  pid_t process = -1;
  if (posix_spawn(&process, kPython, &actions, nullptr, const_cast<char**>(argv), environ) != 0) std::abort();
  waitpid(process, nullptr, 0);
  posix_spawn_file_actions_destroy(&actions);
}

void ConfinedRun(Sandbox& sandbox) {
  SandboxRequest request;
  request.python_program = "item";
  request.files = {{"item.py", "print(1)\n"}};
  auto run = sandbox.Start(request);
  if (!run.ok()) std::abort();
  (*run)->CloseInput();
  const auto outcome = (*run)->Wait();
  char buffer[8];
  if (!outcome.ok() || outcome->end != RunEnd::kExited ||
      read((*run)->output(), buffer, sizeof(buffer)) != 2) {
    std::fprintf(stderr, "%s %s\n", outcome.status().ToString().c_str(),
                 outcome.ok() ? outcome->limit.c_str() : "");
    std::abort();
  }
}

double Microseconds(absl::Duration time) { return absl::ToDoubleMicroseconds(time); }

struct Kind {
  std::string name;
  std::function<void()> once;
  std::vector<double> alone_us, loaded_us;

  void Alone(absl::Duration time) {
    for (const absl::Time end = absl::Now() + time; absl::Now() < end;) {
      const absl::Time start = absl::Now();
      once();
      alone_us.push_back(Microseconds(absl::Now() - start));
    }
  }
  void Loaded(absl::Duration time) {
    const absl::Time start = absl::Now();
    std::atomic<int> items = 0;
    {
      std::vector<std::jthread> threads;
      for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i) {
        threads.emplace_back([&] {
          for (; absl::Now() < start + time; ++items) once();
        });
      }
    }
    loaded_us.push_back(Microseconds(absl::Now() - start) / items);
  }
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

int Main(double seconds) {
  std::vector<std::unique_ptr<Sandbox>> sandboxes;
  std::vector<Kind> kinds = {{"python3 -c pass", BareStart}};
  for (const auto& [way, name] :
       {std::pair{SandboxWay::kBubblewrap, "bubblewrap"}, std::pair{SandboxWay::kLandlock, "landlock"}}) {
    SandboxOptions options;
    options.way = way;
    options.python_programs = {{"item", "exec(compile(open('item.py').read(), 'item.py', 'exec'))"}};
    auto sandbox = CreateSandbox(options);
    if (!sandbox.ok()) {
      std::printf("skipped: %s\n", sandbox.status().ToString().c_str());
      continue;
    }
    Sandbox* const one = sandbox->get();
    kinds.push_back({name, [one] { ConfinedRun(*one); }});
    sandboxes.push_back(*std::move(sandbox));
  }
  constexpr int kTurns = 9;
  const absl::Duration turn = absl::Seconds(seconds) / (2.0 * kTurns * static_cast<double>(kinds.size()));
  for (int i = 0; i < kTurns; ++i) {
    for (Kind& kind : kinds) kind.Alone(turn);
    for (Kind& kind : kinds) kind.Loaded(turn);
  }
  std::printf("%-16s %20s %8s %20s %8s\n", "", "one at a time", "ratio", "all cores", "ratio");
  for (const Kind& kind : kinds) {
    const double alone = Median(kind.alone_us), loaded = Median(kind.loaded_us);
    std::printf("%-16s %17.0f us %8.2f %17.0f us %8.2f\n", kind.name.c_str(), alone,
                alone / Median(kinds[0].alone_us), loaded, loaded / Median(kinds[0].loaded_us));
  }
  return 0;
}

}  // namespace
}  // namespace entrain

int main(int argc, char** argv) { return entrain::Main(argc > 1 ? std::atof(argv[1]) : 10); }
