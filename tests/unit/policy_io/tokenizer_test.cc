#include "policy/tokenizer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace entrain {
namespace {

const std::string kGolden = std::string(ENTRAIN_SOURCE_DIR) + "/tests/golden/policy/";

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::unique_ptr<Tokenizer> Load(const std::string& name) {
  auto tokenizer = Tokenizer::Parse(ReadFile(kGolden + name + "/tokenizer.json"));
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *std::move(tokenizer);
}

// Rows made by the `tokenizers` library (scripts/make_policy_golden.py).
nlohmann::json Rows(const std::string& name) {
  nlohmann::json golden = nlohmann::json::parse(ReadFile(kGolden + "golden.json"));
  EXPECT_GT(golden.at(name).size(), 0u);
  return golden.at(name);
}

void ExpectLikeTheLibrary(const std::string& name) {
  const std::unique_ptr<Tokenizer> tokenizer = Load(name);
  for (const auto& row : Rows(name)) {
    const auto ids = tokenizer->Encode(row["text"].get<std::string>());
    ASSERT_TRUE(ids.ok()) << row["text"] << ": " << ids.status();
    EXPECT_EQ(*ids, row["ids"].get<std::vector<TokenId>>()) << row["text"];
    const auto text = tokenizer->Decode(row["ids"].get<std::vector<TokenId>>());
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_EQ(*text, row["decoded"].get<std::string>()) << row["text"];
  }
}

TEST(Tokenizer, ByteLevelBpeEncodesAndDecodesLikeTheLibrary) { ExpectLikeTheLibrary("bpe"); }

TEST(Tokenizer, CharacterLevelEncodesAndDecodesLikeTheLibrary) { ExpectLikeTheLibrary("chars"); }

TEST(Tokenizer, CutCharactersDecodeToReplacementCharactersLikeTheLibrary) {
  const std::unique_ptr<Tokenizer> tokenizer = Load("bpe");
  for (const auto& row : Rows("bpe_partial")) {
    const auto text = tokenizer->Decode(row["ids"].get<std::vector<TokenId>>());
    ASSERT_TRUE(text.ok());
    EXPECT_EQ(*text, row["decoded"].get<std::string>()) << row["ids"];
  }
}

TEST(Tokenizer, SpecialTokensAreKeptOnRequestOnly) {
  const std::unique_ptr<Tokenizer> tokenizer = Load("chars");
  const std::vector<TokenId> ids = {3, 1};  // "1", <eos>
  EXPECT_EQ(*tokenizer->Decode(ids), "1");
  EXPECT_EQ(*tokenizer->Decode(ids, /*keep_special=*/true), "1<eos>");
}

TEST(Tokenizer, ACharacterWithoutTokenIsAnErrorThatShowsIt) {
  const auto ids = Load("chars")->Encode("12x");
  EXPECT_EQ(ids.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(ids.status().message().find("\"x\""), absl::string_view::npos) << ids.status();
}

TEST(Tokenizer, TextThatIsNoUtf8IsRefusedWithTheByte) {
  const auto ids = Load("bpe")->Encode("ab\xFF");
  EXPECT_NE(ids.status().message().find("byte 2"), absl::string_view::npos) << ids.status();
}

TEST(Tokenizer, AnIdOutsideTheVocabularyIsRefused) {
  const std::vector<TokenId> ids = {100000};
  EXPECT_EQ(Load("bpe")->Decode(ids).status().code(), absl::StatusCode::kInvalidArgument);
  const std::vector<TokenId> negative = {-1};
  EXPECT_EQ(Load("bpe")->Decode(negative).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Tokenizer, APieceOfAMillionBytesIsEncodedInReasonableWork) {
  const auto ids = Load("bpe")->Encode(std::string(1'000'000, 'x'));
  ASSERT_TRUE(ids.ok());
  EXPECT_GT(ids->size(), 0u);
}

// Expected ids: tokenizers 0.23.3, Tokenizer.from_str(changed
// file).encode("a\u00a0<|endoftext|>\u3000\u2003b").ids
TEST(Tokenizer, AddedTokensStripEveryUnicodeSpace) {
  nlohmann::json json = nlohmann::json::parse(ReadFile(kGolden + "bpe/tokenizer.json"));
  json["added_tokens"][0]["lstrip"] = true;
  json["added_tokens"][0]["rstrip"] = true;
  const auto tokenizer = Tokenizer::Parse(json.dump());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const auto ids = (*tokenizer)->Encode("a\u00a0<|endoftext|>\u3000\u2003b");
  ASSERT_TRUE(ids.ok()) << ids.status();
  EXPECT_EQ(*ids, (std::vector<TokenId>{64, 400, 65}));
}

TEST(Tokenizer, AnIdThatWouldCostGigabytesIsAnError) {
  nlohmann::json json = nlohmann::json::parse(ReadFile(kGolden + "bpe/tokenizer.json"));
  json["added_tokens"][0]["id"] = 100'000'000;
  EXPECT_EQ(Tokenizer::Parse(json.dump()).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Tokenizer, UnsupportedComponentsAreNamed) {
  nlohmann::json json = nlohmann::json::parse(ReadFile(kGolden + "bpe/tokenizer.json"));
  json["normalizer"] = {{"type", "Lowercase"}};
  auto tokenizer = Tokenizer::Parse(json.dump());
  EXPECT_EQ(tokenizer.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_NE(tokenizer.status().message().find("Lowercase"), absl::string_view::npos);
  json["normalizer"] = nullptr;
  json["model"]["type"] = "Unigram";
  EXPECT_NE(Tokenizer::Parse(json.dump()).status().message().find("Unigram"), absl::string_view::npos);
}

TEST(Tokenizer, HostileFilesAreErrors) {
  EXPECT_FALSE(Tokenizer::Parse("").ok());
  EXPECT_FALSE(Tokenizer::Parse("[]").ok());
  EXPECT_FALSE(Tokenizer::Parse(std::string(100'000, '[')).ok());
  EXPECT_FALSE(Tokenizer::Parse(R"({"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}})").ok());
  EXPECT_FALSE(Tokenizer::Parse(R"({"model": {"type": "BPE", "vocab": {"a": 1e12}, "merges": []}})").ok());
  EXPECT_FALSE(Tokenizer::Parse(R"({"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}})").ok());
  EXPECT_FALSE(Tokenizer::Parse(R"({"model": {"type": "WordLevel", "vocab": 5}})").ok());
}

}  // namespace
}  // namespace entrain
