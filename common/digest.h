#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/strings/string_view.h"

namespace entrain {

// SHA-256, the one digest of the project: weights, configs, files, idempotency keys. Thread-compatible.
class Digester {
 public:
  Digester();
  ~Digester();
  Digester(const Digester&) = delete;
  Digester& operator=(const Digester&) = delete;
  void Update(std::span<const std::byte> bytes);
  void Update(absl::string_view text);
  // Lower-case hexadecimal, 64 characters. One of the two may be called, once.
  std::string Finish();
  std::array<std::byte, 32> FinishBytes();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string DigestOf(absl::string_view bytes);
std::string DigestOf(std::span<const float> values);

}  // namespace entrain
