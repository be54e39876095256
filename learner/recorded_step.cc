#include "learner/recorded_step.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "learner/state_files.h"

namespace entrain {
namespace {

namespace fs = std::filesystem;

constexpr char kGroupsFile[] = "groups.json";
constexpr char kLogprobsFile[] = "behaviour_logprobs.f32";
constexpr char kReferenceFile[] = "reference_logprobs.f32";

StateJson CompletionJson(const Completion& completion) {
  const Verdict& verdict = completion.verdict;
  return {{"index", completion.index},
          {"tokens", completion.tokens},
          {"finish", completion.finish == Finish::kStop ? "stop" : "length"},
          {"kind", std::string(VerdictKindName(verdict.kind))},
          {"score", verdict.score.has_value() ? StateJson(*verdict.score) : StateJson(nullptr)},
          {"extracted", verdict.extracted}};
}

StateJson GroupJson(const CollectedGroup& entry) {
  StateJson completions = StateJson::array();
  for (const Completion& completion : entry.group.completions)
    completions.push_back(CompletionJson(completion));
  return {{"prompt_id", entry.prompt.id},
          {"prompt", entry.prompt.text},
          {"prompt_tokens", entry.prompt.tokens},
          {"answer", entry.prompt.answer},
          {"verifier", entry.prompt.verifier},
          {"ordinal", entry.group.ordinal},
          {"policy_version", entry.group.policy_version},
          {"completions", std::move(completions)}};
}

// Behaviour log-probs of all completions, one after the other: bits, not digits.
std::vector<float> LogprobsOf(const CollectedStep& collected) {
  std::vector<float> out;
  for (const CollectedGroup& entry : collected.groups) {
    for (const Completion& completion : entry.group.completions)
      out.insert(out.end(), completion.behaviour_logprobs.begin(), completion.behaviour_logprobs.end());
  }
  return out;
}

// Takes values off the front of the column.
class Column {
 public:
  explicit Column(std::vector<float> values) : values_(std::move(values)) {}
  std::optional<std::vector<float>> Take(size_t count) {
    if (count > values_.size() - at_) return std::nullopt;
    const auto first = values_.begin() + static_cast<std::ptrdiff_t>(at_);
    at_ += count;
    return std::vector<float>(first, first + static_cast<std::ptrdiff_t>(count));
  }
  bool Empty() const { return at_ == values_.size(); }

