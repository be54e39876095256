#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace entrain {

// A safetensors file: 8 bytes of header length (little-endian), a JSON header, then the tensors' bytes.
struct TensorEntry {
  std::string dtype;  // "F32", "BF16", "F16", …
  std::vector<int64_t> shape;
  uint64_t begin = 0;  // absolute offset in the file
  uint64_t end = 0;
};

// The header of a file, checked: lengths, offsets inside the file and without overlap, shapes that fit the
// bytes. DataLoss names file and offset.
absl::StatusOr<std::map<std::string, TensorEntry>> ReadSafetensorsHeader(const std::string& path);

// One tensor as float32, from F32, BF16 or F16. `out` has as many values as the shape says.
absl::Status ReadTensor(const std::string& path, const std::string& name, const TensorEntry& entry,
                        std::span<float> out);

struct TensorView {
  std::string name;
  std::vector<int64_t> shape;
  std::span<const float> values;
};

// F32, written beside, synced and renamed.
absl::Status WriteSafetensors(const std::string& path, std::span<const TensorView> tensors);

// Any bytes, written beside, synced and renamed: readers see the old file or the new one.
absl::Status WriteFileAtomically(const std::string& path, std::span<const std::string> parts);
absl::StatusOr<std::string> ReadWholeFile(const std::string& path, uint64_t limit_bytes);

}  // namespace entrain
