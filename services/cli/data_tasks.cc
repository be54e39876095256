#include "services/cli/data_tasks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/rng.h"

namespace entrain {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<int64_t, 22> kHeldOut = {23,  34,  45,  56,  67,  70,  78,  81,  89,  92,  102,
                                              111, 119, 124, 133, 146, 155, 160, 168, 177, 182, 191};

// Streams of the generator: append only.
enum Stream : uint64_t {
  kTrain = 1,
  kWarmup = 2,
  kCountdown = 3,
  kWideGood = 4,
  kWideOrder = 5,
  kWideWarmup = 6
};

Json Dec2Json(int64_t target) {
  return {{"prompt", absl::StrCat(target, ":")},
          {"answer", absl::StrCat(target)},
          {"verifier", "countdown"},
          {"verifier_options", {{"terms", 2}, {"digits", 2}}}};
}

std::vector<std::string> DrawDec2(uint64_t seed, Stream stream, int64_t count, bool demonstrate) {
  const Rng rng({.seed = seed, .purpose = RngPurpose::kData, .step = stream});
  std::vector<std::string> lines;
  for (uint64_t position = 0; static_cast<int64_t>(lines.size()) < count; position += 2) {
    const auto a = static_cast<int64_t>(10 + rng.Below(90, position)),
               b = static_cast<int64_t>(10 + rng.Below(90, position + 1));
    if (std::ranges::binary_search(kHeldOut, a + b)) continue;
    Json line = Dec2Json(a + b);
    if (demonstrate) line["meta"] = {{"completion", absl::StrCat(a, "+", b)}};
    lines.push_back(line.dump());
  }
  return lines;
}

}  // namespace

Dec2Lines MakeDec2(uint64_t seed, int64_t train, int64_t warmup) {
  Dec2Lines out{.train = DrawDec2(seed, kTrain, train, false),
                .warmup = DrawDec2(seed, kWarmup, warmup, true)};
  for (const int64_t target : kHeldOut) out.heldout.push_back(Dec2Json(target).dump());
  return out;
}

absl::StatusOr<std::vector<std::string>> ConvertGsm8k(const std::string& name, absl::string_view jsonl) {
  std::vector<std::string> lines;
  int64_t number = 0;
  while (!jsonl.empty()) {
    const size_t end = jsonl.find('\n');
    const absl::string_view text = jsonl.substr(0, end);
    jsonl.remove_prefix(end == absl::string_view::npos ? jsonl.size() : end + 1);
    ++number;
    if (text.find_first_not_of(" \t\r") == absl::string_view::npos) continue;
    const Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
    const auto wrong = [&](absl::string_view what) {
      return absl::InvalidArgumentError(absl::StrCat(name, ":", number, ": ", what));
    };
    if (!json.is_object() || !json.contains("question") || !json["question"].is_string() ||
        !json.contains("answer") || !json["answer"].is_string()) {
      return wrong("expected an object with the texts \"question\" and \"answer\"");
    }
    const std::string solution = json["answer"].get<std::string>();
    const size_t hash = solution.rfind("####");
    if (hash == std::string::npos) return wrong("\"answer\": expected the result after \"####\"");
    const std::string answer =
        absl::StrReplaceAll(absl::StripAsciiWhitespace(solution.substr(hash + 4)), {{",", ""}});
    if (answer.empty()) return wrong("\"answer\": expected a result after \"####\", found nothing");
    lines.push_back(Json{
        {"id", absl::StrCat("gsm8k-", number)},
        {"prompt", json["question"]},
        {"answer", answer},
        {"verifier",
         "math"}}.dump());
  }
  if (lines.empty())
    return absl::InvalidArgumentError(absl::StrCat(name, ": expected at least one line, found none"));
  return lines;
}

std::vector<std::string> MakeCountdown(uint64_t seed, int64_t count, int32_t numbers, int32_t largest) {
  const Rng rng({.seed = seed, .purpose = RngPurpose::kData, .step = kCountdown});
  std::vector<std::string> lines;
  uint64_t position = 0;
  while (static_cast<int64_t>(lines.size()) < count) {
    std::vector<int64_t> given;
    for (int32_t i = 0; i < numbers; ++i)
      given.push_back(static_cast<int64_t>(1 + rng.Below(static_cast<uint64_t>(largest), position++)));
    // A target that is reachable by construction: the numbers joined from left to right by drawn signs.
    int64_t target = given[0];
    for (size_t i = 1; i < given.size(); ++i) {
      switch (rng.Below(3, position++)) {
        case 0:
          target += given[i];
          break;
        case 1:
          target -= given[i];
          break;
        default:
          target *= given[i];
      }
    }
    if (target < 1 || target > 999) continue;
    std::ranges::sort(given);
    lines.push_back(Json{{"prompt", absl::StrCat(absl::StrJoin(given, ","), "=", target, ":")},
                         {"answer", absl::StrCat(target)},
                         {"verifier", "countdown"},
                         {"verifier_options", {{"numbers", given}}}}
                        .dump());
  }
  return lines;
}

