#include "verifier/service/caching_verifier.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/clock.h"
#include "common/digest.h"
#include "common/status_macros.h"

namespace entrain {
namespace {

// Nodes of the list and of the map, with their pointers.
constexpr size_t kEntryBytes = 300;

}  // namespace

CachingVerifier::CachingVerifier(Verifier& inner, std::function<bool(const VerifyItem&)> may_keep,
                                 size_t max_bytes)
    : inner_(inner), may_keep_(std::move(may_keep)), max_bytes_(max_bytes) {}

size_t CachingVerifier::KeyHash::operator()(const Key& key) const {
  size_t hash = 0;
  std::memcpy(&hash, key.data(), sizeof(hash));
  return hash;
}

CachingVerifier::Key CachingVerifier::KeyOf(const VerifyItem& item) {
  Digester digester;
  for (const std::string* text : {&item.verifier, &item.options_json, &item.answer, &item.completion}) {
    const uint64_t size = text->size();  // so that no text can run into the next one
    digester.Update(std::as_bytes(std::span(&size, 1)));
    digester.Update(*text);
  }
  return digester.FinishBytes();
}

absl::StatusOr<std::vector<Verdict>> CachingVerifier::Verify(std::span<const VerifyItem> items,
                                                             const VerifyCall& call) {
  Clock& clock = Clock::Real();
  const absl::Duration begin = clock.Monotonic();
  std::vector<Verdict> verdicts;
  verdicts.reserve(items.size());
  for (const VerifyItem& item : items) {
    const absl::Duration left = std::min(call.deadline, item.timeout) - (clock.Monotonic() - begin);
    ENTRAIN_ASSIGN_OR_RETURN(Verdict verdict, VerifyOne(item, {left, call.stop}));
    verdicts.push_back(std::move(verdict));
  }
  return verdicts;
}

absl::StatusOr<Verdict> CachingVerifier::VerifyOne(const VerifyItem& item, const VerifyCall& call) {
  Clock& clock = Clock::Real();
  const absl::Duration end = clock.Monotonic() + call.deadline;
  const Key key = KeyOf(item);
  bool mine = false;  // this caller judges the question; others may wait for it
  {
    MutexLock lock(mutex_);
    if (std::optional<Verdict> kept = Find(key)) return *std::move(kept);
    mine = judging_.insert(key).second;
  }
  if (!mine && may_keep_(item)) {
    const std::stop_callback wake(call.stop, [this] {
      MutexLock lock(mutex_);
      judged_.NotifyAll();
    });
    MutexLock lock(mutex_);
    while (!mine) {
      if (std::optional<Verdict> kept = Find(key)) return *std::move(kept);
      mine = judging_.insert(key).second;
      if (mine) break;
      if (call.stop.stop_requested()) return absl::CancelledError("the caller went away");
      const absl::Duration left = end - clock.Monotonic();
      if (left <= absl::ZeroDuration())
        return Verdict{.kind = VerdictKind::kTimeout,
                       .detail = "the deadline passed while the same question was judged for another item"};
      // The longest wait is bounded, because a wait without end overflows in the standard library.
      judged_.WaitFor(mutex_, absl::ToChronoNanoseconds(std::min(left, absl::Hours(1))));
    }
  }
  absl::StatusOr<Verdict> verdict = Judge(item, {end - clock.Monotonic(), call.stop});
  const bool keep = verdict.ok() && !IsOurFailure(verdict->kind) && !verdict->timed && may_keep_(item);
  MutexLock lock(mutex_);
  ++stats_.misses;
  if (keep) Keep(key, *verdict);
  if (mine) {
    judging_.erase(key);
    judged_.NotifyAll();
  }
  return verdict;
}

absl::StatusOr<Verdict> CachingVerifier::Judge(const VerifyItem& item, const VerifyCall& call) {
  ENTRAIN_ASSIGN_OR_RETURN(std::vector<Verdict> verdicts, inner_.Verify(std::span(&item, 1), call));
  if (verdicts.size() != 1) return absl::InternalError("another number of verdicts than items");
  return std::move(verdicts[0]);
}

std::optional<Verdict> CachingVerifier::Find(const Key& key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  ++stats_.hits;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->verdict;
}

void CachingVerifier::Keep(const Key& key, const Verdict& verdict) {
  const size_t bytes = kEntryBytes + verdict.extracted.size() + verdict.detail.size();
  if (bytes > max_bytes_ || by_key_.contains(key)) return;
  while (static_cast<size_t>(stats_.bytes) + bytes > max_bytes_) {
    ++stats_.evictions;
    --stats_.entries;
    stats_.bytes -= static_cast<int64_t>(entries_.back().bytes);
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({.key = key, .verdict = verdict, .bytes = bytes});
  entries_.front().verdict.seconds = 0;
  by_key_.emplace(key, entries_.begin());
  ++stats_.entries;
  stats_.bytes += static_cast<int64_t>(bytes);
}

VerdictCacheStats CachingVerifier::Stats() const {
  MutexLock lock(mutex_);
  return stats_;
}

}  // namespace entrain
