#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "common/digest.h"
#include "entrain/learner/v1/learner_service.pb.h"
#include "policy/snapshot.h"

namespace entrain {

// Puts a stream of FetchWeightsResponse together: manifest, chunks, trailer. Every failure is DataLoss and
// says what was expected and what came. Single-threaded.
class WeightsReceiver {
 public:
  explicit WeightsReceiver(PolicyVersion version) : version_(version) {}
  absl::Status Add(const learner::v1::FetchWeightsResponse& message);
  // After the stream has ended well. The digest of the bytes received is checked against the trailer.
  absl::StatusOr<std::shared_ptr<const WeightsSnapshot>> Finish();

 private:
  absl::Status Begin(const learner::v1::WeightsManifest& manifest);
  absl::Status Append(const std::string& chunk);

  const PolicyVersion version_;
  std::optional<learner::v1::WeightsManifest> manifest_;
  std::optional<std::string> digest_;
  std::vector<float> values_;
  size_t received_bytes_ = 0;
  Digester digester_;
};

}  // namespace entrain
