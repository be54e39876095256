#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace entrain {

// Where a server listens or a client calls.
struct HostPort {
  std::string host;  // name, IPv4, or IPv6 without brackets
  uint16_t port = 0;
  // "127.0.0.1:80", "[::1]:80".
  std::string ToString() const;
};

// "host:port", "[v6]:port". InvalidArgument says what was found.
absl::StatusOr<HostPort> ParseHostPort(absl::string_view text);

// 127.0.0.0/8, ::1 and "localhost"; other names are not resolved and count as outside.
bool IsLoopback(absl::string_view host);

// Whether a server could listen there now: binds and lets go again. A port that is 0 is any free one.
// Unavailable says why not: taken, or not an address of this machine.
absl::Status TryListening(const HostPort& address);

}  // namespace entrain
