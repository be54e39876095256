#pragma once

#include <cmath>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "common/rng.h"
#include "learner/front_desk.h"
#include "tests/testing/bigram_network.h"

namespace entrain {

// A rollout worker in a thread of its own that draws from a bigram policy and judges by a function. Good for
// driving a real front desk and train loop; it never fails and never dies. Token 0 is the EOS.
class InProcessWorker {
 public:
  using Judge = std::function<Verdict(const Lease&, const Completion&)>;
  InProcessWorker(FrontDesk& desk, std::string name, uint64_t seed, int32_t max_tokens, Judge judge)
      : desk_(desk),
        name_(std::move(name)),
        seed_(seed),
        max_tokens_(max_tokens),
        judge_(std::move(judge)),
        thread_([this] { Work(); }) {}
  // The desk must have ended or be closed before.
  ~InProcessWorker() { thread_.join(); }

 private:
  void Work() {
    while (true) {
      auto promise = std::make_shared<std::promise<absl::StatusOr<LeaseReply>>>();
      auto answer = promise->get_future();
      desk_.LeasePrompts(name_, 1, "", absl::Hours(1000), [promise](absl::StatusOr<LeaseReply> reply) {
        promise->set_value(std::move(reply));
      });
      const absl::StatusOr<LeaseReply> reply = answer.get();
      if (!reply.ok() || reply->run_ended) return;
      for (const Lease& lease : reply->leases) {
        if (const auto weights = desk_.FetchWeights(lease.required_version); weights.ok())
          desk_.SubmitGroup(Generate(lease, **weights)).IgnoreError();
      }
    }
  }

  Group Generate(const Lease& lease, const WeightsSnapshot& weights) const {
    Group group{.lease_id = lease.lease_id,
                .worker = name_,
                .purpose = lease.purpose,
                .step = lease.step,
                .ordinal = lease.ordinal,
                .policy_version = weights.version,
                .weights_digest = weights.digest};
    for (int32_t index = 0; index < lease.completions; ++index) {
      Completion completion{.index = index, .finish = Finish::kLength};
      const Rng rng(
          {.seed = seed_,
           .purpose = lease.purpose == Purpose::kEval ? RngPurpose::kEvalSample : RngPurpose::kTrainSample,
           .step = static_cast<uint64_t>(lease.step),
           .ordinal = static_cast<uint64_t>(lease.ordinal),
           .completion = static_cast<uint32_t>(index)});
      TokenId last = lease.prompt.tokens.back();
      for (int32_t t = 0; t < max_tokens_; ++t) {
        const std::vector<double> p = BigramNetwork::Probabilities(weights.values, last, 1.0);
        double rest = rng.Uniform(static_cast<uint64_t>(t));
        last = 0;
        while (static_cast<size_t>(last) + 1 < p.size() && rest >= p[static_cast<size_t>(last)])
          rest -= p[static_cast<size_t>(last++)];
        completion.tokens.push_back(last);
        completion.behaviour_logprobs.push_back(static_cast<float>(std::log(p[static_cast<size_t>(last)])));
        if (last == 0) {
          completion.finish = Finish::kStop;
          break;
        }
      }
      completion.verdict = judge_(lease, completion);
      group.completions.push_back(std::move(completion));
    }
    return group;
  }

  FrontDesk& desk_;
  const std::string name_;
  const uint64_t seed_;
  const int32_t max_tokens_;
  const Judge judge_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace entrain