 private:
  std::vector<float> values_;
  size_t at_ = 0;
};

absl::StatusOr<std::vector<TokenId>> TokensOf(const StateJson& json) {
  auto tokens = json.get<std::vector<int64_t>>();
  if (tokens.empty()) return absl::DataLossError("expected tokens, found none");
  std::vector<TokenId> out;
  for (const int64_t token : tokens) {
    if (token < 0 || token > INT32_MAX) return absl::DataLossError(absl::StrCat(token, " is no token id"));
    out.push_back(static_cast<TokenId>(token));
  }
  return out;
}

absl::StatusOr<Completion> CompletionOf(const StateJson& json, Column& logprobs) {
  Completion out{.index = json.at("index").get<int32_t>()};
  ENTRAIN_ASSIGN_OR_RETURN(out.tokens, TokensOf(json.at("tokens")));
  std::optional<std::vector<float>> behaviour = logprobs.Take(out.tokens.size());
  if (!behaviour.has_value())
    return absl::DataLossError(absl::StrCat(kLogprobsFile, " has fewer values than there are tokens"));
  out.behaviour_logprobs = *std::move(behaviour);
  out.finish = json.at("finish").get<std::string>() == "length" ? Finish::kLength : Finish::kStop;
  const auto kind = json.at("kind").get<std::string>();
  const std::optional<VerdictKind> known = VerdictKindFromName(kind);
  if (!known.has_value() || IsOurFailure(*known))
    return absl::DataLossError(absl::StrCat("\"", kind.substr(0, 40), "\" is no verdict of a trained token"));
  const double score = json.at("score").get<double>();
  if (!std::isfinite(score)) return absl::DataLossError("expected a finite score");
  out.verdict = {.kind = *known, .score = score, .extracted = json.at("extracted").get<std::string>()};
  return out;
}

absl::StatusOr<CollectedGroup> GroupOf(const StateJson& json, int64_t step, Column& logprobs) {
  CollectedGroup out;
  out.prompt = {.id = json.at("prompt_id").get<std::string>(),
                .text = json.at("prompt").get<std::string>(),
                .answer = json.at("answer").get<std::string>(),
                .verifier = json.at("verifier").get<std::string>()};
  ENTRAIN_ASSIGN_OR_RETURN(out.prompt.tokens, TokensOf(json.at("prompt_tokens")));
  out.group.step = step;
  out.group.ordinal = json.at("ordinal").get<int64_t>();
  out.group.policy_version = json.at("policy_version").get<int64_t>();
  for (const StateJson& completion : json.at("completions")) {
    ENTRAIN_ASSIGN_OR_RETURN(Completion read, CompletionOf(completion, logprobs));
    out.group.completions.push_back(std::move(read));
  }
  if (out.group.completions.empty()) return absl::DataLossError("expected completions, found none");
  return out;
}

absl::StatusOr<CollectedStep> CollectedOf(const StateJson& groups, int64_t step, Column logprobs) {
  CollectedStep out;
  for (const StateJson& group : groups) {
    ENTRAIN_ASSIGN_OR_RETURN(CollectedGroup read, GroupOf(group, step, logprobs));
    out.groups.push_back(std::move(read));
  }
  if (out.groups.empty()) return absl::DataLossError("expected groups, found none");
  if (!logprobs.Empty())
    return absl::DataLossError(absl::StrCat(kLogprobsFile, " has more values than there are tokens"));
  return out;
}

absl::StatusOr<RecordedStep> ReadChecked(const fs::path& folder) {
  RecordedStep out;
  ENTRAIN_ASSIGN_OR_RETURN(const StateJson manifest, ReadManifest(folder));
  const StateJson& recorded = manifest.at("recorded_step");
  ENTRAIN_ASSIGN_OR_RETURN(out.start, ReadCheckpointFiles(folder, manifest));
  if (out.start.snapshots.size() != 1 || out.start.snapshots[0]->version != out.start.next_step) {
    return absl::DataLossError(absl::StrCat((folder / "manifest.json").string(),
                                            ": expected the weights of version ", out.start.next_step,
                                            " and no others"));
  }
  out.attempt = recorded.at("attempt").get<int64_t>();
  out.directive = DirectiveOf(recorded.at("directive"));
  out.digest_after = recorded.at("digest_after").get<std::string>();
  ENTRAIN_ASSIGN_OR_RETURN(std::vector<float> logprobs, ReadColumn(folder, kLogprobsFile, manifest));
  if (manifest.at("files").contains(kReferenceFile)) {
    ENTRAIN_ASSIGN_OR_RETURN(out.reference_logprobs, ReadColumn(folder, kReferenceFile, manifest));
    if (out.reference_logprobs.size() != logprobs.size())
      return absl::DataLossError(absl::StrCat((folder / kReferenceFile).string(), ": expected ",
                                              logprobs.size(), " values, found ",
                                              out.reference_logprobs.size()));
  }
  ENTRAIN_ASSIGN_OR_RETURN(const std::string text, ReadStateFile(folder, kGroupsFile, manifest));
  const std::string where = (folder / kGroupsFile).string();
  try {
    absl::StatusOr<CollectedStep> collected =
        CollectedOf(StateJson::parse(text), out.start.next_step, Column(std::move(logprobs)));
    if (!collected.ok()) return absl::DataLossError(absl::StrCat(where, ": ", collected.status().message()));
    out.collected = *std::move(collected);
  } catch (const StateJson::exception& error) {
    return absl::DataLossError(absl::StrCat(where, ": damaged: ", error.what()));
  }
  out.collected.next_ordinal = recorded.at("next_ordinal").get<int64_t>();
  out.collected.groups_filtered = recorded.at("groups_filtered").get<int64_t>();
  out.collected.groups_excluded = recorded.at("groups_excluded").get<int64_t>();
  out.collected.completions_excluded_timeout = recorded.at("excluded_timeout").get<int64_t>();
  out.collected.completions_excluded_error = recorded.at("excluded_error").get<int64_t>();
  return out;
}

}  // namespace

absl::Status WriteRecordedStep(const std::string& folder, const RecordedStep& recorded) {
  const fs::path path = fs::path(folder) / StepFolderName(recorded.start.next_step);
  std::error_code error;
  fs::remove(path / "manifest.json", error);  // an older record is none from here on
  ENTRAIN_ASSIGN_OR_RETURN(StateJson manifest, WriteCheckpointFiles(path, recorded.start));
  StateJson groups = StateJson::array();
  for (const CollectedGroup& entry : recorded.collected.groups) groups.push_back(GroupJson(entry));
  // Texts may hold bytes that are no UTF-8; nothing is computed from them.
  ENTRAIN_RETURN_IF_ERROR(WriteStateFile(
      path, kGroupsFile, groups.dump(-1, ' ', false, StateJson::error_handler_t::replace) + "\n", manifest));
  ENTRAIN_RETURN_IF_ERROR(WriteColumn(path, kLogprobsFile, LogprobsOf(recorded.collected), manifest));
  if (!recorded.reference_logprobs.empty())
    ENTRAIN_RETURN_IF_ERROR(WriteColumn(path, kReferenceFile, recorded.reference_logprobs, manifest));
  manifest["recorded_step"] = {{"attempt", recorded.attempt},
                               {"directive", DirectiveJson(recorded.directive)},
                               {"digest_after", recorded.digest_after},
                               {"next_ordinal", recorded.collected.next_ordinal},
                               {"groups_filtered", recorded.collected.groups_filtered},
                               {"groups_excluded", recorded.collected.groups_excluded},
                               {"excluded_timeout", recorded.collected.completions_excluded_timeout},
                               {"excluded_error", recorded.collected.completions_excluded_error}};
  return WriteManifest(path, manifest);
}

absl::StatusOr<RecordedStep> ReadRecordedStep(const std::string& path) {
  try {
    return ReadChecked(path);
  } catch (const StateJson::exception& error) {
    return absl::DataLossError(absl::StrCat(path, "/manifest.json: damaged: ", error.what()));
  }
}

std::vector<RecordedStepFolder> ListRecordedSteps(const std::string& folder) {
  std::vector<RecordedStepFolder> out;
  for (const fs::path& path : StepFolders(folder)) {
    int64_t step = 0;
    if (absl::SimpleAtoi(path.filename().string().substr(5), &step) && fs::exists(path / "manifest.json"))
      out.push_back({.step = step, .path = path.string()});
  }
  std::ranges::sort(out, {}, &RecordedStepFolder::step);
  return out;
}

}  // namespace entrain
