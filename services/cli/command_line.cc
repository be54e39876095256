#include "services/cli/command_line.h"

#include <cmath>
#include <iostream>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/nearest.h"

namespace entrain {

int Unusable(const absl::Status& status) {
  std::cerr << "entrain: " << status.message() << "\n";
  return 2;
}

CLI::Validator Positive() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        double value = 0;
        if (absl::SimpleAtod(text, &value) && std::isfinite(value) && value > 0) return "";
        return absl::StrCat("expected a number above 0, found ", text);
      },
      "POSITIVE");
}

CLI::Validator AtLeast(double low) {
  return CLI::Validator(
      [low](const std::string& text) -> std::string {
        double value = 0;
        if (absl::SimpleAtod(text, &value) && std::isfinite(value) && value >= low) return "";
        return absl::StrCat("expected a number of at least ", low, ", found ", text);
      },
      absl::StrCat("AT LEAST ", low));
}

int ExitOf(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  const CLI::App* at = &app;
  for (int i = 1; i < argc && error.get_exit_code() != 0; ++i) {
    std::vector<std::string> names;
    const CLI::App* next = nullptr;
    for (const CLI::App* command : at->get_subcommands([](const CLI::App*) { return true; })) {
      names.push_back(command->get_name());
      if (command->get_name() == argv[i]) next = command;
    }
    if (names.empty() || argv[i][0] == '-') break;
    if (next == nullptr) {
      return Unusable(absl::InvalidArgumentError(
          absl::StrCat(at->get_parent() == nullptr ? "" : absl::StrCat(at->get_name(), ": "),
                       "there is no command \"", argv[i], "\"", DidYouMean(argv[i], names))));
    }
    at = next;
  }
  return app.exit(error) == 0 ? 0 : 2;
}

}  // namespace entrain
