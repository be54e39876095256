#include "policy/safetensors.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace entrain {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // what the format's own library allows

absl::Status Damaged(const std::string& path, uint64_t offset, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(path, ": byte ", offset, ": ", what));
}

int BytesOf(const std::string& dtype) {
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") return 2;
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "BOOL" || dtype == "U8" || dtype == "I8" || dtype == "F8_E4M3" || dtype == "F8_E5M2") return 1;
  return 0;
}

bool IsWhole(const Json& value) {
  return value.is_number_unsigned() || (value.is_number_integer() && value.get<int64_t>() >= 0);
}

// One entry of the header; `data_begin` is the file offset of tensor byte 0.
absl::StatusOr<TensorEntry> ParseEntry(const std::string& path, const std::string& name, const Json& json,
                                       uint64_t data_begin, uint64_t file_size) {
  const auto wrong = [&](absl::string_view what) {
    return Damaged(path, 8, absl::StrCat("header entry \"", name.substr(0, 100), "\": ", what));
  };
  if (!json.is_object() || !json.contains("dtype") || !json["dtype"].is_string() || !json.contains("shape") ||
      !json["shape"].is_array() || !json.contains("data_offsets") || !json["data_offsets"].is_array() ||
      json["data_offsets"].size() != 2) {
    return wrong("expected dtype, shape and two data_offsets");
  }
  TensorEntry entry{.dtype = json["dtype"].get<std::string>()};
  const int width = BytesOf(entry.dtype);
  if (width == 0) return wrong("unknown dtype");
  uint64_t bytes = static_cast<uint64_t>(width);
  for (const Json& extent : json["shape"]) {
    if (!IsWhole(extent) || extent.get<uint64_t>() > (uint64_t{1} << 40))
      return wrong("a shape that is no list of sizes");
    entry.shape.push_back(extent.get<int64_t>());
    if (__builtin_mul_overflow(bytes, extent.get<uint64_t>(), &bytes))
      return wrong("a shape beyond any file");
  }
  const Json& offsets = json["data_offsets"];
  if (!IsWhole(offsets[0]) || !IsWhole(offsets[1])) return wrong("data_offsets that are no sizes");
  const uint64_t begin = offsets[0].get<uint64_t>(), end = offsets[1].get<uint64_t>();
  if (begin > end || end > file_size - data_begin) {
    return Damaged(
        path, file_size,
        absl::StrCat("the file ends inside tensor \"", name.substr(0, 100), "\", which ends at byte ",
                     end > UINT64_MAX - data_begin ? end : data_begin + end));
  }
  if (end - begin != bytes)
    return wrong(absl::StrCat("shape and dtype need ", bytes, " bytes, data_offsets span ", end - begin));
  entry.begin = data_begin + begin;
  entry.end = data_begin + end;
  return entry;
}

absl::Status CheckOverlap(const std::string& path, const std::map<std::string, TensorEntry>& entries) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const auto& [name, entry] : entries) {
    if (entry.end > entry.begin) ranges.emplace_back(entry.begin, entry.end);
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) return Damaged(path, ranges[i].first, "two tensors overlap");
  }
  return absl::OkStatus();
}

float FromBf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

float FromF16(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1Fu, mantissa = bits & 0x3FFu;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000u | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float tiny = static_cast<float>(mantissa) * 0x1.0p-24f;  // subnormal or zero
  return sign != 0 ? -tiny : tiny;
}

}  // namespace

absl::StatusOr<std::map<std::string, TensorEntry>> ReadSafetensorsHeader(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be read: ", std::strerror(errno)));
  std::error_code error;
  const uint64_t file_size = std::filesystem::file_size(path, error);
  if (error) return absl::NotFoundError(absl::StrCat(path, ": ", error.message()));
  unsigned char prefix[8];
  if (file_size < 8 || !file.read(reinterpret_cast<char*>(prefix), 8))
    return Damaged(path, file_size, "too short for a safetensors file");
  uint64_t header_size = 0;
  for (int i = 7; i >= 0; --i) header_size = header_size << 8 | prefix[i];
  if (header_size > kMaxHeaderBytes || header_size > file_size - 8) {
    return Damaged(path, 0,
                   absl::StrCat("a header of ", header_size, " bytes does not fit in a file of ", file_size));
  }
  std::string header(header_size, '\0');
  if (!file.read(header.data(), static_cast<std::streamsize>(header_size)))
    return Damaged(path, 8, "the header cannot be read");
  // A header is two levels deep; a hostile one may nest without end.
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth <= 4; };
  const Json json = Json::parse(header, shallow, /*allow_exceptions=*/false);
  if (!json.is_object()) return Damaged(path, 8, "the header is no JSON object");
  std::map<std::string, TensorEntry> entries;
  for (const auto& [name, value] : json.items()) {
    if (name == "__metadata__") continue;
    ENTRAIN_ASSIGN_OR_RETURN(entries[name], ParseEntry(path, name, value, 8 + header_size, file_size));
  }
  ENTRAIN_RETURN_IF_ERROR(CheckOverlap(path, entries));
  return entries;
}

