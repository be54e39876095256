#include "learner/token_columns.h"

#include <algorithm>
#include <utility>

#include "common/status_macros.h"

namespace entrain {
namespace {

double MeanEntropy(const StepBatch& batch) {
  double sum = 0;
  for (const float entropy : batch.old.entropy) sum += entropy;
  return sum / static_cast<double>(std::max<size_t>(batch.old.entropy.size(), 1));
}

}  // namespace

absl::StatusOr<TokenBatch> PrepareColumns(const ObjectiveSpec& spec, const StepBatch& batch) {
  TokenBatch out;
  out.sequence_begin.push_back(0);
  for (const StepItem& item : batch.items) {
    for (size_t t = 0; t < item.completion->tokens.size(); ++t) {
      out.old_logp.push_back(batch.old.logprob[item.first + t]);
      out.old_entropy.push_back(batch.old.entropy[item.first + t]);
      out.old_n.push_back(batch.old.n[item.first + t]);
      out.rollout_logp.push_back(item.completion->behaviour_logprobs[t]);
      if (!batch.reference_logp.empty()) out.ref_logp.push_back(batch.reference_logp[item.first + t]);
      out.advantage.push_back(item.advantage);
    }
    out.sequence_begin.push_back(static_cast<int64_t>(out.old_logp.size()));
    out.group_accuracy.push_back(item.group_accuracy);
  }
  out.mask.assign(out.old_logp.size(), 1.0);
  out.measured_entropy = MeanEntropy(batch);
  ENTRAIN_RETURN_IF_ERROR(PrepareBatch(spec, out));
  return out;
}

TokenBatch CutColumns(const TokenBatch& whole, const std::vector<size_t>& sequences) {
  TokenBatch out;
  out.measured_entropy = whole.measured_entropy;
  out.sequence_begin.push_back(0);
  for (const size_t sequence : sequences) {
    const auto first = static_cast<std::ptrdiff_t>(whole.sequence_begin[sequence]);
    const auto last = static_cast<std::ptrdiff_t>(whole.sequence_begin[sequence + 1]);
    const auto copy = [&](const auto& from, auto& to) {
      if (!from.empty()) to.insert(to.end(), from.begin() + first, from.begin() + last);
    };
    copy(whole.old_logp, out.old_logp);
    copy(whole.new_logp, out.new_logp);
    copy(whole.advantage, out.advantage);
    copy(whole.mask, out.mask);
    copy(whole.old_entropy, out.old_entropy);
    copy(whole.entropy, out.entropy);
    copy(whole.old_n, out.old_n);
    copy(whole.new_n, out.new_n);
    copy(whole.rollout_logp, out.rollout_logp);
    copy(whole.ref_logp, out.ref_logp);
    copy(whole.weight, out.weight);
    copy(whole.selected, out.selected);
    copy(whole.push, out.push);
    copy(whole.silent, out.silent);
    if (!whole.group_accuracy.empty()) out.group_accuracy.push_back(whole.group_accuracy[sequence]);
    out.sequence_begin.push_back(out.sequence_begin.back() + last - first);
  }
  return out;
}

void SetCurrent(const TokenStats& now, TokenBatch& columns) {
  columns.new_logp.assign(now.logprob.begin(), now.logprob.end());
  columns.entropy.assign(now.entropy.begin(), now.entropy.end());
  columns.new_n.assign(now.n.begin(), now.n.end());
}

}  // namespace entrain
