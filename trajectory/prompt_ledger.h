#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "trajectory/group.h"

namespace entrain {

// Which prompts of the data order are open, leased or done, for one step at a time (docs/decisions/0004). A
// state machine without lock, clock or randomness: `now` is an argument, and equal calls give equal answers.
// Single-threaded.
//
// A step covers positions [begin, end) of the data order. It starts with P of them; every position whose
// group turns out unusable (Replace) makes the prefix one longer.
class PromptLedger {
 public:
  struct Options {
    std::string
        incarnation;  // part of every lease id, so that ids of a dead learner are never taken for ours
    int32_t prompts_per_step = 1;
    absl::Duration lease_time = absl::Seconds(120);
  };
  struct Grant {
    std::string lease_id;
    int64_t step = 0;
    int64_t ordinal = 0;
  };

  explicit PromptLedger(Options options) : options_(std::move(options)) {}

  // Opens a step at a position of the data order. The step before must be over.
  void Open(int64_t step, int64_t first_ordinal);
  // Ends the step; its leases are forgotten.
  void End();
  bool open() const { return open_; }
  int64_t step() const { return step_; }

  // The lowest position that is neither done nor leased, if any.
  std::optional<Grant> Lease(const std::string& worker, absl::Duration now);
  // True when the lease is alive; its time starts anew.
  bool Renew(const std::string& lease_id, absl::Duration now);
  // Gives the position back. False when the lease is unknown.
  bool Return(const std::string& lease_id);
  // Gives back everything that `worker` holds: it says that it starts anew. The number of leases.
  int64_t ReturnAllOf(const std::string& worker);
  // Takes back what was not renewed in time; the number of leases.
  int64_t Expire(absl::Duration now);

  // What to say to a group for (step, ordinal). kAccepted marks the position done. A lease that has expired
  // meanwhile does no harm while nobody else was first: the work is what counts.
  SubmitResult Submit(const std::string& lease_id, int64_t step, int64_t ordinal);
  // The group at `ordinal` cannot be used: the prefix grows by one.
  void Replace(int64_t ordinal);

  // Every position of the prefix has its group.
  bool Complete() const;
  int64_t begin() const { return begin_; }
  int64_t end() const { return end_; }
  int64_t active_leases() const { return static_cast<int64_t>(leases_.size()); }

 private:
  struct Held {
    int64_t ordinal;
    std::string worker;
    absl::Duration expires;
  };

  int64_t TakeBack(const std::function<bool(const Held&)>& which);

  // Gives a position back unless its group has come in meanwhile, under a lease that had expired.
  void Free(int64_t ordinal);

  const Options options_;
  bool open_ = false;
  int64_t step_ = 0;
  int64_t begin_ = 0, end_ = 0;
  int64_t next_lease_ = 1;
  std::set<int64_t> free_;  // neither leased nor done
  std::set<int64_t> done_;
  std::map<std::string, Held> leases_;
};

}  // namespace entrain
