#include "services/main/process.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "common/log.h"

namespace entrain {

void BeginProcess(const std::string& name) {
  SetLogProcessName(name);
  const pid_t parent = getppid();
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) raise(SIGTERM);  // it died in between
}

void AnnounceListening(const std::string& process, const std::string& grpc, const std::string& http) {
  nlohmann::ordered_json line;
  line["event"] = "listening";
  line["process"] = process;
  if (!grpc.empty()) line["grpc"] = grpc;
  if (!http.empty()) line["http"] = http;
  std::cout << line.dump() << std::endl;
}

int ExitStatus(const absl::Status& status) {
  if (status.ok() || absl::IsCancelled(status)) return 0;
  LogError("failed", {{"why", std::string(status.message())}});
  return 1;
}

int UsageStatus(const absl::Status& status) {
  std::cerr << status.message() << "\n";
  return 2;
}

}  // namespace entrain
