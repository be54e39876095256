#include "common/rng.h"

#include <cmath>
#include <numbers>

namespace entrain {
namespace {

// Finaliser of SplitMix64 (Steele et al. 2014): mixes the parts of a key so that neighbouring keys share
// nothing.
uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

}  // namespace

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> c, std::array<uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<uint32_t>(p0)};
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return c;
}

Rng::Rng(const RngKey& key) {
  uint64_t state = Mix(key.seed);
  state = Mix(state ^ static_cast<uint64_t>(key.purpose));
  state = Mix(state ^ key.step);
  const uint64_t stream = Mix(Mix(state ^ key.ordinal) ^ key.completion);
  key_ = {static_cast<uint32_t>(state), static_cast<uint32_t>(state >> 32)};
  high0_ = static_cast<uint32_t>(stream);
  high1_ = static_cast<uint32_t>(stream >> 32);
}

uint64_t Rng::Bits(uint64_t position) const {
  const auto block = Philox4x32(
      {static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), high0_, high1_}, key_);
  return (uint64_t{block[1]} << 32) | block[0];
}

double Rng::Uniform(uint64_t position) const { return static_cast<double>(Bits(position) >> 11) * 0x1.0p-53; }

uint64_t Rng::Below(uint64_t bound, uint64_t position) const {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(Bits(position)) * bound) >> 64);
}

double Rng::Normal(uint64_t position) const {
  const auto block = Philox4x32(
      {static_cast<uint32_t>(position), static_cast<uint32_t>(position >> 32), high0_, high1_}, key_);
  const double u1 =
      (static_cast<double>((uint64_t{block[1]} << 32 | block[0]) >> 11) + 1.0) * 0x1.0p-53;  // (0, 1]
  const double u2 = static_cast<double>((uint64_t{block[3]} << 32 | block[2]) >> 11) * 0x1.0p-53;
  return std::sqrt(-2.0 * std::log(u1)) * std::cos(2.0 * std::numbers::pi * u2);
}

}  // namespace entrain
