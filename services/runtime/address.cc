#include "services/runtime/address.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace entrain {

std::string HostPort::ToString() const {
  return absl::StrContains(host, ':') ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

absl::StatusOr<HostPort> ParseHostPort(absl::string_view text) {
  const size_t colon = text.rfind(':');
  absl::string_view host = text.substr(0, colon);
  uint32_t port = 0;
  const bool bracketed = absl::StartsWith(host, "[") && absl::EndsWith(host, "]");
  if (colon == absl::string_view::npos || host.empty() || !absl::SimpleAtoi(text.substr(colon + 1), &port) ||
      port > 65535 || (!bracketed && absl::StrContains(host, ':'))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "address: expected host:port (an IPv6 host in brackets) with a port of 0 to 65535, found \"", text,
        "\""));
  }
  if (bracketed) host = host.substr(1, host.size() - 2);
  return HostPort{.host = std::string(host), .port = static_cast<uint16_t>(port)};
}

bool IsLoopback(absl::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  // Only a dotted quad: "127.example.com" is a name.
  return absl::StartsWith(host, "127.") && host.find_first_not_of("0123456789.") == absl::string_view::npos;
}

absl::Status TryListening(const HostPort& address) {
  const auto cannot = [&](const char* why) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address.ToString(), ": ", why));
  };
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(address.host.c_str(), absl::StrCat(address.port).c_str(), &hints, &found);
  if (failed != 0) return cannot(gai_strerror(failed));
  const int file = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol);
  int error = file < 0 ? errno : 0;
  if (file >= 0) {
    const int yes = 1;  // as the servers do: connections that have ended do not count
    setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(file, found->ai_addr, found->ai_addrlen) != 0 || listen(file, 1) != 0) error = errno;
    close(file);
  }
  freeaddrinfo(found);
  return error == 0 ? absl::OkStatus() : cannot(std::strerror(error));
}

}  // namespace entrain
