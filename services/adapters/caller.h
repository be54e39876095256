#pragma once

#include <grpcpp/server_context.h>

#include <string>

namespace entrain {

// Who calls, for the history: the name in a verified certificate, else "unverified:" and what the caller
// calls itself in the metadata key kUserKey.
std::string AuthorOf(const grpc::CallbackServerContext& context);

// Who takes a turn, where callers share something: as AuthorOf, but a caller without a name is its machine's
// address: all its connections take one turn.
std::string ClientOf(const grpc::CallbackServerContext& context);

}  // namespace entrain
