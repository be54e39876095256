#include "common/digest.h"

#include <gtest/gtest.h>

#include <array>

namespace entrain {
namespace {

// The examples of FIPS 180-4 (SHA-256) and the empty message.
TEST(DigestTest, GivesThePublishedSha256Values) {
  EXPECT_EQ(DigestOf("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(DigestOf(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(DigestOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(DigestTest, DoesNotDependOnHowTheBytesAreCutUp) {
  Digester digester;
  digester.Update("a");
  digester.Update("");
  digester.Update("bc");
  EXPECT_EQ(digester.Finish(), DigestOf("abc"));
}

// printf '\x00\x00\x80\x3f' | sha256sum
TEST(DigestTest, TakesFloatsAsLittleEndianBytes) {
  const std::array<float, 1> one = {1.0f};
  EXPECT_EQ(DigestOf(std::span<const float>(one)),
            "e00e5eb9444182f352323374ef4e08ebcb784725fdd4fd612d7730540b3e0c8c");
}

}  // namespace
}  // namespace entrain
