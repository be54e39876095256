#include "trajectory/data_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace entrain {
namespace {

std::vector<Prompt> Prompts(int64_t count) {
  std::vector<Prompt> prompts;
  for (int64_t i = 0; i < count; ++i) prompts.push_back({.id = std::to_string(i), .tokens = {1}});
  return prompts;
}

std::vector<std::string> Epoch(const DataOrder& order, int64_t epoch) {
  std::vector<std::string> ids;
  for (int64_t i = 0; i < order.size(); ++i) ids.push_back(order.At(epoch * order.size() + i).id);
  return ids;
}

TEST(DataOrderTest, EveryEpochHoldsEveryPromptOnce) {
  for (const int64_t size : {1, 2, 3, 4, 5, 7, 16, 17, 63, 64, 65, 1000, 1025}) {
    const DataOrder order(Prompts(size), /*seed=*/9, /*shuffle=*/true);
    for (const int64_t epoch : {0, 1, 2, 1000000}) {
      const std::vector<std::string> ids = Epoch(order, epoch);
      EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), static_cast<size_t>(size))
          << "size " << size << ", epoch " << epoch;
    }
  }
}

TEST(DataOrderTest, EpochsAndSeedsAreOrderedDifferently) {
  std::set<std::vector<std::string>> orders;
  for (const uint64_t seed : {0, 1, 2, 3}) {
    const DataOrder order(Prompts(50), seed, /*shuffle=*/true);
    for (int64_t epoch = 0; epoch < 25; ++epoch) orders.insert(Epoch(order, epoch));
  }
  EXPECT_EQ(orders.size(), 100u);
}

TEST(DataOrderTest, IsAFunctionOfSeedAndOrdinalAlone) {
  const DataOrder one(Prompts(37), 4, true), other(Prompts(37), 4, true);
  for (int64_t ordinal = 150; ordinal-- > 0;) EXPECT_EQ(one.At(ordinal).id, other.At(ordinal).id);
}

TEST(DataOrderTest, WithoutShufflingKeepsTheOrderOfTheFile) {
  const DataOrder order(Prompts(3), 4, false);
  std::string ids;
  for (int64_t ordinal = 0; ordinal < 7; ++ordinal) ids += order.At(ordinal).id;
  EXPECT_EQ(ids, "0120120");
}

// Over many epochs a prompt stands at each place equally often: with n epochs and m places the count is
// binomial, mean n/m, deviation √(n/m). Six deviations; the permutation of 64 walks no cycle, that of 40
// does.
TEST(DataOrderTest, NoPromptPrefersAPlace) {
  for (const int64_t size : {40, 64}) {
    const DataOrder order(Prompts(size), 1, true);
    constexpr int64_t kEpochs = 4000;
    for (const int64_t place : {int64_t{0}, size / 2, size - 1}) {
      std::vector<int> count(static_cast<size_t>(size));
      for (int64_t epoch = 0; epoch < kEpochs; ++epoch)
        ++count[static_cast<size_t>(std::stoi(order.At(epoch * size + place).id))];
      const double mean = static_cast<double>(kEpochs) / static_cast<double>(size);
      const auto [least, most] = std::ranges::minmax(count);
      EXPECT_GT(least, mean - 6 * std::sqrt(mean)) << size << " " << place;
      EXPECT_LT(most, mean + 6 * std::sqrt(mean)) << size << " " << place;
    }
  }
}

}  // namespace
}  // namespace entrain
