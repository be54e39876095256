#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "verifier/sandbox/create_sandbox.h"

namespace entrain {

struct Ran {
  SandboxOutcome outcome;
  std::string output, error_output;
  absl::Duration took;
};

// Both ways to confine; a way that this machine cannot set up is skipped by name.
inline std::string WayName(SandboxWay way) {
  return way == SandboxWay::kBubblewrap ? "bubblewrap" : "landlock";
}

// Reads all output as a judge would, then waits.
inline Ran Finish(SandboxRun& run) {
  Ran ran;
  const absl::Time start = absl::Now();
  run.CloseInput();
  std::string* texts[] = {&ran.output, &ran.error_output};
  pollfd events[] = {{run.output(), POLLIN, 0}, {run.error_output(), POLLIN, 0}};
  while (events[0].fd >= 0 || events[1].fd >= 0) {
    if (poll(events, 2, 60'000) == 0) {
      ADD_FAILURE() << "a run keeps its output open";
      break;
    }
    for (int i = 0; i < 2; ++i) {
      if (events[i].fd < 0 || events[i].revents == 0) continue;
      char buffer[65536];
      const ssize_t got = read(events[i].fd, buffer, sizeof(buffer));
      if (got > 0 && run.CountOutput(got)) texts[i]->append(buffer, static_cast<size_t>(got));
      if (got == 0) events[i].fd = -1;
    }
  }
  const auto outcome = run.Wait();
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  if (outcome.ok()) ran.outcome = *outcome;
  ran.took = absl::Now() - start;
  return ran;
}

inline Ran RunRequest(Sandbox& sandbox, const SandboxRequest& request) {
  auto run = sandbox.Start(request);
  EXPECT_TRUE(run.ok()) << run.status();
  return run.ok() ? Finish(**run) : Ran{};
}

// Runs the file `item.py` of its working folder: what a test has written there.
inline constexpr char kRunItem[] = "exec(compile(open('item.py').read(), 'item.py', 'exec'))";

inline SandboxRequest PythonRequest(const std::string& source, const SandboxLimits& limits = {}) {
  SandboxRequest request;
  request.python_program = "item";
  request.files = {{"item.py", source}};
  request.limits = limits;
  return request;
}

}  // namespace entrain
