#include "services/adapters/weights_stream.h"

#include <algorithm>
#include <bit>

namespace entrain {
namespace {

using learner::v1::FetchWeightsResponse;
static_assert(std::endian::native == std::endian::little, "weights travel as they lie in memory");

class WeightsWriter final : public grpc::ServerWriteReactor<FetchWeightsResponse> {
 public:
  explicit WeightsWriter(std::shared_ptr<const WeightsSnapshot> snapshot)
      : snapshot_(std::move(snapshot)), size_(snapshot_->values.size() * sizeof(float)) {
    learner::v1::WeightsManifest& manifest = *message_.mutable_manifest();
    manifest.set_policy_version(snapshot_->version);
    manifest.set_dtype(learner::v1::WEIGHTS_DTYPE_FLOAT32);
    manifest.set_num_values(static_cast<int64_t>(snapshot_->values.size()));
    manifest.set_size_bytes(static_cast<int64_t>(size_));
    manifest.set_chunk_size_bytes(static_cast<int32_t>(kWeightsChunkBytes));
    StartWrite(&message_);
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the receiver went away"));
    if (trailer_sent_) return Finish(grpc::Status::OK);
    message_.Clear();
    if (sent_ < size_) {
      const size_t n = std::min(kWeightsChunkBytes, size_ - sent_);
      message_.set_chunk(reinterpret_cast<const char*>(snapshot_->values.data()) + sent_, n);
      sent_ += n;
    } else {
      message_.mutable_trailer()->set_digest(snapshot_->digest);
      trailer_sent_ = true;
    }
    StartWrite(&message_);
  }

  void OnDone() override { delete this; }

 private:
  const std::shared_ptr<const WeightsSnapshot> snapshot_;
  const size_t size_;
  size_t sent_ = 0;
  bool trailer_sent_ = false;
  FetchWeightsResponse message_;
};

class Refusal final : public grpc::ServerWriteReactor<FetchWeightsResponse> {
 public:
  explicit Refusal(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerWriteReactor<FetchWeightsResponse>* StreamWeights(
    std::shared_ptr<const WeightsSnapshot> snapshot) {
  return new WeightsWriter(std::move(snapshot));
}

grpc::ServerWriteReactor<FetchWeightsResponse>* RefuseWeights(const grpc::Status& status) {
  return new Refusal(status);
}

}  // namespace entrain
