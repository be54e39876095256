#pragma once

#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#define ENTRAIN_HOST_DEVICE __host__ __device__
#else
#define ENTRAIN_HOST_DEVICE
#endif

namespace entrain {

// The upper half of a float's bits: 8 bits of exponent, 8 of precision.
struct BFloat16 {
  uint16_t bits = 0;
};

// Exact.
ENTRAIN_HOST_DEVICE inline float ToFloat(BFloat16 value) {
  const uint32_t bits = static_cast<uint32_t>(value.bits) << 16;
  float out;
  memcpy(&out, &bits, sizeof(out));
  return out;
}
ENTRAIN_HOST_DEVICE inline float ToFloat(float value) { return value; }

// To the nearest, ties to even; NaN stays NaN.
ENTRAIN_HOST_DEVICE inline BFloat16 ToBFloat16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  if (value != value) return {.bits = static_cast<uint16_t>((bits >> 16) | 0x40u)};
  return {.bits = static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

}  // namespace entrain
