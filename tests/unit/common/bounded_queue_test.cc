#include "common/bounded_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace entrain {
namespace {

TEST(BoundedQueueTest, HandsOutInTheOrderOfArrival) {
  BoundedQueue<int> queue(3);
  ASSERT_TRUE(queue.Push(1));
  ASSERT_TRUE(queue.Push(2));
  EXPECT_EQ(queue.Pop(), 1);
  EXPECT_EQ(queue.TryPop(), 2);
  EXPECT_EQ(queue.TryPop(), std::nullopt);
}

TEST(BoundedQueueTest, TakesNoMoreThanItsCapacity) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.TryPush(1));
  EXPECT_TRUE(queue.TryPush(2));
  EXPECT_FALSE(queue.TryPush(3));
  EXPECT_EQ(queue.size(), 2u);
}

TEST(BoundedQueueTest, RefusesPushesAfterCloseAndStillHandsOutTheRest) {
  BoundedQueue<std::unique_ptr<int>> queue(2);
  ASSERT_TRUE(queue.Push(std::make_unique<int>(7)));
  queue.Close();
  EXPECT_FALSE(queue.Push(std::make_unique<int>(8)));
  EXPECT_FALSE(queue.TryPush(std::make_unique<int>(8)));
  EXPECT_EQ(**queue.Pop(), 7);
  EXPECT_EQ(queue.Pop(), std::nullopt);
}

TEST(BoundedQueueTest, CloseWakesWhoeverWaits) {
  BoundedQueue<int> empty(1), full(1);
  ASSERT_TRUE(full.Push(1));
  bool pushed = true;
  std::optional<int> popped = 1;
  std::thread popper([&] { popped = empty.Pop(); });
  std::thread pusher([&] { pushed = full.Push(2); });
  empty.Close();
  full.Close();
  popper.join();
  pusher.join();
  EXPECT_EQ(popped, std::nullopt);
  EXPECT_FALSE(pushed);
}

TEST(BoundedQueueTest, LosesAndRepeatsNothingBetweenThreads) {
  constexpr int kProducers = 3, kEach = 500;
  BoundedQueue<int> queue(4);
  std::vector<int> seen(kProducers * kEach);
  std::vector<std::thread> producers;
  for (int producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&queue, producer] {
      for (int i = 0; i < kEach; ++i) ASSERT_TRUE(queue.Push(producer * kEach + i));
    });
  }
  std::thread consumer([&] {
    while (const std::optional<int> element = queue.Pop()) ++seen.at(static_cast<size_t>(*element));
  });
  for (std::thread& producer : producers) producer.join();
  queue.Close();
  consumer.join();
  for (const int count : seen) ASSERT_EQ(count, 1);
}

}  // namespace
}  // namespace entrain
