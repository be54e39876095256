// Tables of pairs that are the same answer and of near misses that are not. Why a pair is the same is school
// mathematics, and said beside it where it is more than that.
#include "verifier/math/equivalence.h"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/verifier/formula_reader.h"

namespace entrain {
namespace {

using testing::FormulaReader;

Comparison CompareTexts(const std::string& given, const std::string& reference,
                        const EquivalenceOptions& options = {}) {
  return Compare(FormulaReader::Read(given), FormulaReader::Read(reference), options);
}

struct Pair {
  const char* given;
  const char* reference;
};

void ExpectAll(Sameness expected, const std::vector<Pair>& pairs, const EquivalenceOptions& options = {}) {
  for (const Pair& pair : pairs) {
    const Comparison comparison = CompareTexts(pair.given, pair.reference, options);
    EXPECT_EQ(comparison.sameness, expected)
        << "given " << pair.given << ", reference " << pair.reference << ": " << comparison.detail;
  }
}
void ExpectSame(const std::vector<Pair>& pairs, const EquivalenceOptions& options = {}) {
  ExpectAll(Sameness::kSame, pairs, options);
}
void ExpectDifferent(const std::vector<Pair>& pairs, const EquivalenceOptions& options = {}) {
  ExpectAll(Sameness::kDifferent, pairs, options);
}

TEST(EquivalenceTest, Numbers) {
  ExpectSame({{"1", "1"},
              {"(/ 1 2)", "(/ 2 4)"},
              {"(/ 1 2)", "0.5"},
              {"(neg (/ 3 6))", "(/ -1 2)"},
              {"(^ 2 10)", "1024"},
              {"(^ 2 -2)", "(/ 1 4)"},
              {"(! 5)", "120"},
              {"(binom 10 3)", "120"},
              {"(!! 7)", "105"},
              {"(gcd 12 18)", "6"},
              {"(lcm 4 6)", "12"},
              {"(mod -7 3)", "2"},
              {"(floor (/ -7 2))", "-4"},
              {"(+ (^ 3 30000) (neg (^ 3 30000)) 1)", "1"},
              {"(/ (! 1000) (! 998))", "999000"},
              {"(/ (! 2004) (! 2006))", "(/ 1 4022030)"},  // 2005 · 2006
              {"(abs -3)", "3"},
              {"(min 3 (/ 1 2))", "(/ 1 2)"}});
  ExpectDifferent({{"1", "2"},
                   {"(/ 1 2)", "(/ 1 3)"},
                   {"(/ 1 2)", "(/ -1 2)"},
                   {"(^ 2 10)", "1023"},
                   {"(+ (^ 10 50) 1)", "(^ 10 50)"},
                   {"(+ (^ 3 30000) (neg (^ 3 30000)) 1)", "0"},
                   {"(/ 1 (! 2004))", "(/ 1 (! 2006))"},
                   {"(/ 1 (^ 2 99))", "(/ 1 (^ 2 98))"},
                   {"(/ 1 0)", "1"},
                   {"1", "inf"},
                   {"(/ 0 0)", "0"},
                   {"(* 0 inf)", "0"},
                   {"(/ 0 0)", "1"},
                   {"(neg inf)", "inf"}});
}

TEST(EquivalenceTest, RootsPowersLogarithms) {
  ExpectSame({{"(sqrt 12)", "(* 2 (sqrt 3))"},
              {"(* 3 (sqrt 5))", "(sqrt 45)"},
              {"(/ 1 (sqrt 2))", "(/ (sqrt 2) 2)"},
              {"(root 54 3)", "(* 3 (root 2 3))"},
              {"(root -8 3)", "-2"},
              {"(^ -8 (/ 1 3))", "-2"},
              {"(^ 8 (/ 2 3))", "4"},
              {"(^ 4 (/ -1 2))", "(/ 1 2)"},
              {"(sqrt -4)", "(* 2 i)"},
              {"(sqrt (+ 3 (* 2 (sqrt 2))))", "(+ 1 (sqrt 2))"},  // (1 + √2)² = 3 + 2√2
              {"(/ (+ 1 (sqrt 5)) 2)", "(/ 2 (- (sqrt 5) 1))"},   // the golden ratio
              {"(sqrt (- 5 (* 2 (sqrt 6))))", "(- (sqrt 3) (sqrt 2))"},
              {"(root (+ 2 (sqrt 5)) 3)", "(/ (+ 1 (sqrt 5)) 2)"},  // φ³ = 2 + √5
              {"(* (- (sqrt 3) 1) (+ (sqrt 3) 1))", "2"},
              {"(log 8 2)", "3"},
              {"(log 2 8)", "(/ 1 3)"},
              {"(ln (^ e 2))", "2"},
              {"(^ e (ln 5))", "5"},
              {"(+ (ln 2) (ln 3))", "(ln 6)"},
              {"(* 2 (ln 3))", "(ln 9)"},
              {"(ln (/ 1 2))", "(neg (ln 2))"},
              {"(^ 2 (+ n 1))", "(* 2 (^ 2 n))"},
              {"(^ 4 x)", "(^ 2 (* 2 x))"},
              {"(^ 6 x)", "(* (^ 2 x) (^ 3 x))"},
              {"(^ 10 (/ (- (sqrt 13) 5) 6))", "(^ 10 (/ (+ -5 (sqrt 13)) 6))"},
              {"(/ (sqrt (+ (sqrt 11) (sqrt 194))) (+ 15 (* 2 (sqrt 33))))",
               "(/ (sqrt (+ (sqrt 11) (sqrt 194))) (+ (* 2 (sqrt 33)) 15))"}});
  ExpectDifferent({{"(sqrt 12)", "(* 3 (sqrt 2))"},
                   {"4", "(* 4 (sqrt 2))"},
                   {"(sqrt 2)", "(neg (sqrt 2))"},
                   {"(sqrt -4)", "-2"},
                   {"(sqrt (+ 3 (* 2 (sqrt 2))))", "(- 1 (sqrt 2))"},
                   {"(log 8 2)", "4"},
                   {"(+ (ln 2) (ln 3))", "(ln 5)"},
                   {"(+ (sqrt 2) (sqrt 3))", "(sqrt 5)"},
                   {"(sqrt 2)", "(/ 1414213562373095 1000000000000000)"},
                   // Very near, and different: the difference is 10^-400.
                   {"(+ (sqrt 2) (/ 1 (^ 10 400)))", "(sqrt 2)"},
                   {"(* (sqrt 3) (+ (sqrt 2) (/ 1 (^ 10 400))))", "(sqrt 6)"},
                   {"(+ (sqrt 2) (^ e -1000))", "(sqrt 2)"},
                   {"2", "(/ (+ 1 (sqrt 5)) 2)"},
                   {"(^ 2 (+ n 1))", "(+ (^ 2 n) 1)"}});
}

TEST(EquivalenceTest, FunctionsAndConstants) {
  ExpectSame({{"(+ (^ (sin x) 2) (^ (cos x) 2))", "1"},
              {"(+ (^ (tan y) 2) 1)", "(^ (sec y) 2)"},
              {"(sin (/ pi 6))", "(/ 1 2)"},
              {"(cos (/ pi 5))", "(/ (+ 1 (sqrt 5)) 4)"},
              {"(sin (deg 30))", "(/ 1 2)"},
              {"(^ e (* i pi))", "-1"},
              {"(+ (sin (+ a b)) (neg (sin (- a b))))", "(* 2 (sin b) (cos a))"},
              {"(arctan 1)", "(/ pi 4)"},
              {"(arcsin (sin (/ 1 2)))", "(/ 1 2)"},
              {"(* 4 (- (* 4 (arctan (/ 1 5))) (arctan (/ 1 239))))", "pi"},  // Machin
              {"(cosh x)", "(/ (+ (exp x) (exp (neg x))) 2)"},
              {"(sin (^ (+ x 1) 2))", "(sin (+ (^ x 2) (* 2 x) 1))"},
              {"(abs (- x y))", "(abs (- y x))"},
              {"(/ (! n) (! (- n 1)))", "n"},
              {"(binom n 2)", "(/ (* n (- n 1)) 2)"},
              {"(max x y)", "(max y x)"},
              {"(+ (max x y) (min x y))", "(+ x y)"},
              {"(/ (sin (* 2 x)) (* 2 (sin x)))", "(cos x)"},
              {"(opaque f (^ (+ x 1) 2))", "(opaque f (+ 1 (* 2 x) (^ x 2)))"},
              {"(+ (opaque f x) (opaque f y))", "(+ (opaque f y) (opaque f x))"},
              {"(* (+ (opaque f x) 1) (- (opaque f x) 1))", "(- (^ (opaque f x) 2) 1)"}});
  ExpectDifferent({{"(sin x)", "(cos x)"},
                   {"(+ (^ (sin x) 2) (^ (cos x) 2))", "2"},
                   {"(sin (/ pi 6))", "(/ (sqrt 3) 2)"},
                   {"(sin (deg 30))", "(sin 30)"},
                   {"pi", "(/ 22 7)"},
                   {"pi", "(/ 355 113)"},
                   {"e", "(/ 19 7)"},
                   {"(^ e (* pi (sqrt 163)))", "262537412640768744"},  // off by 7.5e-13
                   {"(opaque f x)", "(opaque g x)"},
                   {"(opaque f x)", "(opaque f y)"},
                   {"(sin (^ (+ x 1) 2))", "(sin (+ (^ x 2) (* 2 x) 2))"},
                   {"(- 1 (/ 1 e))", "(+ 1 (/ 1 e))"}});
}

TEST(EquivalenceTest, RationalFunctions) {
  ExpectSame({{"(+ (^ x 2) (* 14 x) 49)", "(^ (+ x 7) 2)"},
              {"(/ (+ x 2) 7)", "(+ (/ x 7) (/ 2 7))"},
              {"(- (* 2 x) (neg (* 3 x)))", "(* 5 x)"},
              {"(/ (- (^ x 2) 1) (- x 1))", "(+ x 1)"},
              {"(+ (/ 1 x) (/ 1 y))", "(/ (+ x y) (* x y))"},
              {"(* (+ a b) (- a b))", "(- (^ a 2) (^ b 2))"},
              {"(^ (+ x 1) 500)", "(* (^ (+ x 1) 499) (+ x 1))"},
              {"(* (+ 1 i) (- 1 i))", "2"},
              {"(/ (+ 3 (* 4 i)) (+ 1 (* 2 i)))", "(- (/ 11 5) (/ (* 2 i) 5))"},
              {"(^ i 2)", "-1"},
              {"(/ 1 i)", "(neg i)"},
              {"(* 0.5 x)", "(/ x 2)"},
              {"(/ (* pi (^ r 2)) (* r (+ h r)))", "(/ (* pi r) (+ h r))"}});
  ExpectDifferent({{"(+ (^ x 2) (* 14 x) 48)", "(^ (+ x 7) 2)"},
                   {"(+ x (* 2 n) 1)", "(+ x 1)"},
                   {"x", "y"},
                   {"x", "X"},
                   {"(* 2305843009213693921 x)", "0"},  // a prime that is used
                   {"(* x (- (^ x 2305843009213693920) 1))", "0"},
                   {"(+ 2 (* 3 i))", "(- 2 (* 3 i))"},
                   {"(^ (+ a b) 2)", "(+ (^ a 2) (^ b 2))"}});
}

TEST(EquivalenceTest, SymbolsAreRealAndBothSidesMustBeDefined) {
  ExpectSame({{"(sqrt (^ x 2))", "(abs x)"},
              {"(^ (sqrt x) 2)", "x"},
              {"(* (sqrt a) (sqrt b))", "(sqrt (* a b))"},
              {"(+ (ln a) (ln b))", "(ln (* a b))"},
              {"(ln (^ x 2))", "(* 2 (ln x))"},
              {"(root (^ x 3) 3)", "x"},  // real cube roots
              {"(/ 1 (* 3 (^ (root x 3) 2)))", "(/ 1 (* 3 (^ x (/ 2 3))))"},
              {"(sqrt (* 4 x))", "(* 2 (sqrt x))"},
              {"(arccos x)", "(- (/ pi 2) (arcsin x))"},
              {"(ln (/ 1 x))", "(neg (ln x))"},
              {"(ln (- x 5000))", "(* (/ 1 2) (ln (^ (- x 5000) 2)))"}});
  ExpectDifferent({{"(sqrt (^ x 2))", "x"},
                   {"(ln (abs x))", "(ln x)"},
                   {"(sqrt (+ (^ x 2) (^ y 2)))", "(+ x y)"},
                   {"(abs x)", "x"}});
}

TEST(EquivalenceTest, DecimalsAreRounded) {
  ExpectSame({{"0.333333", "(/ 1 3)"},
              {"0.0833333333333333", "(/ 1 12)"},
              {"0.083333", "(/ 1 12)"},
              {"4.123106", "(sqrt 17)"},
              {"(sqrt 17)", "4.123105625617661"},
              {"(neg 0.666667)", "(/ -2 3)"},
              {"1.047198", "(/ pi 3)"},
              {"1000.0", "1000"},
              {"0.000012", "(/ 12 1000000)"}});
  ExpectDifferent({{"0.3333", "(/ 1 3)"},
                   {"0.333", "(/ 1 3)"},
                   {"1.414", "(sqrt 2)"},
                   {"1.47", "1.48"},
                   {"(/ 333333 1000000)", "(/ 1 3)"},  // a fraction is exact
                   {"0.00000015", "0.00000025"},
                   {"16386.17", "16386.16"}});
  ExpectSame({{"0.333", "(/ 1 3)"}}, {.decimals = 3});
  ExpectDifferent({{"0.333", "(/ 1 3)"}}, {.decimals = 4});
  ExpectDifferent({{"0.333333", "(/ 1 3)"}}, {.decimals = -1});
  ExpectSame({{"(sqrt 2)", "1.41"}, {"(/ 2 3)", "0.667"}, {"(/ 1 3)", "(% 33.3)"}},
             {.round_to_reference = true});
  ExpectDifferent({{"1.41", "(sqrt 2)"}, {"(sqrt 2)", "1.42"}}, {.round_to_reference = true});
  ExpectSame({{"101", "100"}, {"(sqrt 2)", "1.42"}}, {.relative_tolerance = 0.011});
  ExpectDifferent({{"102", "100"}}, {.relative_tolerance = 0.011});
  ExpectSame({{"3", "pi"}}, {.absolute_tolerance = 0.15});
  ExpectDifferent({{"3", "pi"}}, {.absolute_tolerance = 0.14});
}

TEST(EquivalenceTest, PercentDegreesUnits) {
  ExpectSame({{"(% 50)", "(/ 1 2)"},
              {"(% 50)", "50"},
              {"50", "(% 50)"},
              {"0.5", "(% 50)"},
              {"(% 12.5)", "12.5"},
              {"(deg 90)", "90"},
              {"(deg 90)", "(/ pi 2)"},
              {"(- (deg 180) (* 2 a))", "(- 180 (* 2 a))"},
              {"(unit cm 3)", "3"},
              {"3", "(unit cm 3)"}});
  ExpectDifferent({{"28", "(/ 28 100)"},
                   {"(/ 28 100)", "28"},
                   {"(% 50)", "(% 5000)"},
                   {"(% 50)", "5"},
                   {"(deg 90)", "(deg 45)"},
                   {"60", "(/ pi 3)"},
                   {"(unit cm 3)", "4"}});
  ExpectDifferent({{"(% 50)", "50"}}, {.percent = PercentRule::kFraction});
  ExpectDifferent({{"(% 50)", "(/ 1 2)"}}, {.percent = PercentRule::kNumber});
  ExpectDifferent({{"(unit cm 3)", "3"}, {"(unit cm 3)", "(unit m 3)"}}, {.units = true});
  ExpectSame({{"(unit cm 3)", "(unit cm 3)"}}, {.units = true});
}

TEST(EquivalenceTest, ListsSetsTuples) {
  ExpectSame({{"(set 1 2 3)", "(set 3 1 2)"},
              {"(set 1 1 2)", "(set 2 1)"},
              {"(list 1 2)", "(list 2 1)"},
              {"(list 1 2)", "(set 2 1)"},
              {"(set 5)", "5"},
              {"5", "(list 5)"},
              {"(set)", "empty"},
              {"(tuple 1 2)", "(tuple 1 (/ 4 2))"},
              {"(tuple 1 2)", "(list 1 2)"},
              {"(list 1 3)", "(tuple 1 3)"},
              {"(set (/ 1 2) (sqrt 12))", "(set (* 2 (sqrt 3)) 0.5)"},
              {"(list (tuple 1 2) (tuple 2 1))", "(list (tuple 2 1) (tuple 1 2))"},
              {"(list (* 10 (sqrt 2)) 1)", "(list 1 (sqrt 200))"},
              {"(pm 2021)", "(set 2021 -2021)"},
              {"(pm 1 (sqrt 19))", "(pm 1 (sqrt 19))"},
              {"(set (pm 1 (sqrt 5)) -2)", "(list -2 (+ 1 (sqrt 5)) (- 1 (sqrt 5)))"},
              {"(list (rel x = 1) (rel x = 2))", "(set 2 1)"},
              {"(list (rel AB = 4) (rel CD = 5))", "(list 4 5)"},
              {"(rel (tuple p q) = (tuple 3 2))", "(tuple 3 2)"},
              {"(tuple 3 2)", "(rel (tuple p q) = (tuple 3 2))"},
              {"(list (rel a_3 = 2) (rel a_4 = 19))", "(list (rel a_4 = 19) (rel a_3 = 2))"},
              {"(list (rel a = 4) -8 -10)", "(list -10 -8 4)"},
              {"(rel x = (pm 3))", "(list (rel x = 3) (rel x = -3))"},
              {"(tuple (pm 1) 2)", "(list (tuple 1 2) (tuple -1 2))"},
              {"(list (tuple 5 2) (tuple 7 2))",
               "(list (list (rel p = 5) (rel q = 2)) (list (rel p = 7) (rel q = 2)))"},
              {"(* P (tuple 1 2))", "(tuple 1 2)"},
              {"(set (set 1 2) (set))", "(set (set) (set 2 1))"},
              {"'no_solution", "empty"}});
  ExpectDifferent({{"(set 1 2 3)", "(set 1 2)"},
                   {"(set 1 2)", "(set 1 2 3)"},
                   {"(set 1 2 3)", "(set 1 2 4)"},
                   {"(tuple 1 2)", "(tuple 2 1)"},
                   {"(tuple 3 1)", "(list 1 3)"},
                   {"(tuple 1 2)", "(tuple 1 2 3)"},
                   {"(set)", "0"},
                   {"(set)", "(set 0)"},
                   {"(set empty)", "empty"},
                   {"(list 1 1)", "1"},
                   {"(* t (tuple 1 2))", "(tuple 1 2)"},
                   {"(list (tuple 2 5) (tuple 2 7))",
                    "(list (list (rel p = 5) (rel q = 2)) (list (rel p = 7) (rel q = 2)))"},
                   {"1", "(list 1 2)"},
                   {"(list 1 2)", "1"},
                   {"2021", "(pm 2021)"},
                   {"(pm 2021)", "2021"},
                   {"(list 5 4)", "(list (rel AB = 4) (rel CD = 5))"},
                   {"(pm 1 (sqrt 19))", "(pm 1 (sqrt 18))"},
                   {"(list (rel a_3 = 2) (rel a_4 = 19))", "(list (rel a_3 = 19) (rel a_4 = 2))"}});
  ExpectDifferent({{"(list 1 2)", "(list 2 1)"}}, {.ordered_lists = true});
}

TEST(EquivalenceTest, VectorsAndMatrices) {
  ExpectSame({{"(mat2 1 2 3 4)", "(mat2 1 2 3 4)"},
              {"(mat1 1 2)", "(tuple 1 2)"},
              {"(tuple 1 2)", "(mat2 1 2)"},
              {"(mat1 (/ 1 3) 0.2)", "(mat1 (/ 2 6) (/ 1 5))"},
              {"(* (/ 1 2) (mat1 2 4))", "(mat1 1 2)"},
              {"(+ (mat2 1 2 3 4) (mat2 5 6 7 8))", "(mat2 6 8 10 12)"},
              {"(* (mat2 1 0 0 1) (mat2 1 0 0 1))", "(mat2 1 0 0 1)"},
              {"(^ (mat2 0 -1 1 0) 2)", "(neg (mat2 1 0 0 1))"},
              {"(tuple (tuple 1 2) (tuple 3 4))", "(mat2 1 2 3 4)"},
              {"(/ (tuple 2 4) 2)", "(tuple 1 2)"},
              {"(+ (tuple 1 2) (* t (tuple 3 4)))", "(tuple (+ 1 (* 3 t)) (+ 2 (* 4 t)))"}});
  ExpectDifferent({{"(mat2 1 2 3 4)", "(mat2 1 2 3 5)"},
                   {"(mat2 1 2 3 4)", "(mat2 1 3 2 4)"},
                   {"(mat1 1 2)", "(mat2 1 2)"},
                   {"(mat2 1 2 3 4)", "(mat1 1 2 3 4)"},
                   {"(mat1 1 2)", "5"},
                   {"(* (mat2 1 1 0 1) (mat2 1 0 1 1))", "(* (mat2 1 0 1 1) (mat2 1 1 0 1))"}});
  ExpectSame({{"(mat1 0.33 0.2)", "(mat1 (/ 1 3) (/ 1 5))"}}, {.decimals = 2});
}

TEST(EquivalenceTest, IntervalsAndUnions) {
  ExpectSame({{"(co 0 1)", "(co 0 1)"},
              {"(oo 1 2)", "(tuple 1 2)"},
              {"(union (oo 1 2) (oo 3 4))", "(union (oo 3 4) (oo 1 2))"},
              {"(union (oc 1 2) (oo 2 3))", "(oo 1 3)"},
              {"(union (oo 1 3) (co 2 5))", "(oo 1 5)"},
              {"(minus R (set 1 2))", "(union (oo (neg inf) 1) (oo 1 2) (oo 2 inf))"},
              {"(union (set -1) (co 0 7))", "(union (co 0 7) (set -1))"},
              {"(cut (oo 0 5) (cc 3 9))", "(co 3 5)"},
              {"(oc 0.6 2.6667)", "(oc (/ 3 5) (/ 26667 10000))"},
              {"(rel x in (cc -2 7))", "(cc -2 7)"},
              {"(cc -2 7)", "(rel x in (cc -2 7))"},
              {"(cc -2 7)", "(rel -2 <= x <= 7)"},
              {"(rel x in (co 5 inf))", "(rel x >= 5)"},
              {"(oo -793 10)", "(rel -793 < a < 10)"},
              {"(tuple 0 1)", "(rel 0 < (opaque f x) < 1)"},
              {"(union (cc (/ -3 2) -1) (cc 1 (/ 3 2)))", "(rel 1 <= (abs z) <= (/ 3 2))"},
              {"(union (oo (neg inf) 3) (oo 3 inf))", "(rel x != 3)"},
              {"(oo (neg inf) inf)", "R"},
              {"(oo a b)", "(oo a b)"},
              {"(union (oo a b) (oo c d))", "(union (oo c d) (oo a b))"},
              {"(cc (sqrt 12) 9)", "(cc (* 2 (sqrt 3)) 9)"},
              {"(tuple 3 inf)", "(rel x > 3)"},
              {"(tuple (neg inf) inf)", "R"},
              {"'all_real_numbers", "R"},
              {"(union (oo (neg inf) 1) (oo 1 2) (oo 2 inf))", "(list (rel x != 1) 2)"},
              {"(union (oo (neg inf) 1) (oo 3 inf))", "(list (rel x < 1) (rel x > 3))"},
              {"(oo 1 3)", "(list (rel x < 3) (rel x > 1))"},
              {"(rel 1 < x < 3)", "(list (rel x < 3) (rel x > 1))"},
              {"(list (rel x > 1) (rel x < 3))", "(list (rel x < 3) (rel x > 1))"},
              {"(union (rel x < 1) (rel x > 3))", "(union (rel 3 < x) (rel 1 > x))"},
              {"(oo 1 1)", "empty"}});
  ExpectDifferent({{"(co 0 9)", "(co 0 1)"},
                   {"(oo 0 9)", "(co 0 9)"},
                   {"(union (oo 1 2) (oo 2 3))", "(oo 1 3)"},
                   {"(minus R (set 1 2))", "(minus R (set 1 3))"},
                   {"R", "Z"},
                   {"(rel -2 <= x <= 7)", "(cc -2 7)"},
                   {"(oo -2 7)", "(rel -2 <= x <= 7)"},
                   {"(oo 0 inf)", "(oo (neg inf) 0)"},
                   {"(oo a b)", "(oo a c)"},
                   {"(union (rel x < 1) (rel x > 3))", "(union (oo (neg inf) 1) (oo 3 inf))"},
                   {"(tuple 3 inf)", "(rel x >= 3)"},
                   {"(cut (oo 1 2) (oo 3 4))", "(tuple 2 1)"},
                   {"(rel 1 < y < 3)", "(list (rel x < 3) (rel x > 1))"},
                   {"(list (rel y > 1) (rel y < 3))", "(list (rel x < 3) (rel x > 1))"},
                   {"(oo 1 3)", "(list (rel x < 3) (rel y > 1))"},
                   {"(cc 1 2)", "(set 1 2)"},
                   {"3", "(oo 2 4)"}});
  ExpectSame({{"(rel -2 <= x <= 7)", "(cc -2 7)"}}, {.inequality_for_set = true});
}

TEST(EquivalenceTest, Equations) {
  ExpectSame(
      {{"(rel x = 3)", "3"},
       {"3", "(rel x = 3)"},
       {"(rel x = 3)", "(rel x = 3)"},
       {"(rel x ~ 11)", "11"},
       {"(rel x = (+ 5 5 1) = 7 = 11)", "(rel x = 11)"},
       {"(rel x = (/ 1 3) ~ 1.3)", "(/ 1 3)"},
       {"(rel z = (+ 3 3) = 2)", "(rel z = (+ 1 1) = 2)"},
       {"(rel (opaque f x) = 1)", "1"},
       {"1", "(rel (abs (* A B)) = 1)"},
       {"(/ 1 (sqrt 6))", "(rel (/ (* N O) (* B O)) = (/ 1 (sqrt 6)))"},
       {"(rel y = (+ (* 2 x) 1))", "(rel (+ (* 2 x) (neg y) 1) = 0)"},
       {"(rel y = (+ (* (/ -1 2) x) (/ 3 4)))", "(rel (+ (* 2 x) (* 4 y) -3) = 0)"},
       {"(rel (+ (/ (^ x 2) 16) (/ (^ y 2) 12)) = (/ 1 4))", "(rel (+ (/ (^ x 2) 4) (/ (^ y 2) 3)) = 1)"},
       {"(rel (+ (* -34 x) (* -45 y) (* 20 z) -100) = 0)", "(rel (+ (* 34 x) (* 45 y) (* -20 z) 100) = 0)"},
       {"(rel (* (sqrt 2) x) = 2)", "(rel x = (sqrt 2))"},
       {"(rel (opaque W n) = 1)", "(rel (opaque W x) = 1)"},
       {"(rel y = x)", "(rel x = y)"}});
  ExpectDifferent({{"(rel x = y)", "(rel x = (* 2 y))"},
                   {"(rel x = 1)", "(rel y = 1)"},
                   {"(rel (opaque f t) = (^ x 2))", "(rel (opaque f x) = (^ x 2))"},
                   {"(rel (+ 2 2) = 4)", "(rel (+ 1 2) = 3)"},
                   {"(rel 1 < 5)", "(rel 2 < 3)"},
                   {"(rel x = 3)", "4"},
                   {"1", "(rel (+ (* 2 x) z) = 1)"},
                   {"(+ (* 11 a) c)", "(rel 7 = (+ (* 11 a) c))"},
                   {"0", "(rel (+ (^ a 2) b) = 0)"},
                   {"(rel y = (+ (* 2 x) 1))", "(rel y = (+ (* 2 x) 2))"},
                   {"(rel (* x y) = 1)", "(rel (* x y) = 2)"},
                   {"(rel (^ x 2) = 4)", "2"}});
}

TEST(EquivalenceTest, Inequalities) {
  ExpectSame({{"(rel x >= 5)", "(rel 5 <= x)"},
              {"(rel (neg x) > -1)", "(rel x < 1)"},
              {"(rel (* 2 x) > 6)", "(rel x > 3)"},
              {"(rel 2 > x > 1)", "(rel 1 < x < 2)"},
              {"(rel x != 3)", "(rel 3 != x)"},
              {"(rel (abs x) < 2)", "(rel -2 < x < 2)"},
              {"(rel (opaque f 2) < (opaque f 1) < (opaque f 4))",
               "(rel (opaque f 2) < (opaque f 1) < (opaque f 4))"},
              {"(rel (+ x y) <= 1)", "(rel (* 2 (+ x y)) <= 2)"},
              {"(rel k >= (sqrt 8))", "(rel k >= (* 2 (sqrt 2)))"}});
  ExpectDifferent({{"(rel x < 5)", "(rel x > 5)"},
                   {"(rel x <= 5)", "(rel x < 5)"},
                   {"(rel x > -1)", "(rel x < 1)"},
                   {"(rel x > 5)", "(rel y > 5)"},
                   {"(rel (+ x y) >= 1)", "(rel (+ x y) <= 1)"},
                   {"(rel x = 5)", "(rel x <= 5)"},
                   {"5", "(rel x > 5)"},
                   {"(rel 1 < x < 3)", "(rel 1 < x < 2)"}});
}

TEST(EquivalenceTest, Congruences) {
  ExpectSame({{"(opaque modulo (rel x == 8) 5)", "(opaque modulo (rel x == 3) 5)"},
              {"(opaque modulo (rel 3 == x) 5)", "(opaque modulo (rel x == -2) 5)"}});
  ExpectDifferent({{"(opaque modulo (rel x == 3) 7)", "(opaque modulo (rel x == 3) 5)"},
                   {"(opaque modulo (rel x == 4) 5)", "(opaque modulo (rel x == 3) 5)"},
                   {"(opaque modulo (rel y == 3) 5)", "(opaque modulo (rel x == 3) 5)"}});
}

TEST(EquivalenceTest, Texts) {
  ExpectSame(
      {{"'no_solution", "'no_solution"}, {"(* o d d)", "'odd"}, {"'even", "(* E v e n)"}, {"e", "'e"}});
  ExpectDifferent({{"'monday", "'tuesday"}, {"'odd", "(* e v e n)"}, {"5", "'five"}, {"'e", "d"}});
}

TEST(EquivalenceTest, SymbolsByOrderOfAppearance) {
  ExpectSame({{"(+ x (* 2 y))", "(+ a (* 2 b))"}}, {.symbol_names = false});
  ExpectDifferent({{"(+ x (* 2 y))", "(+ a (* 2 b))"}});
  ExpectDifferent({{"(+ x (* 2 x))", "(+ a (* 2 b))"}}, {.symbol_names = false});
}

// Work is bounded by estimates made before anything is computed.
TEST(EquivalenceTest, WhatIsTooLargeIsPastALimitUnlessItIsWrittenTheSame) {
  const std::string tower = "(^ 9 (^ 9 (^ 9 9)))";
  ExpectSame({{tower.c_str(), tower.c_str()},
              {"(! (! (! 9)))", "(! (! (! 9)))"},
              {"(^ 10 (^ 10 7))", "(^ 100 (* 5 (^ 10 6)))"},
              {"(+ 1 (^ 10 (^ 10 7)))", "(+ (^ 100 (* 5 (^ 10 6))) 1)"},
              {"(^ 9 (^ 9 9))", "(^ 3 (* 2 (^ 9 9)))"},
              {"(/ (! 1000000) (! 999999))", "1000000"}});
  ExpectDifferent({{"(^ 10 (^ 10 7))", "1"},
                   {"(+ 1 (^ 10 (^ 10 7)))", "(^ 10 (^ 10 7))"},
                   {"(^ 9 (^ 9 9))", "(^ 9 (^ 9 8))"},
                   {"(! 10000000)", "1"},
                   {"(^ 2 -1000000000)", "0"},
                   {"(sin (^ 10 1000))", "1"}});
  ExpectAll(Sameness::kGivenPastLimit, {{tower.c_str(), "1"},
                                        {"(! (! (! 9)))", "1"},
                                        {"(sin (^ 10 1000000))", "1"},
                                        {"(^ 9 (^ 9 (^ 9 8)))", tower.c_str()},
                                        // 5^(1/10^2000) is not 1, and nearer to it than any precision shows.
                                        {"(^ 5 (/ 1 (^ 10 2000)))", "1"},
                                        {"(* (sqrt 2) (+ 1 (^ 10 -1000000)))", "(sqrt 2)"}});
  ExpectAll(Sameness::kReferencePastLimit, {{"1", tower.c_str()}, {"x", tower.c_str()}});
}

// Two thousand of anything are compared, or refused by name; the same formulas in another order are the same.
TEST(EquivalenceTest, LongFormulas) {
  const auto repeat = [](const char* head, const char* before, const char* behind, bool backwards) {
    std::string out = absl::StrCat("(", head);
    for (int i = 0; i < 2000; ++i) absl::StrAppend(&out, " ", before, backwards ? 1999 - i : i, behind);
    return out + ")";
  };
  for (const auto& [head, before, behind] : {std::tuple{"+", "(^ x ", ")"},
                                             {"*", "(+ x ", ")"},
                                             {"+", "(sqrt (+ x ", "))"},
                                             {"+", "(sin (* x ", "))"},
                                             {"+", "x_", ""},
                                             {"set", "", ""},
                                             {"+", "(/ 1 (+ x ", "))"}}) {
    const std::string forwards = repeat(head, before, behind, false),
                      backwards = repeat(head, before, behind, true);
    ExpectSame({{forwards.c_str(), backwards.c_str()}});
    ExpectDifferent({{forwards.c_str(), "1"}, {"1", backwards.c_str()}});
  }
  std::string nested = "x", other = "x";
  for (int i = 0; i < 300; ++i) {
    nested = absl::StrCat("(sqrt (+ 1 ", nested, "))");
    other = absl::StrCat("(sqrt (+ ", other, " 1))");
  }
  ExpectSame({{nested.c_str(), other.c_str()}});
  ExpectDifferent({{nested.c_str(), "1"}});
}

}  // namespace
}  // namespace entrain
