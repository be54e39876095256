#pragma once

namespace entrain {

// gRPC metadata key in which a caller says what it calls itself. Believed only where no certificate says it.
inline constexpr char kUserKey[] = "entrain-user";

}  // namespace entrain
