#pragma once

#include <grpcpp/support/server_callback.h>

#include <memory>

#include "entrain/learner/v1/learner_service.grpc.pb.h"
#include "policy/snapshot.h"

namespace entrain {

inline constexpr size_t kWeightsChunkBytes = size_t{1} << 20;

// The server's side of FetchWeights: manifest, 1 MiB chunks, trailer. Deletes itself when the stream is done;
// holds the snapshot until then.
grpc::ServerWriteReactor<learner::v1::FetchWeightsResponse>* StreamWeights(
    std::shared_ptr<const WeightsSnapshot> snapshot);

// A stream that ends at once with `status`.
grpc::ServerWriteReactor<learner::v1::FetchWeightsResponse>* RefuseWeights(const grpc::Status& status);

}  // namespace entrain
