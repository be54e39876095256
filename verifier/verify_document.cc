#include "verifier/verify_document.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "common/nearest.h"

namespace entrain {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 64;  // writing a document out again is recursive in the library

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

absl::StatusOr<VerifyItem> ReadItem(const Json& line) {
  if (line.is_discarded()) return absl::InvalidArgumentError("not JSON in UTF-8");
  if (!line.is_object()) return absl::InvalidArgumentError("expected one JSON object");
  VerifyItem item;
  for (const auto& [key, value] : line.items()) {
    std::string* text = key == "verifier"     ? &item.verifier
                        : key == "completion" ? &item.completion
                        : key == "answer"     ? &item.answer
                                              : nullptr;
    if (text != nullptr) {
      if (!value.is_string())
        return absl::InvalidArgumentError(
            absl::StrCat("\"", key, "\": expected a string, found ", value.type_name()));
      *text = value.get<std::string>();
    } else if (key == "verifier_options") {
      if (!value.is_object())
        return absl::InvalidArgumentError(
            absl::StrCat("\"verifier_options\": expected an object, found ", value.type_name()));
      item.options_json = Dump(value);
    } else if (key != "id") {
      return absl::InvalidArgumentError(
          absl::StrCat("unknown key \"", key.substr(0, 60), "\"",
                       DidYouMean(key, {"id", "verifier", "completion", "answer", "verifier_options"})));
    }
  }
  for (const char* key : {"verifier", "completion", "answer"}) {
    if (!line.contains(key)) return absl::InvalidArgumentError(absl::StrCat("\"", key, "\" is missing"));
  }
  return item;
}

}  // namespace

VerifiedLine VerifyLine(Verifier& verifier, int64_t number, absl::string_view text, absl::Duration deadline) {
  bool too_deep = false;
  const auto watch_depth = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  const Json line = Json::parse(text.begin(), text.end(), watch_depth, /*allow_exceptions=*/false);
  Json out;
  out["id"] = line.is_object() && line.contains("id") ? line["id"] : Json(number);
  const absl::StatusOr<VerifyItem> item =
      too_deep ? absl::InvalidArgumentError(absl::StrCat("expected at most ", kMaxDepth, " levels of JSON"))
               : ReadItem(line);
  const absl::StatusOr<std::vector<Verdict>> verdicts =
      item.ok() ? verifier.Verify(std::span(&*item, 1), deadline)
                : absl::StatusOr<std::vector<Verdict>>(item.status());
  if (!verdicts.ok()) {
    out["error"] = absl::StrCat("line ", number, ": ", verdicts.status().message());
    return {.json = Dump(out), .ok = false};
  }
  const Verdict& verdict = (*verdicts)[0];
  out["kind"] = std::string(VerdictKindName(verdict.kind));
  out["score"] = verdict.score.has_value() ? Json(*verdict.score) : Json(nullptr);
  out["extracted"] = verdict.extracted;
  out["detail"] = verdict.detail;
  out["seconds"] = verdict.seconds;
  return {.json = Dump(out), .ok = !IsOurFailure(verdict.kind)};
}

}  // namespace entrain
