#include "services/convert/utf8.h"

#include <cstddef>
#include <cstdint>

namespace entrain {
namespace {

struct Lead {
  size_t length;  // of the whole sequence; 0: no lead byte
  uint8_t low;    // range of the second byte (Unicode 15, table 3-7)
  uint8_t high;
};

Lead LeadOf(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// Bytes from `at` on that form a valid sequence or the beginning of one.
size_t ValidPrefix(absl::string_view text, size_t at, const Lead& lead) {
  size_t n = 1;
  while (n < lead.length && at + n < text.size()) {
    const uint8_t byte = static_cast<uint8_t>(text[at + n]);
    const uint8_t low = n == 1 ? lead.low : 0x80;
    const uint8_t high = n == 1 ? lead.high : 0xBF;
    if (byte < low || byte > high) break;
    ++n;
  }
  return n;
}

}  // namespace

std::string ToUtf8(absl::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const Lead lead = LeadOf(static_cast<uint8_t>(text[i]));
    const size_t n = ValidPrefix(text, i, lead);
    if (n == lead.length) {
      result.append(text.data() + i, n);
    } else {
      result.append("\xEF\xBF\xBD");
    }
    i += n;
  }
  return result;
}

}  // namespace entrain
