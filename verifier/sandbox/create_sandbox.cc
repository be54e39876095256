#include "verifier/sandbox/create_sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "verifier/sandbox/confine/file_access.h"
#include "verifier/sandbox/helper_process.h"
#include "verifier/sandbox/local_run.h"

namespace entrain {
namespace {

// Nobody's: Debian reserves 65000 to 65533. Two sandboxes of root share a machine with different ones,
// mostly.
uid_t UnusedUser() { return 65000 + static_cast<uid_t>(getpid()) % 500; }

std::string HelperFolder(const std::string& given) {
  if (!given.empty()) return given;
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  return std::filesystem::exists(self / "entrain-sandbox", error) ? self.string()
                                                                  : (self.parent_path() / "bin").string();
}

// A folder that goes with its owner, once it is empty.
class BaseFolder {
 public:
  explicit BaseFolder(std::string path) : path_(std::move(path)) {}
  BaseFolder(const BaseFolder&) = delete;
  BaseFolder& operator=(const BaseFolder&) = delete;
  ~BaseFolder() {
    if (!path_.empty()) rmdir(path_.c_str());
  }
  const std::string& path() const { return path_; }

  static absl::StatusOr<std::unique_ptr<BaseFolder>> Make(const SandboxOptions& options, uid_t user) {
    const char* temporary = getenv("TMPDIR");
    const std::string parent = !options.folder.empty() ? options.folder
                               : temporary != nullptr  ? temporary
                                                       : "/tmp";
    std::string path = absl::StrCat(parent, "/entrain-sandbox-XXXXXX");
    if (mkdtemp(path.data()) == nullptr || (user != 0 && chown(path.c_str(), user, user) != 0)) {
      return absl::FailedPreconditionError(absl::StrCat(path, ": ", strerror(errno)));
    }
    return std::make_unique<BaseFolder>(path);
  }

 private:
  const std::string path_;
};

// What a probe run may do that it must not, or "".
std::string Holes(int code) {
  std::vector<std::string> holes;
  const char* const names[] = {"a socket can be made",          "files outside can be read",
                               "files outside can be written",  "its parent can be signalled",
                               "its own folder cannot be used", "namespaces can be made"};
  for (int bit = 0; bit < 6; ++bit) {
    if (code & (1 << bit)) holes.emplace_back(names[bit]);
  }
  return absl::StrJoin(holes, ", ");
}

absl::Status Probe(HelperProcess& helper) {
  SandboxRequest request;
  request.limits.wall = absl::Seconds(10);
  auto run = LocalRun::Start(helper, request, /*probe=*/true);
  if (!run.ok()) return run.status();
  const auto outcome = (*run)->Wait();
  if (!outcome.ok()) return outcome.status();
  if (outcome->end == RunEnd::kExited && outcome->code == 0) return absl::OkStatus();
  if (outcome->end == RunEnd::kExited) return absl::FailedPreconditionError(Holes(outcome->code));
  return absl::FailedPreconditionError(
      absl::StrCat("a probe run ended with signal ", outcome->code, outcome->limit));
}

class LocalSandbox : public Sandbox {
 public:
  LocalSandbox(const SandboxOptions& options, bool namespaces, uid_t user, std::unique_ptr<BaseFolder> base)
      : base_(std::move(base)), namespaces_(namespaces), user_(user) {
    HelperOptions helper{.folder = HelperFolder(options.helper_folder),
                         .namespaces = namespaces,
                         .user = user,
                         .base_path = base_ == nullptr ? "" : base_->path(),
                         .readable = options.readable};
    plain_ = std::make_unique<HelperProcess>(helper);
    if (options.python_programs.empty()) return;
    helper.python = true;
    helper.python_path = options.python;
    helper.python_programs =
        nlohmann::json{{"imports", options.python_imports}, {"programs", options.python_programs}}.dump();
    for (const auto& [name, source] : options.python_programs) names_.push_back(name);
    python_ = std::make_unique<HelperProcess>(helper);
  }

  // Starts everything, so that the first run is as quick as the others.
  absl::Status Try() {
    if (absl::Status tried = Probe(*plain_); !tried.ok()) return tried;
    return python_ == nullptr ? absl::OkStatus() : Probe(*python_);
  }

  absl::StatusOr<std::unique_ptr<SandboxRun>> Start(const SandboxRequest& request) override {
    if (request.python_program.empty()) return LocalRun::Start(*plain_, request, /*probe=*/false);
    if (std::find(names_.begin(), names_.end(), request.python_program) == names_.end()) {
      return absl::InvalidArgumentError(absl::StrCat("sandbox: no Python program \"", request.python_program,
                                                     "\"; there are: ", absl::StrJoin(names_, ", ")));
    }
    return LocalRun::Start(*python_, request, /*probe=*/false);
  }

  std::vector<std::string> layers() const override {
    std::vector<std::string> layers;
    if (namespaces_) layers.emplace_back("bubblewrap (user, pid, mount, net, ipc, uts namespaces)");
    const int abi = confine::FileAccess::Abi();
    if (abi > 0) layers.push_back(absl::StrCat("landlock (ABI ", abi, ")"));
    layers.emplace_back("seccomp");
    layers.emplace_back("rlimits");
    if (user_ != 0) layers.push_back(absl::StrCat("user ", user_));
    return layers;
  }

 private:
  const std::unique_ptr<BaseFolder> base_;  // outlives the helpers
  const bool namespaces_;
  const uid_t user_;
  std::vector<std::string> names_;
  std::unique_ptr<HelperProcess> plain_, python_;
};

absl::StatusOr<std::unique_ptr<Sandbox>> Try(const SandboxOptions& options, bool namespaces) {
  const uid_t user = geteuid() == 0 ? UnusedUser() : 0;
  std::unique_ptr<BaseFolder> base;
  if (!namespaces) {
    auto made = BaseFolder::Make(options, user);
    if (!made.ok()) return made.status();
    base = *std::move(made);
  }
  auto sandbox = std::make_unique<LocalSandbox>(options, namespaces, user, std::move(base));
  if (absl::Status tried = sandbox->Try(); !tried.ok()) return tried;
  return sandbox;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Sandbox>> CreateSandbox(const SandboxOptions& options) {
  std::vector<std::string> failures;
  for (const auto& [way, name] :
       {std::pair{SandboxWay::kBubblewrap, "bubblewrap"}, std::pair{SandboxWay::kLandlock, "landlock"}}) {
    if (options.way != SandboxWay::kAuto && options.way != way) continue;
    auto sandbox = Try(options, way == SandboxWay::kBubblewrap);
    if (sandbox.ok()) return sandbox;
    failures.push_back(absl::StrCat("with ", name, ": ", sandbox.status().message()));
  }
  return absl::FailedPreconditionError(
      absl::StrCat("programs cannot be confined on this machine; ", absl::StrJoin(failures, "; ")));
}

}  // namespace entrain
