#include "verifier/math/runes.h"

namespace entrain {

DecodedRune DecodeRune(absl::string_view text) {
  if (text.empty()) return {};
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {.rune = first, .bytes = 1};
  const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return {};
  char32_t rune = first & (0x7fu >> bytes);
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0u) != 0x80u) return {};
    rune = (rune << 6) | (byte(i) & 0x3fu);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (rune < kLeast[bytes] || rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000)) return {};
  return {.rune = rune, .bytes = bytes};
}

size_t SpaceRuneLength(absl::string_view text) {
  const DecodedRune rune = DecodeRune(text);
  const bool space = rune.rune == 0xa0 || (rune.rune >= 0x2000 && rune.rune <= 0x200f) ||
                     rune.rune == 0x202f || rune.rune == 0x205f || rune.rune == 0x2060 ||
                     (rune.rune >= 0x2061 && rune.rune <= 0x2064) || rune.rune == 0x3000 ||
                     rune.rune == 0xfeff;
  return space ? rune.bytes : 0;
}

size_t SubscriptRuneLength(absl::string_view text) {
  const DecodedRune rune = DecodeRune(text);
  return rune.rune >= 0x2080 && rune.rune <= 0x2089 ? rune.bytes : 0;
}

Superscript ScanSuperscript(absl::string_view text) {
  Superscript out;
  bool negative = false;
  int digits = 0;
  while (digits < 6) {
    const DecodedRune rune = DecodeRune(text.substr(out.bytes));
    int digit = -1;
    if (rune.rune == 0xb9) digit = 1;
    if (rune.rune == 0xb2 || rune.rune == 0xb3) digit = static_cast<int>(rune.rune - 0xb0);
    if (rune.rune == 0x2070 || (rune.rune >= 0x2074 && rune.rune <= 0x2079))
      digit = static_cast<int>(rune.rune - 0x2070);
    const bool sign = rune.rune == 0x207a || rune.rune == 0x207b;
    if (digit < 0 && (!sign || digits > 0 || out.bytes > 0)) break;
    if (sign) negative = rune.rune == 0x207b;
    if (digit >= 0) {
      out.value = 10 * out.value + digit;
      ++digits;
    }
    out.bytes += rune.bytes;
  }
  if (digits == 0) return {};
  if (negative) out.value = -out.value;
  return out;
}

}  // namespace entrain
