#include "learner/vote.h"

#include <gtest/gtest.h>

namespace entrain {
namespace {

TEST(VoteOf, TheSameNumberIsTheSameVote) {
  for (const char* half : {"1/2", "0.5", ".50", "+0.5", " 1 / 2", "2/4", "\\frac{1}{2}", "\\dfrac{1}{2}",
                           "\\tfrac{ 2 }{ 4 }", "$0.5$", "-1/-2"})
    EXPECT_EQ(VoteOf(half), "1/2") << half;
  for (const char* number :
       {"1234", "1,234", "1{,}234", "1\\,234", "1 234", "1234.0", "01234", "$1,234", "2468/2"})
    EXPECT_EQ(VoteOf(number), "1234") << number;
  for (const char* number : {"-3", "\u22123", "-3.00", "-6/2", "-\\frac{6}{2}"})
    EXPECT_EQ(VoteOf(number), "-3") << number;
  EXPECT_EQ(VoteOf("-0"), "0");
}

TEST(VoteOf, TextsAreComparedWithoutSpacesAndCase) {
  EXPECT_EQ(VoteOf("No Solution"), VoteOf("no  solution"));
  EXPECT_EQ(VoteOf("(1, 2)"), VoteOf("\\left( 1, 2 \\right)"));
  EXPECT_NE(VoteOf("(1, 2)"), VoteOf("(2, 1)"));
  EXPECT_EQ(VoteOf(" \n"), "");
  EXPECT_EQ(VoteOf(""), "");
}

TEST(VoteOf, WhatIsNoSuchNumberIsAText) {
  for (const char* text : {"1/0", "x/2", "1.2.3", "1/2/3", "1e3", "5%", "\\frac{x}{2}", "--1", ".", "/",
                           "1,23", "12345678901234567890", "\\frac{1}{2}{3}"}) {
    EXPECT_EQ(VoteOf(text), text);
  }
  EXPECT_NE(VoteOf("12345678901234567890"), VoteOf("12345678901234567891"));
}

}  // namespace
}  // namespace entrain
