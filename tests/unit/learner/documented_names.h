#pragma once

#include <algorithm>
#include <fstream>
#include <regex>
#include <set>
#include <string>

namespace entrain {

// The names that `text` stands for: "a{b,c}d{e,f}" is abde, abdf, acde, acdf.
inline std::set<std::string> Expanded(const std::string& text) {
  const size_t open = text.find('{');
  if (open == std::string::npos) return {text};
  const size_t close = text.find('}', open);
  std::set<std::string> names;
  for (size_t from = open + 1; from <= close;) {
    const size_t to = std::min(text.find(',', from), close);
    names.merge(Expanded(text.substr(0, open) + text.substr(from, to - from) + text.substr(close + 1)));
    from = to + 1;
  }
  return names;
}

// The names in the first column of the tables of docs/metrics.md, in the section with this heading or, for
// "", in all sections.
inline std::set<std::string> DocumentedNames(const std::string& section = "") {
  std::ifstream file(ENTRAIN_SOURCE_DIR "/docs/metrics.md");
  std::set<std::string> names;
  bool inside = section.empty();
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ") && !section.empty()) inside = line == "## " + section;
    if (!inside || !line.starts_with("| `")) continue;
    const std::string column = line.substr(0, line.find('|', 1));
    static const std::regex quoted("`([^`]*)`");
    for (auto match = std::sregex_iterator(column.begin(), column.end(), quoted);
         match != std::sregex_iterator(); ++match)
      names.merge(Expanded((*match)[1]));
  }
  return names;
}

// A name as docs/metrics.md spells it: eval/pass_at_8 is eval/pass_at_K.
inline std::string AsDocumented(const std::string& name) {
  for (const std::string start : {"eval/pass_at_", "eval/maj_at_"}) {
    if (name.starts_with(start)) return start + "K";
  }
  return name;
}

}  // namespace entrain
