#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "policy/generator.h"
#include "policy/snapshot.h"
#include "trajectory/group.h"

namespace entrain {

inline constexpr int32_t kProtocolVersion = 1;

struct JoinRequest {
  int32_t protocol_version = kProtocolVersion;
  std::string worker;  // name
  std::string device;  // "cpu", "cuda:0"
  std::string dtype;   // "float32"
};

// Everything a worker needs to know, given its learner's address alone.
struct JoinReply {
  std::string run_id;
  std::string incarnation;  // changes when the learner restarts
  uint64_t seed = 0;        // of the run: keys of sampling
  SamplingOptions train_sampling;
  SamplingOptions eval_sampling;
  std::map<std::string, std::string> model_files;  // name → bytes: config.json, tokenizer.json, …
  std::string model_files_digest;                  // SHA-256 over name, size and bytes in name order
  std::string verifier_address;  // where to have completions judged; empty: the worker's own setting
  double verify_deadline_seconds = 10;
  int32_t verify_retries = 2;
};

struct LeaseReply {
  std::vector<Lease> leases;  // empty: nothing to do yet, ask again
  bool run_ended = false;     // leave
};

// A rollout worker's way to its learner. Every call may be repeated after a failure. Unavailable: the learner
// is away, back off and Join again when its incarnation changed. Thread-safe.
class LearnerLink {
 public:
  virtual ~LearnerLink() = default;
  // FailedPrecondition on another protocol version.
  virtual absl::StatusOr<JoinReply> Join(const JoinRequest& request) = 0;
  // Long poll: returns as soon as there is work, or empty-handed after at most `wait`. `held_digest`: of the
  // weights the worker holds.
  virtual absl::StatusOr<LeaseReply> LeasePrompts(const std::string& worker, int32_t max_leases,
                                                  const std::string& held_digest, absl::Duration wait) = 0;
  // Returns the ids that are still alive.
  virtual absl::StatusOr<std::vector<std::string>> RenewLeases(const std::string& worker,
                                                               std::span<const std::string> lease_ids) = 0;
  // Gives leases back unfinished, so that others get them at once.
  virtual absl::Status ReturnLeases(const std::string& worker, std::span<const std::string> lease_ids) = 0;
  virtual absl::StatusOr<SubmitResult> SubmitGroup(const Group& group) = 0;
  // NotFound when the learner no longer keeps that version. The digest is checked before it returns (DataLoss
  // otherwise).
  virtual absl::StatusOr<std::shared_ptr<const WeightsSnapshot>> FetchWeights(PolicyVersion version) = 0;
};

}  // namespace entrain
