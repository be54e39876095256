// What the parser of answers understands, as trees. The trees are what the notation means in mathematics,
// written by hand.
#include "verifier/math/parse_formula.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "verifier/math/formula_text.h"

namespace entrain {
namespace {

using ::testing::HasSubstr;

std::string Tree(const std::string& text, const ParseOptions& options = {}) {
  const ParsedFormula parsed = ParseFormula(text, options);
  if (parsed.status == ParseStatus::kNoFormula) return "no formula: " + parsed.detail;
  if (parsed.status == ParseStatus::kPastLimit) return "limit: " + parsed.detail;
  return FormulaToText(parsed.formula);
}

struct Row {
  const char *text, *tree;
};

void Expect(std::initializer_list<Row> rows) {
  for (const Row& row : rows) EXPECT_EQ(Tree(row.text), row.tree) << row.text;
}

TEST(ParseFormula, Numbers) {
  Expect({{"42", "42"},
          {"-7", "-7"},
          {"−7", "-7"},
          {"+7", "7"},
          {"0042", "42"},
          {"42.", "42"},
          {"3.50", "7/2"},
          {".5", "1/2"},
          {"-.5", "-1/2"},
          {"1,234", "1234"},
          {"1,234,567.5", "2469135/2"},
          {"1{,}234", "1234"},
          {"1 {, }234", "1234"},
          {"1\\,234", "1234"},
          {"11,\\! 111,\\! 111", "11111111"},
          {"1 000", "1000"},
          {"1,234,5", "(list 1 234 5)"},
          {"12,34", "(list 12 34)"},
          {"0,111", "(list 0 111)"},
          {"32, 349", "(list 32 349)"},
          {"3.5e-4", "7/20000"},
          {"2E+3", "2000"},
          {"3.5 \\times 10^{-4}", "(* 7/2 (^ 10 -4))"},
          {"2 \\cdot 10^-3", "(* 2 (^ 10 -3))"},
          {"0.\\overline{3}", "1/3"},
          {"0.1\\overline{6}", "1/6"},
          {"0.(3)", "1/3"},
          {"0.1(6)", "1/6"},
          {"0.\\dot{3}", "1/3"},
          {"2.\\overline{142857}", "15/7"},
          {"½", "1/2"},
          {"1½", "3/2"},
          {"1 1/2", "3/2"},
          {"-1 1/2", "-3/2"},
          {"1\\frac{1}{2}", "3/2"},
          {"2 \\frac12", "5/2"},
          {"-2\\dfrac{3}{4}", "-11/4"},
          {"2\\frac{3}{2}", "(* 2 (/ 3 2))"},
          {"50%", "(% 50)"},
          {"50\\%", "(% 50)"},
          {"50 percent", "(% 50)"},
          {"12.5\\,\\%", "(% 25/2)"},
          {"5 million", "(* 5 1000000)"},
          {"1010_2", "(opaque \"base\" 1010 2)"},
          {"204_{5}", "(opaque \"base\" 204 5)"},
          {"43_{\\text{six}}", "(opaque \"base\" 43 6)"}});
}

TEST(ParseFormula, FractionsRootsAndPowers) {
  Expect({{"\\frac{1}{2}", "(/ 1 2)"},
          {"\\frac12", "(/ 1 2)"},
          {"\\frac 1 2", "(/ 1 2)"},
          {"\\frac1{20}", "(/ 1 20)"},
          {"\\frac{10}3", "(/ 10 3)"},
          {"\\dfrac{a}{b}", "(/ a b)"},
          {"\\frac ab", "(/ a b)"},
          {"\\frac\\pi2", "(/ pi 2)"},
          {"-\\frac{1}{2}", "(neg (/ 1 2))"},
          {"\\frac{-1}{2}", "(/ -1 2)"},
          {"\\frac{\\frac12}{3}", "(/ (/ 1 2) 3)"},
          {"{3 \\over 4}", "(/ 3 4)"},
          {"\\frac94\\pi", "(* (/ 9 4) pi)"},
          {"1/2", "(/ 1 2)"},
          {"a/b/c", "(/ (/ a b) c)"},
          {"6 ÷ 3", "(/ 6 3)"},
          {"1/2x", "(* (/ 1 2) x)"},
          {"1/(2x)", "(/ 1 (* 2 x))"},
          {"\\sqrt{2}", "(root 2 2)"},
          {"\\sqrt2", "(root 2 2)"},
          {"\\sqrt 12", "(root 12 2)"},
          {"\\sqrt[3]{x+1}", "(root (+ x 1) 3)"},
          {"\\sqrt[n]x", "(root x n)"},
          {"sqrt(2)", "(root 2 2)"},
          {"sqrt(x+1)/2", "(/ (root (+ x 1) 2) 2)"},
          {"√2", "(root 2 2)"},
          {"2√3", "(* 2 (root 3 2))"},
          {"√(x+1)", "(root (+ x 1) 2)"},
          {"∛8", "(root 8 3)"},
          {"3\\sqrt{13}", "(* 3 (root 13 2))"},
          {"\\sqrt{\\sqrt{2}}", "(root (root 2 2) 2)"},
          {"x^2", "(^ x 2)"},
          {"x**2", "(^ x 2)"},
          {"x²", "(^ x 2)"},
          {"x⁻¹²", "(^ x -12)"},
          {"x^{10}", "(^ x 10)"},
          {"2^10", "(^ 2 10)"},
          {"2^3^2", "(^ 2 (^ 3 2))"},
          {"-x^2", "(neg (^ x 2))"},
          {"(-x)^2", "(^ (neg x) 2)"},
          {"(-2)^2", "(^ -2 2)"},
          {"-2^2", "(neg (^ 2 2))"},
          {"x^-1", "(^ x -1)"},
          {"2^{-x}y", "(* (^ 2 (neg x)) y)"},
          {"x^2y", "(* (^ x 2) y)"},
          {"e^{i\\pi}", "(^ e (* i pi))"},
          {"10^{\\frac{-5+\\sqrt{13}}{6}}", "(^ 10 (/ (+ -5 (root 13 2)) 6))"},
          {"9^{9^{9^9}}", "(^ 9 (^ 9 (^ 9 9)))"},
          {"x^\\frac12", "(^ x (/ 1 2))"}});
}

TEST(ParseFormula, SumsAndProducts) {
  Expect({{"1+2-3", "(+ 1 2 -3)"},
          {"a - b + c", "(+ a (neg b) c)"},
          {"-a-b", "(+ (neg a) (neg b))"},
          {"2x", "(* 2 x)"},
          {"2(3+4)", "(* 2 (+ 3 4))"},
          {"(a+1)(b+2)", "(* (+ a 1) (+ b 2))"},
          {"xy", "(* x y)"},
          {"abx", "(* a b x)"},
          {"2\\pi r", "(* 2 pi r)"},
          {"a\\cdot b \\times c", "(* a b c)"},
          {"a·b*c", "(* a b c)"},
          {"a*-b", "(* a (neg b))"},
          {"a/-b*c", "(* (/ a (neg b)) c)"},
          {"2^-3*4", "(* (^ 2 -3) 4)"},
          {"x(x+1)", "(* x (+ x 1))"},
          {"1 \\pm \\sqrt{19}", "(+- 1 (root 19 2))"},
          {"\\pm 2021", "(+- 2021)"},
          {"±3", "(+- 3)"},
          {"\\frac{-1 \\pm \\sqrt{13}}{4}", "(/ (+- -1 (root 13 2)) 4)"},
          {"x_1 + x_{12}", "(+ x_1 x_12)"},
          {"a_{n+1}", "a_n+1"},
          {"x₁", "x_1"},
          {"\\alpha\\beta", "(* alpha beta)"},
          {"θ", "theta"},
          {"3+4i", "(+ 3 (* 4 i))"},
          {"2-2p", "(+ 2 (neg (* 2 p)))"},
          {"\\left( x + 1 \\right)^2", "(^ (+ x 1) 2)"},
          {"\\mathbf{v}", "v"},
          {"17 \\bmod 5", "(mod 17 5)"},
          {"7:32", "(/ 7 32)"},
          {"1:2:3", "(opaque \"ratio\" (/ 2 1) (/ 3 1))"},
          {"10:30", "(/ 10 30)"},
          {"12:00", "(opaque \"time\" 12 0)"},
          {"1:03", "(opaque \"time\" 1 3)"}});
}

TEST(ParseFormula, Functions) {
  Expect({{"\\sin x", "(sin x)"},
          {"sin(x)", "(sin x)"},
          {"\\sin 2x", "(sin (* 2 x))"},
          {"2 \\sin b \\cos a", "(* 2 (sin b) (cos a))"},
          {"\\sin^2 x", "(^ (sin x) 2)"},
          {"\\sin^2(x)", "(^ (sin x) 2)"},
          {"\\sin(x)^2", "(^ (sin x) 2)"},
          {"\\sin x^2", "(sin (^ x 2))"},
          {"\\sin^{-1} x", "(arcsin x)"},
          {"\\tan^{-1}\\left(\\frac12\\right)", "(arctan (/ 1 2))"},
          {"\\arcsin x", "(arcsin x)"},
          {"arctan(2)", "(arctan 2)"},
          {"\\sin x + 1", "(+ (sin x) 1)"},
          {"\\sin(x)y", "(* (sin x) y)"},
          {"sinx", "(sin x)"},
          {"\\ln 2", "(ln 2)"},
          {"\\ln(x+1)", "(ln (+ x 1))"},
          {"\\ln x^2", "(ln (^ x 2))"},
          {"\\log_2 8", "(log 8 2)"},
          {"\\log_28", "(log 8 2)"},
          {"\\log_{10}(x)", "(log x 10)"},
          {"\\log_10 x", "(log x 10)"},
          {"\\log 5", "(log 5 10)"},
          {"\\lg 5", "(log 5 10)"},
          {"\\log_a b \\cdot 2", "(* (log b a) 2)"},
          {"\\frac{\\ln 3}{\\ln 2}", "(/ (ln 3) (ln 2))"},
          {"\\exp(x)", "(exp x)"},
          {"n!", "(factorial n)"},
          {"5!!", "(factorial2 5)"},
          {"(n+1)!", "(factorial (+ n 1))"},
          {"((9!)!)!", "(factorial (factorial (factorial 9)))"},
          {"5!=120", "(= (factorial 5) 120)"},
          {"2n!", "(* 2 (factorial n))"},
          {"\\binom{n}{k}", "(binomial n k)"},
          {"\\binom52", "(binomial 5 2)"},
          {"{n \\choose k}", "(binomial n k)"},
          {"C(5,2)", "(binomial 5 2)"},
          {"C(n, k)", "(binomial n k)"},
          {"|x-2|", "(abs (+ x -2))"},
          {"||x|-1|", "(abs (+ (abs x) -1))"},
          {"2|x|", "(* 2 (abs x))"},
          {"\\left|x\\right|", "(abs x)"},
          {"\\lvert x \\rvert", "(abs x)"},
          {"\\lfloor x \\rfloor", "(floor x)"},
          {"\\left\\lceil \\frac{x}{2} \\right\\rceil", "(ceil (/ x 2))"},
          {"\\gcd(4, 6)", "(gcd 4 6)"},
          {"\\max\\{a, b\\}", "(max a b)"},
          {"\\operatorname{lcm}(4,6)", "(lcm 4 6)"},
          {"f(x)", "(opaque \"f\" x)"},
          {"f(x, y)", "(opaque \"f\" x y)"},
          {"f(x) = 2x", "(= (opaque \"f\" x) (* 2 x))"},
          {"P(3)", "(opaque \"P\" 3)"},
          {"h(a+b)", "(* h (+ a b))"},
          {"\\Gamma(x)", "(opaque \"Gamma\" x)"},
          {"30^\\circ", "(deg 30)"},
          {"30^{\\circ}", "(deg 30)"},
          {"30°", "(deg 30)"},
          {"30 degrees", "(deg 30)"},
          {"\\sin 30^\\circ", "(sin (deg 30))"},
          {"\\sum_{k=0}^{n-1} F_k F_{n-k-1}", "(opaque \"sum_^\" (= k 0) (+ n -1) (* F_k F_n-k-1))"},
          {"\\lim_{x\\to 0} x", "(opaque \"lim_\" (-> x 0) x)"}});
}

TEST(ParseFormula, SetsTuplesAndIntervals) {
  Expect({{"(1, 2)", "(tuple 1 2)"},
          {"(1,234)", "(tuple 1 234)"},
          {"(1,000, 2,000)", "(tuple 1000 2000)"},
          {"\\{1,000, 2,000\\}", "(set 1000 2000)"},
          {"((1,234), 5)", "(tuple (tuple 1 234) 5)"},
          {"\\left(3, \\frac{\\pi}{2}\\right)", "(tuple 3 (/ pi 2))"},
          {"\\langle 1, 2, 3\\rangle", "(tuple 1 2 3)"},
          {"(0;-2;0)", "(tuple 0 -2 0)"},
          {"[0,1)", "([interval) 0 1)"},
          {"(0,1]", "((interval] 0 1)"},
          {"[-3, 2]", "([interval] -3 2)"},
          {"]0, 1[", "((interval) 0 1)"},
          {"(-\\infty, 3]", "((interval] (neg infinity) 3)"},
          {"(−∞, 3]", "((interval] (neg infinity) 3)"},
          {"(1, +\\infty)", "(tuple 1 infinity)"},
          {"(2,12) \\cup (12,102)", "(union ((interval) 2 12) ((interval) 12 102))"},
          {"[-1, -\\tfrac12) ∪ (0, 1)", "(union ([interval) -1 (neg (/ 1 2))) ((interval) 0 1))"},
          {"\\{-1\\} \\cup [0,7)", "(union (set -1) ([interval) 0 7))"},
          {"\\mathbb{R} \\setminus \\{0\\}", "(set-minus R (set 0))"},
          {"\\{1, 2\\}", "(set 1 2)"},
          {"{1,2}", "(set 1 2)"},
          {"{1,3} \\cup {2,4}", "(union (set 1 3) (set 2 4))"},
          {"\\{\\}", "(set)"},
          {"\\emptyset", "emptyset"},
          {"∅", "emptyset"},
          {"\\text{all real numbers}", "R"},
          {"{}", "(set)"},
          {"\\{1\\pm\\sqrt{5},-2\\}", "(set (+- 1 (root 5 2)) -2)"},
          {"\\{x : x > 3\\}", "(intersect (> x 3))"},
          {"\\{x \\mid x > 3\\}", "(intersect (> x 3))"},
          {"\\{x \\in \\mathbb{R} | 1 < x < 2\\}", "(intersect (< < 1 x 2))"},
          {"1, 2", "(list 1 2)"},
          {"1, 2, and 3", "(list 1 2 3)"},
          {"19, 46, \\text{ and } 82", "(list 19 46 82)"},
          {"12\\text{ and }13", "(list 12 13)"},
          {"\\text{12 and 13}", "(list 12 13)"},
          {"12 $ and $13", "(list 12 13)"},
          {"-12;-11;-10", "(list -12 -11 -10)"},
          {"p=5,q=2;p=7,q=2", "(list (list (= p 5) (= q 2)) (list (= p 7) (= q 2)))"},
          {"(11,7)or(7,11)", "(list (tuple 11 7) (tuple 7 11))"},
          {"1, 2, \\ldots", "(list 1 2 (opaque \"...\"))"}});
}

TEST(ParseFormula, Matrices) {
  Expect({{"\\begin{pmatrix}1\\\\2\\end{pmatrix}", "(matrix 1 1 2)"},
          {"\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}", "(matrix 2 1 2 3 4)"},
          {"\\begin{bmatrix}0 & 0 \\\\0 & 0 \\\\\\end{bmatrix}", "(matrix 2 0 0 0 0)"},
          {"\\left[\\begin{array}{cc}1 & 2 \\\\3 & 4\\end{array}\\right]", "(matrix 2 1 2 3 4)"},
          {"\\begin{pmatrix} -\\frac13 \\\\[2pt] x+1 \\end{pmatrix}", "(matrix 1 (neg (/ 1 3)) (+ x 1))"},
          {"\\begin{pmatrix}1 & 2 & 3\\end{pmatrix}^T", "(matrix 1 1 2 3)"},
          {"[[1,2],[3,4]]", "(matrix 2 1 2 3 4)"},
          {"[[1,2,3],[4,5,6]]", "(matrix 3 1 2 3 4 5 6)"},
          {"\\begin{vmatrix}a & b \\\\ c & d\\end{vmatrix}", "(opaque \"det\" (matrix 2 a b c d))"},
          {"2\\begin{pmatrix}1\\\\2\\end{pmatrix}", "(* 2 (matrix 1 1 2))"}});
}

TEST(ParseFormula, Relations) {
  Expect({{"x = 3", "(= x 3)"},
          {"x \\ne 3", "(!= x 3)"},
          {"x != 3", "(!= x 3)"},
          {"x <= 3", "(<= x 3)"},
          {"x \\leq 3", "(<= x 3)"},
          {"x ≥ 3", "(>= x 3)"},
          {"1 < x \\le 2", "(< <= 1 x 2)"},
          {"x \\in [-2,7]", "(in x ([interval] -2 7))"},
          {"x \\in \\mathbb{R}", "(in x R)"},
          {"x = 1/3 \\approx 0.33", "(= ~ x (/ 1 3) 33/100)"},
          {"x=1 or x=2", "(list (= x 1) (= x 2))"},
          {"x=1orx=2", "(list (= x 1) (= x 2))"},
          {"\\begin{cases} x=1 \\\\ y=2 \\end{cases}", "(list (= x 1) (= y 2))"},
          {"\\begin{cases} 1 & x>0 \\\\ 2 & x<0 \\end{cases}", "(opaque \"cases\" 1 (> x 0) 2 (< x 0))"},
          {"\\left\\{\\begin{array}{l} x=1 \\\\ y=2 \\end{array}\\right.", "(list (= x 1) (= y 2))"},
          {"\\begin{aligned} x &= 1 \\\\ y &= 2 \\end{aligned}", "(list (= x 1) (= y 2))"},
          {"x<1 \\text{ or } x>3", "(union (< x 1) (> x 3))"},
          {"x>1 \\text{ and } x<3", "(intersect (> x 1) (< x 3))"},
          {"n=1, 2, 3", "(list (= n 1) 2 3)"},
          {"(x,y)=(5,8)", "(= (tuple x y) (tuple 5 8))"},
          {"x_{1}=1,\\quadx_{2}=2", "(list (= x_1 1) (= x_2 2))"},
          {"y = 2x+1", "(= y (+ (* 2 x) 1))"},
          {"|AB|=1", "(= (abs (* A B)) 1)"},
          {"x \\equiv 3 \\pmod{5}", "(opaque \"modulo\" (== x 3) 5)"}});
}

TEST(ParseFormula, WordsAndUnits) {
  Expect({{"\\text{blue}", "\"blue\""},
          {"Monday", "\"monday\""},
          {"no solution", "\"no solution\""},
          {"\\text{The midpoints form a regular hexagon}", "\"the midpoints form a regular hexagon\""},
          {"\\text{B}", "B"},
          {"\\text{(C)}", "C"},
          {"\\text{42}", "42"},
          {"5 cm", "(unit \"cm\" 5)"},
          {"5 \\text{ cm}^2", "(unit \"cm^2\" 5)"},
          {"15\\mbox{ cm}^2", "(unit \"cm^2\" 15)"},
          {"5\\,\\mathrm{m}", "(unit \"m\" 5)"},
          {"9.8\\ \\text{m}/\\text{s}^2", "(unit \"m/s^2\" 49/5)"},
          {"15 \\frac{\\text{m}}{\\text{s}}", "(unit \"m/s\" 15)"},
          {"60 km/h", "(unit \"km/h\" 60)"},
          {"125\\textnormal{ miles}", "(unit \"miles\" 125)"},
          {"1,000 \\text{ square feet}", "(unit \"square feet\" 1000)"},
          {"2\\sqrt{3} \\text{ cm}", "(unit \"cm\" (* 2 (root 3 2)))"},
          {"$5", "(unit \"$\" 5)"},
          {"\\$5.50", "(unit \"\\$\" 11/2)"},
          {"5€", "(unit \"€\" 5)"},
          {"-$5", "(neg (unit \"$\" 5))"},
          {"x = 5 \\text{ apples}", "(= x (unit \"apples\" 5))"},
          {"the answer is 5", "5"},
          {"exactly 3", "3"},
          {"total cost: 5", "5"},
          {"the answer = 3", "3"},
          {"3x", "(* 3 x)"},
          {"1 - \\frac{1}{\\mathrm{e}}", "(+ 1 (neg (/ 1 e)))"}});
}

TEST(ParseFormula, WhatStandsAroundIsPassedOver) {
  Expect({{"$5$", "5"},
          {"\\(5\\)", "5"},
          {"\\[ x + 1 \\]", "(+ x 1)"},
          {"$$\\frac12$$", "(/ 1 2)"},
          {"**42**", "42"},
          {"`42`", "42"},
          {"\\displaystyle \\frac12.", "(/ 1 2)"},
          {"\\boxed{42}", "42"},
          {"{42}", "42"},
          {"= 5", "5"},
          {"\\\\frac{1}{2}", "(/ 1 2)"},
          {"x\\!+\\;1", "(+ x 1)"}});
}

TEST(ParseFormula, WhatIsNoFormulaIsSaid) {
  for (const char* text : {"",
                           "   ",
                           "1.2.3",
                           "4 5",
                           "(1",
                           "1)",
                           "(1, 2",
                           "\\frac{1}{2",
                           "\\frac{1}",
                           "5 or",
                           "not 5",
                           "minus 5",
                           "x +",
                           "* 3",
                           "()",
                           "(1,)",
                           "1,,2",
                           "\\foo",
                           "a \\to",
                           "\xff",
                           "5 \\text{ or more}",
                           "\\sqrt",
                           "x^",
                           "_",
                           "\\begin{pmatrix}1",
                           "\\begin{pmatrix}1&2\\\\3\\end{pmatrix}",
                           "arsinh(2)",
                           "|x",
                           "\\left(",
                           "\\{1",
                           "1/",
                           "\\end{pmatrix}"}) {
    const ParsedFormula parsed = ParseFormula(text);
    EXPECT_EQ(parsed.status, ParseStatus::kNoFormula) << text << ": " << FormulaToText(parsed.formula);
    EXPECT_THAT(parsed.detail, HasSubstr("expected")) << text;
    EXPECT_TRUE(parsed.formula.nodes.empty()) << text;
  }
}

TEST(ParseFormula, CommasCanBeMadeToSeparate) {
  EXPECT_EQ(Tree("100,200", {.commas_separate = true}), "(list 100 200)");
  EXPECT_EQ(Tree("1{,}000", {.commas_separate = true}), "1000");
  EXPECT_TRUE(ParseFormula("100,200").thousands_comma);
  EXPECT_FALSE(ParseFormula("1{,}200").thousands_comma);
}

}  // namespace
}  // namespace entrain
