#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "trajectory/group.h"

namespace entrain {

// What a group must look like to be trained on.
struct Admission {
  int32_t completions_per_prompt = 0;  // G
  PolicyVersion oldest_version = 0;    // step − S
  PolicyVersion newest_version = 0;    // with exact staleness equal to the oldest
  std::string required_digest;         // empty: not checked
  int32_t max_tokens = 0;              // per completion; 0: not checked
  int32_t vocab_size = 0;              // 0: not checked
};

// InvalidArgument names the field that is wrong: number or indices of completions, empty tokens, lengths that
// differ, a log-prob that is not finite or above 0, a token outside the vocabulary, a score that is missing,
// not finite or out of [0, 1]; FailedPrecondition: other weights than required.
absl::Status CheckGroup(const Group& group, const Admission& admission);

// How a group came out once its excluded completions are removed.
struct Screened {
  Group group;  // survivors only
  int64_t excluded_timeout = 0;
  int64_t excluded_error = 0;
  std::string excluded_detail;  // what the verifier said about the last of them
  bool usable() const { return group.completions.size() >= 2; }
  // Whether rewards differ, so that the group carries a signal.
  bool has_signal() const;
};
Screened Screen(Group group);

// The groups of one step, by position in the data order. Single-threaded.
class GroupBuffer {
 public:
  void Add(int64_t ordinal, Screened screened) { groups_.insert_or_assign(ordinal, std::move(screened)); }
  void Clear() { groups_.clear(); }
  int64_t size() const { return static_cast<int64_t>(groups_.size()); }
  const std::map<int64_t, Screened>& groups() const { return groups_; }
  // Hands everything out, in prompt order.
  std::map<int64_t, Screened> Take() { return std::exchange(groups_, {}); }

 private:
  std::map<int64_t, Screened> groups_;
};

}  // namespace entrain