namespace {

constexpr uint64_t kWidePrompts = 64, kWideTokens = 512, kWideLength = 4;
constexpr uint32_t kFirstPrompt = 0x4DC0, kFirstToken = 0x4E00;
constexpr double kGoodShare = 0.35, kZipfExponent = 1.1;

// A character of three bytes in UTF-8: U+0800 … U+FFFF.
std::string Utf8(uint64_t character) {
  const auto byte = [](uint64_t bits) { return static_cast<char>(bits); };
  return {byte(0xE0 | (character >> 12)), byte(0x80 | ((character >> 6) & 0x3F)),
          byte(0x80 | (character & 0x3F))};
}

// "[一丁七-万]": the good tokens of one (prompt, position) as a character class.
std::string GoodClass(const Rng& good, uint64_t position) {
  const auto is_good = [&](uint64_t token) {
    return good.Uniform(position * kWideTokens + token) < kGoodShare;
  };
  std::string out = "[";
  for (uint64_t first = 0; first < kWideTokens;) {
    if (!is_good(first)) {
      ++first;
      continue;
    }
    uint64_t last = first;
    while (last + 1 < kWideTokens && is_good(last + 1)) ++last;
    absl::StrAppend(&out, Utf8(kFirstToken + first));
    if (last > first) absl::StrAppend(&out, last > first + 1 ? "-" : "", Utf8(kFirstToken + last));
    first = last + 1;
  }
  return out + "]";
}

// Three of four, or all four: one alternative for every position that may be any token.
std::string WidePattern(uint64_t seed, uint64_t prompt) {
  const Rng good({.seed = seed, .purpose = RngPurpose::kData, .step = kWideGood, .ordinal = prompt});
  std::array<std::string, kWideLength> classes;
  for (uint64_t position = 0; position < kWideLength; ++position)
    classes[position] = GoodClass(good, position);
  std::vector<std::string> alternatives;
  for (uint64_t any = 0; any < kWideLength; ++any) {
    std::string& alternative = alternatives.emplace_back();
    for (uint64_t position = 0; position < kWideLength; ++position)
      alternative += position == any ? "." : classes[position];
  }
  return absl::StrJoin(alternatives, "|");
}

// Tokens by rank for one (prompt, position): Fisher-Yates.
std::vector<uint64_t> WideOrder(uint64_t seed, uint64_t prompt, uint64_t position) {
  const Rng rng({.seed = seed,
                 .purpose = RngPurpose::kData,
                 .step = kWideOrder,
                 .ordinal = prompt * kWideLength + position});
  std::vector<uint64_t> order(kWideTokens);
  std::iota(order.begin(), order.end(), uint64_t{0});
  for (uint64_t i = kWideTokens; i > 1; --i) std::swap(order[i - 1], order[rng.Below(i, i)]);
  return order;
}

// Zipf's law: the share of ranks up to this one.
std::vector<double> ZipfShares() {
  std::vector<double> shares(kWideTokens);
  double sum = 0;
  for (uint64_t rank = 0; rank < kWideTokens; ++rank)
    shares[rank] = sum += std::pow(static_cast<double>(rank + 1), -kZipfExponent);
  for (double& share : shares) share /= sum;
  return shares;
}

}  // namespace

WideLines MakeWide(uint64_t seed, int64_t warmup) {
  WideLines out;
  std::vector<std::vector<uint64_t>> orders;
  for (uint64_t prompt = 0; prompt < kWidePrompts; ++prompt) {
    out.train.push_back(Json{
        {"prompt", Utf8(kFirstPrompt + prompt)}, {"answer", WidePattern(seed, prompt)}, {"verifier", "regex"}}
                            .dump());
    for (uint64_t position = 0; position < kWideLength; ++position)
      orders.push_back(WideOrder(seed, prompt, position));
  }
  const std::vector<double> shares = ZipfShares();
  const Rng rng({.seed = seed, .purpose = RngPurpose::kData, .step = kWideWarmup});
  uint64_t at = 0;
  for (int64_t line = 0; line < warmup; ++line) {
    const uint64_t prompt = rng.Below(kWidePrompts, at++);
    std::string completion;
    for (uint64_t position = 0; position < kWideLength; ++position) {
      const auto rank =
          static_cast<uint64_t>(std::ranges::upper_bound(shares, rng.Uniform(at++)) - shares.begin());
      completion +=
          Utf8(kFirstToken + orders[prompt * kWideLength + position][std::min(rank, kWideTokens - 1)]);
    }
    out.warmup.push_back(
        Json{{"prompt", Utf8(kFirstPrompt + prompt)}, {"answer", completion}, {"verifier", "exact"}}.dump());
  }
  return out;
}

}  // namespace entrain
