// One line of `entrain verify`: whatever its bytes, the answer is one line of JSON in UTF-8 with the
// documented keys.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/match.h"
#include "tests/fuzz/fuzz_input.h"
#include "verifier/local_verifier.h"
#include "verifier/verify_document.h"

namespace entrain {
namespace {

// Only cheap judges: this target is about the line, and programs must not run here.
class CheapVerifier final : public Verifier {
 public:
  absl::StatusOr<std::vector<Verdict>> Verify(std::span<const VerifyItem> items,
                                              const VerifyCall& call) override {
    for (const VerifyItem& item : items) {
      if (item.verifier != "exact" && item.verifier != "countdown")
        return std::vector<Verdict>(items.size(), Verdict{.detail = item.verifier.substr(0, 60)});
    }
    return local_->Verify(items, call);
  }

 private:
  const std::unique_ptr<Verifier> local_ = CreateLocalVerifier();
};

void CheckLine(const VerifiedLine& line, absl::string_view input) {
  Require(line.json.find('\n') == std::string::npos, "one line");
  const nlohmann::json out = nlohmann::json::parse(line.json, nullptr, /*allow_exceptions=*/false);
  Require(out.is_object() && out.contains("id"), "an object with an id");
  // The line is read here once more, by the library alone: id and verdict must be those of what it reads.
  const nlohmann::json in =
      nlohmann::json::parse(input.begin(), input.end(), nullptr, /*allow_exceptions=*/false);
  if (out.contains("error")) {
    Require(!line.ok() && out.size() == 2 && out["error"].is_string(), "an error is {id, error}");
    Require(absl::StartsWith(out["error"].get<std::string>(), "line 7: "), "an error names its line");
    return;
  }
  Require(in.is_object() && in.contains("completion") && in["completion"].is_string() &&
              in["answer"].is_string() && in["verifier"].is_string(),
          "only a complete line has a verdict");
  Require(in.contains("id") ? out["id"] == in["id"] : out["id"] == 7, "the id is repeated");
  Require(out.size() == 6 && out["kind"].is_string() &&
              (out["score"].is_number() || out["score"].is_null()) && out["extracted"].is_string() &&
              out["detail"].is_string() && out["seconds"].is_number(),
          "the documented keys");
  Require(line.ok() == !out["score"].is_null(), "a line without a score is not ok");
}

}  // namespace
}  // namespace entrain

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace entrain;  // NOLINT: the entry point is C
  static auto* verifier = new CheapVerifier;
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const WorkBound bound;
  const VerifiedLine line = VerifyLine(*verifier, 7, input, absl::InfiniteDuration());
  bound.Check("the line");
  CheckLine(line, input);
  return 0;
}
