// The overlong penalty beside dapo_overlong_penalty of tests/golden/objectives/objectives.py.
#include "learner/overlong.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/integration/objective_reference/reference.h"

namespace entrain {
namespace {

TEST(OverlongPenalty, EveryLengthIsAnsweredLikeTheReference) {
  if (!NumPyIsThere()) GTEST_SKIP() << "needs the Debian package python3-numpy";
  const ChildOutput answer = RunChild(
      std::string(kPython) +
      " -c 'import json, sys; sys.path.insert(0, sys.argv[1]); import objectives;"
      " print(json.dumps([[objectives.dapo_overlong_penalty(n, m, c) for n in range(40)]"
      " for m, c in ((30, 7), (20, 19), (12, 1))]))' " ENTRAIN_SOURCE_DIR "/tests/golden/objectives");
  ASSERT_EQ(answer.status, 0);
  const auto expected = nlohmann::json::parse(answer.text);
  const OverlongOptions options[] = {
      {.max = 30, .cache = 7}, {.max = 20, .cache = 19}, {.max = 12, .cache = 1}};
  for (size_t i = 0; i < 3; ++i) {
    for (int64_t length = 0; length < 40; ++length)
      EXPECT_DOUBLE_EQ(OverlongPenalty(length, options[i]),
                       expected[i][static_cast<size_t>(length)].get<double>())
          << i << " at " << length;
  }
}

}  // namespace
}  // namespace entrain
