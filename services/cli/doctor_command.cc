#include <sys/sysinfo.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "services/cli/commands.h"
#include "services/cli/jsonl.h"
#include "services/runtime/http_server.h"
#include "verifier/local_verifier.h"
#include "verifier/sandbox/create_sandbox.h"

namespace entrain {
namespace {

struct Finding {
  std::string what;
  bool ok;
  std::string detail;
};

Finding Programs() {
  std::string missing;
  for (const char* name :
       {"entrain-learner", "entrain-rollout-worker", "entrain-verifier", "entrain-controller",
        "entrain-model", "entrain-sandbox", "entrain-sandbox-python.so"}) {
    if (!std::filesystem::exists(std::filesystem::path(BinFolder()) / name))
      absl::StrAppend(&missing, missing.empty() ? "" : ", ", name);
  }
  return {"programs", missing.empty(), missing.empty() ? BinFolder() : "missing: " + missing};
}

Finding Processor() {
  std::ifstream file("/proc/cpuinfo");
  std::string line, flags;
  while (std::getline(file, line)) {
    if (line.rfind("flags", 0) == 0) flags = line;
  }
  std::string found;
  for (const char* flag : {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}) {
    if (flags.find(flag) != std::string::npos) absl::StrAppend(&found, " ", flag);
  }
  return {"processor", true,
          absl::StrFormat("%d cores,%s", std::thread::hardware_concurrency(),
                          found.empty() ? " no AVX2" : found)};
}

Finding Memory() {
  struct sysinfo info {};
  sysinfo(&info);
  const double gib = static_cast<double>(info.totalram) * info.mem_unit / (1 << 30);
  return {"memory", gib >= 2, absl::StrFormat("%.1f GiB%s", gib, gib >= 2 ? "" : ", expected at least 2")};
}

Finding Ports() {
  const auto server = HttpServer::Start({.listen = "127.0.0.1:0"});
  return {"ports", server.ok(),
          server.ok() ? absl::StrCat("loopback can be listened on (", (*server)->address(), ")")
                      : std::string(server.status().message())};
}

Finding Verifiers() {
  const VerifyItem items[] = {{.verifier = "math", .completion = "#### 0.5", .answer = "\\frac{1}{2}"},
                              {.verifier = "countdown",
                               .completion = "45+92",
                               .answer = "137",
                               .options_json = R"({"terms": 2, "digits": 2})"},
                              {.verifier = "exact", .completion = "a", .answer = "b"}};
  const auto verdicts = CreateLocalVerifier()->Verify(items, absl::Seconds(5));
  const bool ok = verdicts.ok() && (*verdicts)[0].kind == VerdictKind::kCorrect &&
                  (*verdicts)[1].kind == VerdictKind::kCorrect && (*verdicts)[2].kind == VerdictKind::kWrong;
  return {"verifiers", ok, ok ? "judge as they should" : "a known answer was judged wrongly"};
}

// Which layers confine judged programs here; and, without namespaces, why there are none.
Finding Confinement() {
  SandboxOptions options;
  options.helper_folder = BinFolder();
  options.python_programs = {{"nothing", "pass"}};
  const auto sandbox = CreateSandbox(options);
  if (!sandbox.ok()) return {"sandbox", false, std::string(sandbox.status().message())};
  std::string detail = absl::StrJoin((*sandbox)->layers(), ", ");
  options.way = SandboxWay::kBubblewrap;
  const absl::Status namespaces = CreateSandbox(options).status();
  if (!namespaces.ok()) absl::StrAppend(&detail, "; ", namespaces.message());
  return {"sandbox", true, detail};
}

int Doctor(bool json) {
  const Finding findings[] = {Programs(),   Processor(),
                              Memory(),     Ports(),
                              Verifiers(),  {"device", true, "cpu (this build has no CUDA network)"},
                              Confinement()};
  bool all = true;
  for (const Finding& finding : findings) {
    all = all && finding.ok;
    if (json) {
      std::cout << nlohmann::ordered_json{{"check", finding.what},
                                          {"ok", finding.ok},
                                          {"detail", finding.detail}}
                       .dump()
                << "\n";
    } else {
      std::cout << absl::StrFormat("%-4s %-10s %s\n", finding.ok ? "ok" : "BAD", finding.what,
                                   finding.detail);
    }
  }
  return all ? 0 : 1;
}

}  // namespace

void AddDoctorCommand(CLI::App& app, CommandAction& action) {
  auto json = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand(
      "doctor", "What this machine has: programs, processor, memory, ports, verifiers, sandbox");
  command->add_flag("--json", *json, "One JSON object a check");
  command->callback([json, &action] { action = [json] { return Doctor(*json); }; });
}

}  // namespace entrain
