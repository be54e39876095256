#include "verifier/code/program_finder.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace entrain {
namespace {

struct Fence {
  char sign;
  size_t length;
  absl::string_view info;  // behind it
  size_t indent;
};

std::optional<Fence> FenceOf(absl::string_view line) {
  const size_t indent = line.size() - absl::StripLeadingAsciiWhitespace(line).size();
  line.remove_prefix(indent);
  if (line.empty() || (line[0] != '`' && line[0] != '~')) return std::nullopt;
  const size_t length = std::min(line.find_first_not_of(line[0]), line.size());
  if (length < 3) return std::nullopt;
  const absl::string_view info = absl::StripAsciiWhitespace(line.substr(length));
  if (line[0] == '`' && absl::StrContains(info, '`')) return std::nullopt;  // ```code``` in a line
  return Fence{line[0], length, info, indent};
}

bool SaysPython(absl::string_view info) {
  const absl::string_view word = info.substr(0, info.find_first_of(" \t{,"));
  return absl::EqualsIgnoreCase(word, "python") || absl::EqualsIgnoreCase(word, "py") ||
         absl::EqualsIgnoreCase(word, "python3");
}

// A block inside a list is indented as its fence is.
std::string WithoutIndent(absl::string_view block, size_t indent) {
  std::string out;
  out.reserve(block.size());
  for (size_t at = 0; at < block.size();) {
    const size_t end = std::min(block.find('\n', at), block.size() - 1) + 1;
    absl::string_view line = block.substr(at, end - at);
    const size_t spaces = std::min(line.find_first_not_of(" \t"), line.size());
    line.remove_prefix(std::min(indent, spaces));
    out.append(line.data(), line.size());
    at = end;
  }
  return out;
}

}  // namespace

std::string FindProgram(absl::string_view completion) {
  struct Block {
    size_t begin = 0, end = 0, indent = 0;
  };
  std::optional<Block> last, last_python;
  std::optional<Fence> open;
  size_t begin = 0;
  const auto close = [&](size_t end) {
    const Block block{begin, end, open->indent};
    last = block;
    if (SaysPython(open->info)) last_python = block;
    open.reset();
  };
  for (size_t at = 0; at < completion.size();) {
    const size_t end = std::min(completion.find('\n', at), completion.size() - 1) + 1;
    const std::optional<Fence> fence = FenceOf(completion.substr(at, end - at));
    if (fence.has_value() && !open.has_value()) {
      open = fence;
      begin = end;
    } else if (fence.has_value() && fence->sign == open->sign && fence->length >= open->length &&
               fence->info.empty()) {
      close(at);
    }
    at = end;
  }
  if (open.has_value()) close(completion.size());
  const std::optional<Block>& block = last_python.has_value() ? last_python : last;
  if (!block.has_value()) return std::string(completion);
  return WithoutIndent(completion.substr(block->begin, block->end - block->begin), block->indent);
}

}  // namespace entrain
