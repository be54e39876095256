#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/verdict.h"

namespace entrain {

using TokenId = int32_t;

// Number of trainer steps whose update the weights hold: 0 is the initial policy, k+1 is published after step
// k.
using PolicyVersion = int64_t;

enum class Purpose { kTrain, kEval };

// One line of a data file, tokenised by the learner. Immutable after loading.
struct Prompt {
  std::string id;
  std::string text;
  std::vector<TokenId> tokens;  // never empty
  std::string answer;           // the reference
  std::string verifier;         // registered name
  std::string verifier_options_json = "{}";
};

enum class Finish {
  kStop,    // EOS was drawn; it is the last token
  kLength,  // max_tokens was reached: *truncated*
};

// What one policy drew for one prompt, and how it was judged.
struct Completion {
  int32_t index = 0;            // 0 … G−1
  std::vector<TokenId> tokens;  // never empty; includes the EOS that was drawn
  std::vector<float>
      behaviour_logprobs;  // [tokens]; nats, at the sampling temperature, under the policy that drew them
  Finish finish = Finish::kStop;
  Verdict verdict;  // kTimeout and kError mean: excluded after the retries
};

// All G completions of one prompt: the unit that a rollout worker submits and the learner admits. Excluded
// completions are present, with their verdict.
struct Group {
  std::string lease_id;
  std::string worker;  // name, for people
  Purpose purpose = Purpose::kTrain;
  int64_t step = 0;     // trainer step k it was leased for
  int64_t ordinal = 0;  // position in the data order (train) or in the evaluation set (eval)
  PolicyVersion policy_version = 0;
  std::string weights_digest;  // of the weights that generated it
  std::vector<Completion> completions;
};

// Permission and duty to generate one group until `deadline`. (step, ordinal, purpose) identifies the work;
// lease_id one grant of it.
struct Lease {
  std::string lease_id;  // unique per learner incarnation
  Purpose purpose = Purpose::kTrain;
  int64_t step = 0;
  int64_t ordinal = 0;
  Prompt prompt;
  int32_t completions = 0;  // G
  PolicyVersion required_version = 0;
  std::string required_digest;
  double deadline_seconds = 0;  // from the moment of granting; renewable
};

enum class SubmitResult {
  kAccepted,
  kDuplicate,  // (step, ordinal) has its group already; the first wins
  kExpired,    // the lease is unknown or its step is over
};

}  // namespace entrain
