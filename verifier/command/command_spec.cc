#include "verifier/command/command_spec.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace entrain {

absl::Status AddCommand(absl::string_view text, bool trusted, CommandTable& commands) {
  const size_t equals = text.find('=');
  CommandSpec spec{.trusted = trusted};
  if (equals != absl::string_view::npos)
    spec.argv = absl::StrSplit(text.substr(equals + 1), ' ', absl::SkipWhitespace());
  if (equals == 0 || spec.argv.empty() || spec.argv[0][0] != '/') {
    return absl::InvalidArgumentError(
        absl::StrCat("command: expected NAME=/path/of/judge [argument …], found \"", text, "\""));
  }
  const std::string name(text.substr(0, equals));
  if (!commands.emplace(name, std::move(spec)).second)
    return absl::InvalidArgumentError(absl::StrCat("command: \"", name, "\" is given twice"));
  return absl::OkStatus();
}

}  // namespace entrain