absl::Status ReadTensor(const std::string& path, const std::string& name, const TensorEntry& entry,
                        std::span<float> out) {
  if (entry.dtype != "F32" && entry.dtype != "BF16" && entry.dtype != "F16") {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": tensor \"", name, "\": expected dtype F32, BF16 or F16, found ", entry.dtype));
  }
  const uint64_t bytes = entry.end - entry.begin;
  if (bytes != out.size() * static_cast<uint64_t>(BytesOf(entry.dtype))) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": tensor \"", name, "\": expected ", out.size(), " values"));
  }
  std::ifstream file(path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(entry.begin));
  if (entry.dtype == "F32") {
    if (!file.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(bytes)))
      return Damaged(path, entry.begin, "cannot be read");
    return absl::OkStatus();
  }
  std::vector<uint16_t> half(out.size());
  if (!file.read(reinterpret_cast<char*>(half.data()), static_cast<std::streamsize>(bytes)))
    return Damaged(path, entry.begin, "cannot be read");
  std::transform(half.begin(), half.end(), out.begin(), entry.dtype == "BF16" ? FromBf16 : FromF16);
  return absl::OkStatus();
}

absl::Status WriteSafetensors(const std::string& path, std::span<const TensorView> tensors) {
  nlohmann::ordered_json header;
  header["__metadata__"] = {{"format", "pt"}};
  uint64_t offset = 0;
  for (const TensorView& tensor : tensors) {
    const uint64_t bytes = tensor.values.size() * sizeof(float);
    header[tensor.name] = {
        {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string prefix(8, '\0');
  for (size_t i = 0; i < 8; ++i) prefix[i] = static_cast<char>(text.size() >> (8 * i));
  std::vector<std::string> parts = {prefix, text};
  for (const TensorView& tensor : tensors) {
    parts.emplace_back(reinterpret_cast<const char*>(tensor.values.data()),
                       tensor.values.size() * sizeof(float));
  }
  return WriteFileAtomically(path, parts);
}

absl::Status WriteFileAtomically(const std::string& path, std::span<const std::string> parts) {
  const std::string beside = absl::StrCat(path, ".part");
  const auto failed = [&](absl::string_view what) {
    const absl::Status status =
        absl::UnavailableError(absl::StrCat(beside, ": ", what, ": ", std::strerror(errno)));
    unlink(beside.c_str());
    return status;
  };
  const int file = open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0)
    return absl::UnavailableError(absl::StrCat(beside, ": cannot be written: ", std::strerror(errno)));
  for (const std::string& part : parts) {
    for (size_t done = 0; done < part.size();) {
      const ssize_t written = write(file, part.data() + done, part.size() - done);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) {
        const absl::Status status = failed("cannot be written");
        close(file);
        return status;
      }
      done += static_cast<size_t>(written);
    }
  }
  if (fsync(file) != 0) {
    const absl::Status status = failed("cannot be synced");
    close(file);
    return status;
  }
  if (close(file) != 0) return failed("cannot be closed");
  if (rename(beside.c_str(), path.c_str()) != 0) return failed("cannot be renamed");
  // The rename itself must survive a power loss too.
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const int folder = open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);
    close(folder);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadWholeFile(const std::string& path, uint64_t limit_bytes) {
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error) return absl::NotFoundError(absl::StrCat(path, ": ", error.message()));
  if (size > limit_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": expected at most ", limit_bytes, " bytes, found ", size));
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes(size, '\0');
  if (!file.read(bytes.data(), static_cast<std::streamsize>(size)))
    return absl::DataLossError(absl::StrCat(path, ": cannot be read to its end"));
  return bytes;
}

}  // namespace entrain
