#include "trajectory/prompt_ledger.h"

#include "absl/strings/str_cat.h"

namespace entrain {

void PromptLedger::Open(int64_t step, int64_t first_ordinal) {
  End();
  open_ = true;
  step_ = step;
  begin_ = first_ordinal;
  end_ = first_ordinal + options_.prompts_per_step;
  for (int64_t ordinal = begin_; ordinal < end_; ++ordinal) free_.insert(ordinal);
}

void PromptLedger::End() {
  open_ = false;
  free_.clear();
  done_.clear();
  leases_.clear();
}

std::optional<PromptLedger::Grant> PromptLedger::Lease(const std::string& worker, absl::Duration now) {
  if (free_.empty()) return std::nullopt;
  const int64_t ordinal = *free_.begin();
  free_.erase(free_.begin());
  std::string id = absl::StrCat(options_.incarnation, "-", next_lease_++);
  leases_[id] = {.ordinal = ordinal, .worker = worker, .expires = now + options_.lease_time};
  return Grant{.lease_id = std::move(id), .step = step_, .ordinal = ordinal};
}

bool PromptLedger::Renew(const std::string& lease_id, absl::Duration now) {
  const auto lease = leases_.find(lease_id);
  if (lease == leases_.end()) return false;
  lease->second.expires = now + options_.lease_time;
  return true;
}

bool PromptLedger::Return(const std::string& lease_id) {
  const auto lease = leases_.find(lease_id);
  if (lease == leases_.end()) return false;
  Free(lease->second.ordinal);
  leases_.erase(lease);
  return true;
}

int64_t PromptLedger::ReturnAllOf(const std::string& worker) {
  return TakeBack([&worker](const Held& lease) { return lease.worker == worker; });
}

int64_t PromptLedger::Expire(absl::Duration now) {
  return TakeBack([now](const Held& lease) { return lease.expires <= now; });
}

int64_t PromptLedger::TakeBack(const std::function<bool(const Held&)>& which) {
  int64_t taken = 0;
  for (auto lease = leases_.begin(); lease != leases_.end();) {
    if (!which(lease->second)) {
      ++lease;
      continue;
    }
    Free(lease->second.ordinal);
    lease = leases_.erase(lease);
    ++taken;
  }
  return taken;
}

SubmitResult PromptLedger::Submit(const std::string& lease_id, int64_t step, int64_t ordinal) {
  if (!open_ || step != step_ || ordinal < begin_ || ordinal >= end_) return SubmitResult::kExpired;
  const auto lease = leases_.find(lease_id);
  const bool alive = lease != leases_.end();
  // A lease of other work answers for nothing here and stays as it is.
  if (alive && lease->second.ordinal != ordinal) return SubmitResult::kExpired;
  if (alive) leases_.erase(lease);
  if (done_.contains(ordinal)) return SubmitResult::kDuplicate;
  // A lease of another incarnation is unknown here; its work is done again under the same keys.
  if (!alive && !lease_id.starts_with(absl::StrCat(options_.incarnation, "-"))) return SubmitResult::kExpired;
  done_.insert(ordinal);
  free_.erase(ordinal);
  return SubmitResult::kAccepted;
}

void PromptLedger::Free(int64_t ordinal) {
  if (!done_.contains(ordinal)) free_.insert(ordinal);
}

void PromptLedger::Replace(int64_t ordinal) {
  if (!done_.contains(ordinal)) return;
  free_.insert(end_++);
}

bool PromptLedger::Complete() const { return open_ && static_cast<int64_t>(done_.size()) == end_ - begin_; }

}  // namespace entrain
