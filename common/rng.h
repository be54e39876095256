#pragma once

#include <array>
#include <cstdint>

namespace entrain {

// What a random number is for. Part of the key, so that two uses never share a stream. Values are part of the
// determinism contract: append only.
enum class RngPurpose : uint32_t {
  kInit = 1,          // fresh weights
  kShuffle = 2,       // data order of an epoch
  kTrainSample = 3,   // tokens of training completions
  kEvalSample = 4,    // tokens of evaluation completions
  kMinibatch = 5,     // permutation of a step's completions
  kRandomReward = 6,  // learner.reward: random
  kWarmup = 7,        // supervised batches
  kData = 8,          // task generators
  kMask = 9,          // random token masks of objectives
  kBootstrap = 10,    // resamples of confidence intervals
  kPoint = 11,        // points at which two formulas are compared
  kBackoff = 12,      // pauses between tries of a call; nothing of a run depends on them
};

// Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC'11): a block of four 32-bit
// numbers as a pure function of counter and key.
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// Where a random number is used. Equal keys give equal numbers, on every machine, thread and retry.
struct RngKey {
  uint64_t seed = 0;  // the run's seed
  RngPurpose purpose = RngPurpose::kInit;
  uint64_t step = 0;     // trainer step, epoch or tensor index
  uint64_t ordinal = 0;  // position in the data order, or element
  uint32_t completion = 0;
};

// Random access stream of one key: At(position) is a pure function. Cheap to make and to copy.
// Thread-compatible.
class Rng {
 public:
  explicit Rng(const RngKey& key);
  uint64_t Bits(uint64_t position) const;
  // Uniform in [0, 1) with 53 bits.
  double Uniform(uint64_t position) const;
  // Uniform in {0, …, bound−1}, without modulo bias beyond 2^-64 (multiply-shift). bound > 0.
  uint64_t Below(uint64_t bound, uint64_t position) const;
  // Standard normal (Box-Muller on the two halves of one block).
  double Normal(uint64_t position) const;

 private:
  std::array<uint32_t, 2> key_;
  uint32_t high0_;
  uint32_t high1_;
};

}  // namespace entrain
