#include "verifier/code/ending.h"

#include <string.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace entrain {

std::string EndingText(const SandboxOutcome& outcome) {
  switch (outcome.end) {
    case RunEnd::kExited:
      return absl::StrCat("exit status ", outcome.code);
    case RunEnd::kSignalled:
      return absl::StrCat("signal ", outcome.code, " (", strsignal(outcome.code), ")");
    case RunEnd::kLimit:
      return outcome.limit;
    case RunEnd::kStopped:
      return "stopped";
  }
  return "";
}

std::string LastLine(absl::string_view text) {
  text = absl::StripTrailingAsciiWhitespace(text);
  const size_t line = text.rfind('\n');
  return std::string(
      absl::StripAsciiWhitespace(line == absl::string_view::npos ? text : text.substr(line + 1)));
}

}  // namespace entrain
