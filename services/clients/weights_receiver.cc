#include "services/clients/weights_receiver.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace entrain {
namespace {

static_assert(std::endian::native == std::endian::little, "weights travel as they lie in memory");

// 2^36 parameters; what a hostile manifest could make us reserve is bounded by what is received, see Append.
constexpr int64_t kMaxValues = int64_t{1} << 36;
constexpr size_t kReserveAtMost = size_t{1} << 30;

}  // namespace

absl::Status WeightsReceiver::Add(const learner::v1::FetchWeightsResponse& message) {
  using Response = learner::v1::FetchWeightsResponse;
  if (digest_) return absl::DataLossError("weights: a message came after the trailer");
  if (message.piece_case() == Response::kManifest) return Begin(message.manifest());
  if (!manifest_) return absl::DataLossError("weights: expected the manifest first, found another piece");
  if (message.piece_case() == Response::kChunk) return Append(message.chunk());
  if (message.piece_case() != Response::kTrailer)
    return absl::DataLossError("weights: a message without a piece");
  digest_ = message.trailer().digest();
  return absl::OkStatus();
}

absl::Status WeightsReceiver::Begin(const learner::v1::WeightsManifest& manifest) {
  if (manifest_) return absl::DataLossError("weights: a second manifest");
  if (manifest.policy_version() != version_) {
    return absl::DataLossError(
        absl::StrCat("weights: expected policy version ", version_, ", found ", manifest.policy_version()));
  }
  if (manifest.dtype() != learner::v1::WEIGHTS_DTYPE_FLOAT32) {
    return absl::DataLossError(
        absl::StrCat("weights: expected float32, found dtype ", static_cast<int>(manifest.dtype())));
  }
  if (manifest.num_values() < 0 || manifest.num_values() > kMaxValues ||
      manifest.size_bytes() != manifest.num_values() * static_cast<int64_t>(sizeof(float))) {
    return absl::DataLossError(absl::StrCat("weights: a manifest of ", manifest.num_values(),
                                            " float32 values in ", manifest.size_bytes(), " bytes"));
  }
  manifest_ = manifest;
  values_.reserve(std::min(static_cast<size_t>(manifest.num_values()), kReserveAtMost / sizeof(float)));
  return absl::OkStatus();
}

absl::Status WeightsReceiver::Append(const std::string& chunk) {
  const size_t expected = static_cast<size_t>(manifest_->size_bytes());
  if (chunk.size() > expected - received_bytes_) {
    return absl::DataLossError(absl::StrCat("weights: expected ", expected, " bytes, found more"));
  }
  if (chunk.size() % sizeof(float) != 0) {
    return absl::DataLossError(absl::StrCat("weights: a chunk of ", chunk.size(), " bytes splits a value"));
  }
  digester_.Update(absl::string_view(chunk));
  const size_t old = values_.size();
  values_.resize(old + chunk.size() / sizeof(float));
  if (!chunk.empty()) std::memcpy(values_.data() + old, chunk.data(), chunk.size());
  received_bytes_ += chunk.size();
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const WeightsSnapshot>> WeightsReceiver::Finish() {
  if (!manifest_ || !digest_) return absl::DataLossError("weights: the stream ended before its trailer");
  if (received_bytes_ != static_cast<size_t>(manifest_->size_bytes())) {
    return absl::DataLossError(
        absl::StrCat("weights: expected ", manifest_->size_bytes(), " bytes, found ", received_bytes_));
  }
  std::string digest = digester_.Finish();
  if (digest != *digest_) {
    return absl::DataLossError(
        absl::StrCat("weights of version ", version_, ": expected digest ", *digest_, ", found ", digest));
  }
  auto snapshot = std::make_shared<WeightsSnapshot>();
  snapshot->version = version_;
  snapshot->values = std::move(values_);
  snapshot->digest = std::move(digest);
  return snapshot;
}

}  // namespace entrain
