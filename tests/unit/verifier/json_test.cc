#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/unit/verifier/judge_one.h"

namespace entrain {
namespace {

using ::testing::HasSubstr;

struct Row {
  std::string completion, answer, options, kind;
};

const char kPerson[] = R"({"schema": {"type": "object", "required": ["name", "age"],
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}}}})";

TEST(JsonVerifier, AcceptsAndRefuses) {
  for (const Row& row : std::initializer_list<Row>{
           // Equal to the reference: keys in any order, numbers by value, nothing more and nothing less.
           {R"({"a": 1, "b": [2, 3]})", R"({"b": [2, 3], "a": 1})", "{}", "correct"},
           {R"({"a":1.0,"b":[2,3e0]})", R"({"b": [2, 3], "a": 1})", "{}", "correct"},
           {R"({"a": 1})", R"({"a": 1, "b": null})", "{}", "wrong"},
           {R"({"a": 1, "b": null})", R"({"a": 1})", "{}", "wrong"},
           {"[1, 2]", "[2, 1]", "{}", "wrong"},
           {"[1, 2, 3]", "[1, 2]", "{}", "wrong"},
           {R"("\u0061")", R"("a")", "{}", "correct"},
           {R"("A")", R"("a")", "{}", "wrong"},
           {"1", "true", "{}", "wrong"},
           {"0.1", "0.10000000000000000001", "{}", "wrong"},
           {"1e400", "1", "{}", "limit"},
           {" null\n", "null", "{}", "correct"},
           // A schema.
           {R"({"name": "Ada", "age": 36})", "", kPerson, "correct"},
           {R"({"name": "Ada", "age": 36, "x": []})", "", kPerson, "correct"},
           {R"({"name": "Ada"})", "", kPerson, "wrong"},
           {R"({"name": "Ada", "age": -1})", "", kPerson, "wrong"},
           {R"({"name": "Ada", "age": "36"})", "", kPerson, "wrong"},
           {R"([{"name": "Ada", "age": 36}])", "", kPerson, "wrong"},
           // Both.
           {R"({"a": 1})", R"({"a": 1})", R"({"schema": {"type": "object"}, "equals": true})", "correct"},
           {R"({"a": 2})", R"({"a": 1})", R"({"schema": {"type": "object"}, "equals": true})", "wrong"},
           {"[]", "[]", R"({"schema": {"type": "object"}, "equals": true})", "wrong"},
           // Neither: JSON at all.
           {"[1]", "", R"({"equals": false})", "correct"},
           {"[1", "", R"({"equals": false})", "unparsable"},
           // Where the document stands.
           {"Here:\n```json\n{\"a\": 1}\n```\nDone.", R"({"a": 1})", "{}", "correct"},
           {"```\n{\"a\": 1}\n```", R"({"a": 1})", "{}", "correct"},
           {"```json\n{\"a\": 1}\n```\n```json\n{\"a\": 2}\n```", R"({"a": 2})", "{}", "correct"},
           {"```json\n{\"a\": 1}\n```\n```python\nprint()\n```", R"({"a": 1})", "{}", "correct"},
           {"```json\n{\"a\": 1}", R"({"a": 1})", "{}", "correct"},  // cut before the fence
           {"```json\n{\"a\": 1\n```\n{\"a\": 1}", R"({"a": 1})", "{}", "unparsable"},  // the block decides
           {"The answer is {\"a\": 1}.", R"({"a": 1})", "{}", "correct"},
           {"f(x) = {x | x > 0}, so {\"a\": {\"b\": [1]}}", R"({"a": {"b": [1]}})", "{}", "correct"},
           {"It's \"so\": {\"a\": \"}{\\\"\"} isn't it", R"({"a": "}{\""})", "{}", "correct"},
           {"{ not closed, then {\"a\": 1}", R"({"a": 1})", "{}", "correct"},
           {"{\"a\": 1} and {\"a\": 2}", R"({"a": 2})", "{}", "correct"},
           {"{\"a\": 1} and {so on}", R"({"a": 1})", "{}", "correct"},
           {"no document", "1", "{}", "unparsable"},
           {"", "1", "{}", "unparsable"},
           {"text {\"a\": 1}", R"({"a": 1})", R"({"extract": "whole"})", "unparsable"},
           {"{\"a\": 1}", R"({"a": 1})", R"({"extract": "whole"})", "correct"},
           {"{\"a\": 1}", R"({"a": 1})", R"({"extract": "block"})", "unparsable"},
           {"```json\n1\n```\n[2]", "[2]", R"({"extract": "last"})", "correct"},
           // What is no JSON, or means two things.
           {"{\"a\": 1,}", R"({"a": 1})", "{}", "unparsable"},
           {"{'a': 1}", R"({"a": 1})", "{}", "unparsable"},
           {"{\"a\": NaN}", R"({"a": 1})", "{}", "unparsable"},
           {"{\"a\": 1} // so", R"({"a": 1})", R"({"extract": "whole"})", "unparsable"},
           {"{\"a\": 1, \"a\": 1}", R"({"a": 1})", "{}", "unparsable"},
           {"\"\xff\"", "\"a\"", "{}", "unparsable"},
       }) {
    const Verdict verdict = JudgeOne("json", row.completion, row.answer, row.options);
    EXPECT_EQ(KindOf(verdict), row.kind)
        << row.completion << " | " << row.answer << " | " << row.options << " | " << verdict.detail;
    EXPECT_EQ(verdict.score, row.kind == "correct" ? 1.0 : 0.0);
  }
}

