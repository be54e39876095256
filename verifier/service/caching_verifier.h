#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "common/mutex.h"
#include "verifier/verifier.h"

namespace entrain {

struct VerdictCacheStats {
  int64_t entries = 0, bytes = 0;               // now
  int64_t hits = 0, misses = 0, evictions = 0;  // cumulative; an item that may not be kept is a miss
};

// A verifier that remembers what another one said. The key is the content of the question (SHA-256 of
// verifier, options, answer and completion), so completions cannot be made to share a verdict. A verdict of
// the cache is the fresh one but for `seconds`, which is 0. Timeouts, errors and what a limit of time decided
// (`timed`) are never kept. A question that is being judged is not judged a second time at once: whoever asks
// it too waits for the verdict. Keeps the most recently asked within its bytes; one lock, held for a look-up.
// Thread-safe.
class CachingVerifier final : public Verifier {
 public:
  // `may_keep`: whether the verdict on an item is the same whenever it is asked for; asked only when there is
  // a verdict to keep. `inner` must outlive this and is asked for one item at a time. max_bytes counts what
  // an entry takes, about 300 bytes and its texts.
  CachingVerifier(Verifier& inner, std::function<bool(const VerifyItem&)> may_keep, size_t max_bytes);

  absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items,
                                              const VerifyCall& call) override;
  VerdictCacheStats Stats() const;

 private:
  using Key = std::array<std::byte, 32>;
  struct KeyHash {
    size_t operator()(const Key& key) const;
  };
  struct Entry {
    Key key;
    Verdict verdict;
    size_t bytes = 0;
  };

  static Key KeyOf(const VerifyItem& item);
  absl::StatusOr<Verdict> VerifyOne(const VerifyItem& item, const VerifyCall& call);
  absl::StatusOr<Verdict> Judge(const VerifyItem& item, const VerifyCall& call);
  // The kept verdict, now the most recently asked.
  std::optional<Verdict> Find(const Key& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Keep(const Key& key, const Verdict& verdict) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Verifier& inner_;
  const std::function<bool(const VerifyItem&)> may_keep_;
  const size_t max_bytes_;
  mutable Mutex mutex_;
  CondVar judged_;                                    // something left judging_
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // most recently asked first
  std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> by_key_ ABSL_GUARDED_BY(mutex_);
  std::set<Key> judging_ ABSL_GUARDED_BY(mutex_);
  VerdictCacheStats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace entrain
