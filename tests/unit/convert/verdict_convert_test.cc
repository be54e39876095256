#include "services/convert/verdict_convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace entrain {
namespace {

using ::testing::HasSubstr;

TEST(VerdictConvertTest, AnItemSurvivesTheWire) {
  const VerifyItem item{.verifier = "code",
                        .completion = "print(1)",
                        .answer = "1",
                        .options_json = R"({"tests": 3})",
                        .timeout = absl::Milliseconds(1500)};
  const absl::StatusOr<VerifyItem> back = VerifyItemFromProto("items[0]", VerifyItemToProto(item));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->verifier, item.verifier);
  EXPECT_EQ(back->completion, item.completion);
  EXPECT_EQ(back->answer, item.answer);
  EXPECT_EQ(back->options_json, item.options_json);
  EXPECT_EQ(back->timeout, item.timeout);
}

TEST(VerdictConvertTest, AnItemWithoutATimeOfItsOwnHasTheBatchs) {
  EXPECT_FALSE(VerifyItemToProto({.verifier = "exact"}).has_timeout());
  const auto back = VerifyItemFromProto("items[0]", VerifyItemToProto({.verifier = "exact"}));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->timeout, absl::InfiniteDuration());
}

TEST(VerdictConvertTest, ATimeThatIsNoneIsRefusedByName) {
  verifier::v1::VerifyItem message = VerifyItemToProto({.verifier = "exact"});
  message.mutable_timeout()->set_seconds(0);
  EXPECT_THAT(std::string(VerifyItemFromProto("items[4]", message).status().message()),
              HasSubstr("items[4].timeout: expected more than 0 s"));
  message.mutable_timeout()->set_seconds(-1);
  EXPECT_FALSE(VerifyItemFromProto("items[4]", message).ok());
}

}  // namespace
}  // namespace entrain