TEST(JsonVerifier, TheDetailNamesThePlace) {
  EXPECT_EQ(JudgeOne("json", R"({"a": {"b": [1, 2]}})", R"({"a": {"b": [1, 3]}})").detail,
            "/a/b/1: another value");
  EXPECT_EQ(JudgeOne("json", R"({"a": {}})", R"({"a": []})").detail, "/a: expected array, found object");
  EXPECT_EQ(JudgeOne("json", R"({"a/b": 1})", "{}").detail, "/a~1b: expected no such key");
  EXPECT_EQ(JudgeOne("json", "{}", R"({"a": 1})").detail, "the document: expected the key \"a\"");
  EXPECT_EQ(JudgeOne("json", "[1]", "[1, 2]").detail, "the document: expected 2 items, found 1");
  EXPECT_EQ(JudgeOne("json", R"({"name": "Ada", "age": 3.5})", "", kPerson).detail,
            "/age: expected integer, found number");
  EXPECT_THAT(JudgeOne("json", R"({"a": 1, "a": 2})", "1").detail, HasSubstr("\"a\" comes twice"));
}

TEST(JsonVerifier, AReferenceOrSchemaThatCannotBeReadIsOurError) {
  struct Bad {
    const char *answer, *options, *says;
  };
  for (const Bad& bad : {
           Bad{"", "{}", "answer: expected a JSON document"},
           Bad{"{", "{}", "answer: expected a JSON document: not JSON at byte 2"},
           Bad{"", R"({"schema": {"type": "object"}, "equals": true})", "answer: expected a JSON document"},
           Bad{"1", R"({"schema": 3})", "verifier_options.schema: /: expected a schema"},
           Bad{"1", R"({"schema": {"properties": {"a": {"typ": "string"}}}})",
               "verifier_options.schema: /properties/a/typ"},
           Bad{"1", R"({"equals": 1})", "verifier_options.equals"},
           Bad{"1", R"({"extract": "first"})", "verifier_options.extract: expected auto or whole"},
           Bad{"1", R"({"shema": {}})", "did you mean \"schema\""},
       }) {
    const Verdict verdict = JudgeOne("json", "1", bad.answer, bad.options);
    EXPECT_EQ(KindOf(verdict), "error") << bad.answer << " | " << bad.options;
    EXPECT_THAT(verdict.detail, HasSubstr(bad.says)) << bad.answer << " | " << bad.options;
  }
}

TEST(JsonVerifier, LimitsCountWork) {
  const auto limit = [](const std::string& completion) {
    const Verdict verdict = JudgeOne("json", completion, "1");
    return absl::StrCat(KindOf(verdict), " ", verdict.detail);
  };
  EXPECT_THAT(limit(std::string(64, '[') + std::string(64, ']')), HasSubstr("wrong"));
  EXPECT_THAT(limit(std::string(65, '[') + std::string(65, ']')), HasSubstr("limit depth: more than 64"));
  EXPECT_THAT(limit(std::string(1'000'000, '[')), HasSubstr("limit depth"));
  EXPECT_THAT(limit(std::string(2'000'000, ' ') + "1"), HasSubstr("correct"));  // white space is no document
  EXPECT_THAT(limit("\"" + std::string(1 << 20, 'a') + "\""),
              HasSubstr("limit text: more than 1048576 bytes"));
  std::string many = "[1";
  for (int i = 0; i < 100'000; ++i) many += ",1";
  EXPECT_THAT(limit(many + "]"), HasSubstr("limit values: more than 100000"));
  EXPECT_THAT(limit("[1" + std::string(20'000, '0') + "]"), HasSubstr("limit a number"));
  EXPECT_THAT(limit("[1e-99999]"), HasSubstr("limit a number of too many digits"));
  std::string tiny = "[1";
  for (int i = 0; i < 60'000; ++i) tiny += ",1e-9999";
  EXPECT_THAT(limit(tiny + "]"), HasSubstr("limit numbers: more than 4194304 bytes"));
  // Brackets without end: linear.
  for (const char* text : {"{", "[", "[{", "{\"", "[]{", "```json\n"}) {
    std::string hostile;
    while (hostile.size() < 1'000'000) hostile += text;
    EXPECT_NE(limit(hostile).substr(0, 7), "correct") << text;
  }
}

}  // namespace
}  // namespace entrain
