#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "verifier/verifier.h"

namespace entrain {

// A verifier that is one function. Good for everything around judging. Thread-safe when the function is.
class FakeVerifier final : public Verifier {
 public:
  using Answer =
      std::function<absl::StatusOr<std::vector<Verdict>>(std::span<const VerifyItem>, absl::Duration)>;
  explicit FakeVerifier(Answer answer) : answer_(std::move(answer)) {}

  absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items,
                                              const VerifyCall& call) override {
    return answer_(items, call.deadline);
  }

  // One after another by a pure judge.
  static Answer Each(std::function<Verdict(const VerifyItem&)> judge) {
    return [judge = std::move(judge)](std::span<const VerifyItem> items, absl::Duration) {
      std::vector<Verdict> verdicts;
      for (const VerifyItem& item : items) verdicts.push_back(judge(item));
      return absl::StatusOr<std::vector<Verdict>>(std::move(verdicts));
    };
  }

 private:
  const Answer answer_;
};

}  // namespace entrain
