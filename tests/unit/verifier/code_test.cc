#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "tests/unit/verifier/judge_program.h"
#include "verifier/code/time_budget.h"

namespace entrain {
namespace {

using ::nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

struct Row {
  const char* name;
  const char* program;
  std::vector<std::string> tests;
  const char* kind;
  const char* detail = "";  // a part of it
};

void Check(const Row& row, json options = json::object()) {
  options["tests"] = row.tests;
  options["extract"] = "whole";
  const Verdict verdict = JudgeProgram(row.program, options);
  EXPECT_EQ(KindOf(verdict), row.kind) << row.name << ": " << verdict.detail;
  EXPECT_THAT(verdict.detail, HasSubstr(row.detail)) << row.name;
}

// What Python says of the same assertions in one process, for programs that play fair.
TEST(CodeAssert, ValuesCrossAsTheyAre) {
  for (const Row& row : std::vector<Row>{
           {"whole",
            "def f(x): return x * 2",
            {"assert f(2) == 4", "assert f(-10**30) == -2 * 10**30"},
            "correct"},
           {"big", "def f(): return 7 ** 6000", {"assert f() == 7 ** 6000"}, "correct"},
           {"wrong",
            "def f(x): return x + 3",
            {"assert f(2) == 4"},
            "wrong",
            "test 1 of 1: assert f(2) == 4: expected 4, found 5"},
           {"float",
            "def f(x): return x / 3",
            {"assert abs(f(1) - 1/3) < 1e-12", "assert f(1.0) == 1/3"},
            "correct"},
           {"not a number",
            "def f(): return float('nan'), float('inf'), -0.0",
            {"import math\nn, i, z = f()\nassert math.isnan(n) and i == math.inf and math.copysign(1, z) == "
             "-1"},
            "correct"},
           {"text", "def f(s): return s[::-1]", {"assert f('añ\\ud800😀') == '😀\\ud800ña'"}, "correct"},
           {"none", "def f(): pass", {"assert f() is None", "assert not f()"}, "correct"},
           {"bool", "def f(x): return x > 1", {"assert f(2) is True and f(0) is False"}, "correct"},
           {"nested",
            "def f(): return [(1, [2.5, None]), {'a': {3, 4}, (1, 2): b'x'}, frozenset([1])]",
            {"assert f() == [(1, [2.5, None]), {'a': {3, 4}, (1, 2): b'x'}, frozenset([1])]",
             "assert type(f()[0]) is tuple and isinstance(f()[1], dict)"},
            "correct"},
           {"list is no tuple", "def f(): return [1, 2]", {"assert f() == (1, 2)"}, "wrong", "found [1, 2]"},
           {"complex, range, bytes",
            "def f(): return 1j, range(3), bytearray(b'ab')",
            {"assert f() == (1j, range(3), bytearray(b'ab'))"},
            "correct"},
           {"collections",
            "from collections import *\n"
            "def f(): return Counter('aab'), defaultdict(list, a=[1]), OrderedDict(b=1), deque([1, 2], "
            "maxlen=2)",
            {"from collections import *\nc, d, o, q = f()\n"
             "assert c == {'a': 2, 'b': 1} and c.most_common(1) == [('a', 2)]\n"
             "assert d['z'] == [] and d['a'] == [1] and type(o) is OrderedDict and q.maxlen == 2"},
            "correct"},
           {"fractions, decimals, dates",
            "from fractions import Fraction\nfrom decimal import Decimal\nimport datetime\n"
            "def f(): return Fraction(1, 3), Decimal('0.10'), datetime.date(2024, 2, 29), "
            "datetime.timedelta(1, 5)",
            {"from fractions import Fraction\nfrom decimal import Decimal\nimport datetime\n"
             "assert f() == (Fraction(1, 3), Decimal('0.1'), datetime.date(2024, 2, 29), "
             "datetime.timedelta(1, 5))"},
            "correct"},
           {"arguments by name",
            "def f(a, *b, c=1, **d): return a, b, c, d",
            {"assert f(1, 2, 3, c=4, e=5) == (1, (2, 3), 4, {'e': 5})"},
            "correct"},
           {"a global",
            "LIMIT = 3\ndef up():\n  global LIMIT\n  LIMIT += 1",
            {"assert LIMIT == 3\nup()\nassert LIMIT == 4"},
            "correct"},
           {"a name that is not there",
            "def g(x): return x",
            {"assert f(1) == 1"},
            "wrong",
            "NameError: name 'f' is not defined"},
           {"deep",
            "def f():\n  x = []\n  for _ in range(90): x = [x]\n  return x",
            {"assert len(f()) == 1"},
            "correct"},
           {"too deep",
            "def f():\n  x = []\n  for _ in range(500): x = [x]\n  return x",
            {"assert len(f()) == 1"},
            "wrong",
            "more than 100 levels"},
           {"a list that holds itself",
            "def f():\n  x = [1]\n  x.append(x)\n  return x",
            {"x = f()\nassert x[1] is x and x[0] == 1"},
            "correct"},
           {"a hundred thousand",
            "def f(n): return list(range(n))",
            {"assert sum(f(100000)) == 99999 * 50000"},
            "correct"},
       }) {
    Check(row);
  }
}

TEST(CodeAssert, ArgumentsThatTheProgramChangesComeBackChanged) {
  for (const Row& row : std::vector<Row>{
           {"sort in place", "def f(a): a.sort()", {"a = [3, 1, 2]\nf(a)\nassert a == [1, 2, 3]"}, "correct"},
           {"unchanged",
            "def f(a): return sorted(a)",
            {"a = [2, 1]\nassert f(a) == [1, 2] and a == [2, 1]"},
            "correct"},
           {"changed against the rule",
            "def f(a):\n  a.sort()\n  return a",
            {"a = [2, 1]\nf(a)\nassert a == [2, 1]"},
            "wrong"},
           {"rows of a matrix",
            "def f(m):\n  for r in m: r.reverse()",
            {"m = [[1, 2], [3, 4]]\nrow = m[0]\nf(m)\nassert m == [[2, 1], [4, 3]] and row is m[0] and row "
             "== [2, 1]"},
            "correct"},
           {"the same list returned",
            "def f(a):\n  a.append(9)\n  return a",
            {"a = [1]\nassert f(a) is a and a == [1, 9]"},
            "correct"},
           {"set, dict, bytearray, deque",
            "def f(s, d, b, q):\n  s.add(1)\n  d['x'] = [2]\n  b.extend(b'z')\n  q.popleft()",
            {"from collections import deque\ns, d, b, q = set(), {}, bytearray(b'y'), deque([1, 2])\nf(s, d, "
             "b, q)\n"
             "assert (s, d, b, q) == ({1}, {'x': [2]}, bytearray(b'yz'), deque([2]))"},
            "correct"},
           {"changed, then an exception",
            "def f(a):\n  a.clear()\n  raise ValueError",
            {"a = [1]\ntry:\n  f(a)\nexcept ValueError:\n  pass\nassert a == []"},
            "correct"},
           {"one list twice", "def f(a, b): a.append(1)", {"x = []\nf(x, x)\nassert x == [1]"}, "correct"},
       }) {
    Check(row);
  }
}

TEST(CodeAssert, ObjectsOfTheProgramAreAskedForWhatTheyDo) {
  const char* point =
      "class Point:\n"
      "  def __init__(self, x, y): self.x, self.y = x, y\n"
      "  def __eq__(self, o): return (self.x, self.y) == (o.x, o.y)\n"
      "  def __hash__(self): return hash((self.x, self.y))\n"
      "  def __add__(self, o): return Point(self.x + o.x, self.y + o.y)\n"
      "  def __mul__(self, k): return Point(self.x * k, self.y * k)\n"
      "  def __lt__(self, o): return self.x < o.x\n"
      "  def __repr__(self): return f'Point({self.x}, {self.y})'\n"
      "  def __len__(self): return 2\n"
      "  def __getitem__(self, i): return (self.x, self.y)[i]\n"
      "  def __contains__(self, v): return v in (self.x, self.y)\n"
      "  @property\n"
      "  def norm(self): return self.x ** 2 + self.y ** 2\n"
      "def make(n): return [Point(i, i) for i in range(n)]\n";
  for (const Row& row : std::vector<Row>{
           {"attributes, methods",
            point,
            {"p = Point(3, 4)\nassert p.x == 3 and p.norm == 25\np.x = 5\nassert p.x == 5"},
            "correct"},
           {"equality",
            point,
            {"assert Point(1, 2) == Point(1, 2)\nassert Point(1, 2) != Point(1, 3)"},
            "correct"},
           {"operators",
            point,
            {"assert Point(1, 2) + Point(3, 4) == Point(4, 6)\nassert (Point(1, 2) * 3).y == 6"},
            "correct"},
           {"containers",
            point,
            {"p = Point(3, 4)\nassert len(p) == 2 and p[1] == 4 and 3 in p and 9 not in p and list(p) == [3, "
             "4]",
             "assert len({Point(1, 1), Point(1, 1)}) == 1", "assert [q.x for q in make(3)] == [0, 1, 2]",
             "assert make(2) == [Point(0, 0), Point(1, 1)]",
             "assert sorted([Point(2, 0), Point(1, 0)])[0].x == 1"},
            "correct"},
           {"text",
            point,
            {"assert repr(Point(1, 2)) == str(Point(1, 2)) == f'{Point(1, 2)}' == 'Point(1, 2)'"},
            "correct"},
           {"isinstance",
            point,
            {"assert isinstance(Point(1, 2), Point) and not isinstance(3, Point)"},
            "correct"},
           {"generator",
            "def f(n):\n  for i in range(n): yield i * i",
            {"assert list(f(4)) == [0, 1, 4, 9]",
             "g = f(2)\nassert next(g) == 0 and next(g) == 1 and next(g, 7) == 7"},
            "correct"},
           {"closure", "def f(n): return lambda x: x + n", {"assert f(2)(3) == 5"}, "correct"},
           {"a function of the test",
            "def apply(f, xs): return [f(x) for x in xs]",
            {"assert apply(lambda x: x + 1, [1, 2]) == [2, 3]", "assert apply(len, ['a', 'bb']) == [1, 2]",
             "seen = []\napply(seen.append, [1, 2])\nassert seen == [1, 2]"},
            "correct"},
           {"its exception in a function of the test",
            "def safe(f):\n  try: return f()\n  except ZeroDivisionError: return 'zero'",
            {"assert safe(lambda: 1 / 0) == 'zero'"},
            "correct"},
           {"a function back", "def f(g): return g", {"g = lambda: 1\nassert f(g) is g"}, "correct"},
           {"the program's function to the program",
            "def f(x): return x + 1\ndef g(h, x): return h(x)",
            {"assert g(f, 1) == 2 and g(int, '3') == 3"},
            "correct"},
           {"namedtuple",
            "from collections import namedtuple\nP = namedtuple('P', 'x y')\ndef f(): return P(1, 2)",
            {"assert f() == (1, 2) and f().y == 2 and isinstance(f(), tuple)\nx, y = f()\nassert x == 1"},
            "correct"},
           {"IntEnum",
            "from enum import IntEnum\nclass C(IntEnum):\n  RED = 1\ndef f(): return C.RED",
            {"assert f() == 1 and f() + 1 == 2 and f().name == 'RED' and f() - 0.5 < 1"},
            "correct"},
           {"Enum",
            "from enum import Enum\nclass C(Enum):\n  RED = 1\n  BLUE = 2\ndef f(): return C.RED",
            {"assert f() == C.RED and f() is C.RED and f() != C.BLUE and f().value == 1"},
            "correct"},
           {"dataclass",
            "from dataclasses import dataclass\n@dataclass\nclass D:\n  a: int\n  b: str = 'x'",
            {"assert D(1) == D(1, 'x') and D(1).b == 'x' and repr(D(1)) == \"D(a=1, b='x')\""},
            "correct"},
           {"a list with methods",
            "class Stack(list):\n  def push(self, x): self.append(x)",
            {"s = Stack()\ns.push(1)\ns.push(2)\nassert s == [1, 2] and len(s) == 2 and s[-1] == 2"},
            "correct"},
           {"context manager",
            "class C:\n  def __enter__(self): return 5\n  def __exit__(self, *a): self.done = 1",
            {"c = C()\nwith c as x:\n  assert x == 5\nassert c.done == 1"},
            "correct"},
           {"linked list",
            "class Node:\n  def __init__(self, v, n=None): self.v, self.n = v, n\n"
            "def total(n): return 0 if n is None else n.v + total(n.n)",
            {"a = Node(1)\na.n = Node(2)\nassert total(a) == 3 and a.n.v == 2"},
            "correct"},
       }) {
    Check(row);
  }
}

TEST(CodeAssert, ExceptionsAreThoseOfTheProgram) {
  for (const Row& row : std::vector<Row>{
           {"builtin",
            "def f(x):\n  if x < 0: raise ValueError('negative')\n  return x",
            {"try:\n  f(-1)\n  assert False\nexcept ValueError as e:\n  assert str(e) == 'negative'"},
            "correct"},
           {"its own",
            "class Bad(Exception):\n  def __init__(self, code): self.code = code\nclass Worse(Bad): pass\n"
            "def f(x): raise Worse(7)",
            {"try:\n  f(1)\n  assert False\nexcept Bad as e:\n  assert e.code == 7",
             "try:\n  f(1)\n  assert False\nexcept Exception:\n  pass"},
            "correct"},
           {"its own, of KeyError",
            "class Missing(KeyError): pass\ndef f(): raise Missing('k')",
            {"try:\n  f()\nexcept KeyError as e:\n  assert e.args == ('k',) and type(e).__name__ == "
             "'Missing'"},
            "correct"},
           {"unittest",
            "def f(x): return 1 / x",
            {"import unittest\nclass T(unittest.TestCase):\n  def test_a(self): self.assertEqual(f(2), 0.5)\n"
             "  def test_b(self):\n    with self.assertRaises(ZeroDivisionError): f(0)"},
            "correct"},
           {"unittest that fails",
            "def f(x): return x",
            {"import unittest\nclass T(unittest.TestCase):\n  def test_a(self): self.assertEqual(f(2), 3)"},
            "wrong",
            "test_a: AssertionError: 2 != 3"},
           {"test functions",
            "def f(x): return x",
            {"def test_one():\n  assert f(1) == 1\ndef test_two():\n  assert f(2) == 3"},
            "wrong",
            "expected 3, found 2"},
           {"not caught",
            "def f(): return [][0]",
            {"assert f() == 1"},
            "wrong",
            "IndexError: list index out of range"},
           {"does not hold",
            "def f(): return 3",
            {"x = 1\nassert f() > 5"},
            "wrong",
            "assert f() > 5: does not hold"},
           {"its message", "def f(): return 3", {"assert f() > 5, 'too small'"}, "wrong", "too small"},
           {"StopIteration",
            "def f(): raise StopIteration",
            {"try:\n  f()\nexcept StopIteration:\n  pass"},
            "correct"},
       }) {
    Check(row);
  }
}

TEST(CodeAssert, NamesAreTheTestsOwnThenPythonsThenTheProgrammes) {
  const char* sum = "def sum(a, b): return a - b";
  Check({"Python's", sum, {"assert sum([1, 2]) == 3"}, "correct"});
  Check({"the program's, by entry", sum, {"assert sum(5, 3) == 2"}, "correct"}, {{"entry", "sum"}});
  Check({"candidate", sum, {"def check(candidate):\n  assert candidate(5, 3) == 2"}, "correct"},
        {{"entry", "sum"}});
  Check({"candidate fails", sum, {"def check(candidate):\n  assert candidate(5, 3) == 8"}, "wrong"},
        {{"entry", "sum"}});
  Check({"check is called once",
         sum,
         {"n = []\ndef check(c):\n  n.append(1)\n  assert len(n) == 1\ncheck(sum)"},
         "correct"},
        {{"entry", "sum"}});
  Check({"setup", "def f(x): return x + 1", {"assert twice(3) == 5"}, "correct"},
        {{"setup", "def twice(x): return f(f(x))"}});
  Check({"setup fails", "def g(x): return x", {"assert y == 5"}, "wrong", "setup: y = f(1): NameError"},
        {{"setup", "y = f(1)"}});
  Check({"prefix", "    return x + K", {"assert f(1) == 3"}, "correct"}, {{"prefix", "K = 2\ndef f(x):"}});
  Check({"tests do not see each other",
         "def f(): return 1",
         {"x = f()", "assert x == 1"},
         "wrong",
         "'x' is not defined"});
  Check({"a test that is no Python",
         "def f(): return 1",
         {"assert f( == 1"},
         "error",
         "verifier_options.tests[0]: line 1"});
  Check({"an object that cannot be given",
         "def f(x): return x",
         {"class A: pass\nassert f(A())"},
         "error",
         "object of its own class A"});
}

// Programs that do not solve the task but want the verdict. None of them may be correct.
TEST(CodeAssert, TheProgramCannotForgeSuccess) {
  for (const Row& row : std::vector<Row>{
           {"equal to everything",
            "class E:\n  def __eq__(self, o): return True\n  def __ne__(self, o): return False\ndef f(x): "
            "return E()",
            {"assert f(2) == 4"},
            "wrong",
            "found <an object of class E>"},
           {"a whole number equal to everything",
            "class E(int):\n  def __eq__(self, o): return True\n  __hash__ = int.__hash__\ndef f(x): return "
            "E(1)",
            {"assert f(2) == 4"},
            "wrong",
            "expected 4, found 1"},
           {"a list equal to everything",
            "class E(list):\n  def __eq__(self, o): return True\ndef f(x): return E([1])",
            {"assert f(2) == [4]"},
            "wrong"},
           {"no difference to anything",
            "class E:\n  def __sub__(self, o): return 0\n  __rsub__ = __sub__\n  def __abs__(self): return "
            "0\n  def __lt__(self, o): return True\n  __le__ = __gt__ = __lt__\ndef f(x): return E()",
            {"assert abs(f(2) - 4) < 1e-6"},
            "wrong",
            "no sub of them"},
           {"less than anything",
            "class E:\n  def __lt__(self, o): return True\ndef f(x): return E()",
            {"assert f(2) < 4"},
            "wrong",
            "TypeError"},
           {"leaves before the tests",
            "import sys\ndef f(x): return 1\nsys.exit(0)",
            {"assert f(2) == 4"},
            "wrong",
            "before the tests: line 3: SystemExit: 0"},
           {"leaves without a word",
            "import os\nos._exit(0)",
            {"assert f(2) == 4"},
            "wrong",
            "before the tests: the program ended: exit status 0"},
           {"leaves in a test",
            "import os\ndef f(x): os._exit(0)",
            {"assert f(2) == 4"},
            "wrong",
            "the program ended: exit status 0"},
           {"SystemExit in a test",
            "def f(x): raise SystemExit(0)",
            {"assert f(2) == 4"},
            "wrong",
            "SystemExit"},
           {"patches builtins",
            "import builtins\nbuiltins.abs = lambda *a: 4\nbuiltins.AssertionError = Exception\nbuiltins.all "
            "= lambda x: True\ndef f(x): return -1",
            {"assert abs(f(2)) == 4"},
            "wrong",
            "found 1"},
           // It breaks what carries its own answers.
           {"patches what its process needs",
            "import builtins\nbuiltins.len = lambda *a: 4\ndef f(x): return [1]",
            {"assert len(f(2)) == 4"},
            "limit",
            "time"},
           {"calls its own len",
            "def len(x): return 4\ndef all(x): return True\ndef abs(x): return 0\ndef f(x): return [1]",
            {"assert len(f(2)) == 4"},
            "wrong"},
           {"is math",
            "class math:\n  isclose = staticmethod(lambda *a: True)\n  fabs = staticmethod(lambda x: 0)\ndef "
            "f(x): return 1",
            {"assert math.isclose(f(2), 4)"},
            "wrong"},
           {"looks into its process for the answer",
            "import gc, sys\ndef f(x):\n  frame = sys._getframe()\n  while frame:\n    for v in "
            "list(frame.f_locals.values()):\n      if type(v) is int and v == 4242: return v\n    frame = "
            "frame.f_back\n  return 4242 if any(o == 4242 for o in gc.get_objects() if type(o) is int) else "
            "0",
            {"assert f(2) == 4200 + 42"},
            "wrong",
            "found 0"},
           {"writes garbage into every descriptor",
            "import os\ndef f(x):\n  for d in range(64):\n    try: os.write(d, b'R\\xff\\xff\\xff\\x7f' * "
            "100)\n    except OSError: pass\n  return 4",
            {"assert f(2) == 4 + 1"},
            "limit"},
           {"writes a passed test into every descriptor",
            "import os\ndef f(x):\n  for d in range(64):\n    try: os.write(d, "
            "b'T\\x00\\x00\\x00\\x00E\\x00\\x00\\x00\\x00')\n    except OSError: pass\n  return 3",
            {"assert f(2) == 4"},
            "wrong",
            "wrote into the channel"},
           {"answers twice",
            "import os, json, struct\ndef f(x):\n  m = b'[1,\"ok\",4,[]]'\n  for d in range(3, 64):\n    "
            "try: os.write(d, b'R' + struct.pack('<I', len(m)) + m)\n    except OSError: pass\n  return 4",
            {"assert f(2) == 5"},
            "wrong"},
           {"answers with what is no value",
            "import os, json, struct\ndef f(x):\n  for m in (b'[2,\"ok\",[\"h\"],[]]', "
            "b'[2,\"ok\",[\"n\",\"eval\"],[]]'):\n    for d in range(3, 64):\n      try: os.write(d, b'R' + "
            "struct.pack('<I', len(m)) + m)\n      except OSError: pass\n  return 4",
            {"assert f(2) == 4"},
            "wrong",
            "could not be read"},
           {"closes the channel",
            "import os\ndef f(x):\n  os.closerange(0, 64)\n  os._exit(0)",
            {"assert f(2) == 4"},
            "wrong"},
           {"patches the process that serves it",
            "import __main__, sys\nfor m in list(sys.modules.values()):\n  for n in ('dump', 'load', "
            "'Encoder', 'json'):\n    try: setattr(m, n, lambda *a, **k: b'[1,\"ok\",true,[]]')\n    except "
            "Exception: pass\ndef f(x): return 1",
            {"assert f(2) == 4"},
            "wrong"},
           {"prints what looks like success",
            "print('OK')\nprint('1 passed')\ndef f(x):\n  print('T')\n  return 1",
            {"assert f(2) == 4"},
            "wrong"},
           {"changes the wanted list",
            "def f(x):\n  x.append(1)\n  return [2]",
            {"w = [1]\nassert f(w[:]) == w"},
            "wrong"},
           // int | str is a value that cannot be sent back.
           {"gives the test's function what it makes no answer of",
            "def f(g):\n  try: g(int, str)\n  except BaseException: pass\n  return 1",
            {"assert f(lambda a, b: a | b) == 4"},
            "wrong",
            "expected 4, found 1"},
           {"lets the test's function fail",
            "def f(g): return g({})",
            {"assert f(lambda d: d.keys()) == 4"},
            "wrong",
            "TypeError"},
           {"ends the iteration over the cases",
            "def f(x): raise StopIteration",
            {"assert all(map(lambda x: f(x) == 2 * x, [2, 3]))"},
            "wrong",
            "the program raised StopIteration"},
           {"ends the iteration with an exception of its own",
            "class End(StopIteration): pass\ndef f(x): raise End",
            {"for y in map(f, [2]): assert y == 4"},
            "wrong",
            "the program raised StopIteration"},
           {"has the test's process evaluate what it likes",
            "def f(g):\n  g(\"exec('import __main__; __main__.equal.__code__ = (lambda a, b: "
            "None).__code__')\")\n"
            "  return 1",
            {"assert f(eval) == 4"},
            "wrong",
            "no attribute 'equal'"},
           {"answers with the importer of the tests' process",
            "import os, struct\ndef f(x):\n  m = b'[2,\"ok\",[\"n\",\"__loader__\"],[]]'\n  for d in "
            "range(3, 64):\n"
            "    try: os.write(d, b'R' + struct.pack('<I', len(m)) + m)\n    except OSError: pass\n  return "
            "4",
            {"assert f(2).load_module('math').floor(4) == 4"},
            "wrong",
            "could not be read"},
           {"zero, whatever it is combined with",
            "class E:\n  def __xor__(self, o): return 0\ndef f(x): return E()",
            {"assert f(2) ^ 4 == 0"},
            "wrong",
            "no xor of them"},
           {"has an operator for the test's own objects",
            "class E:\n  def __add__(self, o): return 4\ndef f(x): return E()",
            {"class P: pass\nassert f(2) + P() == 4"},
            "wrong",
            "TypeError"},
           {"raises what cannot be written",
            "def f(x): raise ValueError(10 ** 5000)",
            {"assert f(2) == 4"},
            "wrong",
            "ValueError"},
           {"raises what is written as no text",
            "class E:\n  def __repr__(self): return 3\ndef f(x): raise KeyError([E()])",
            {"assert f(2) == 4"},
            "wrong",
            "KeyError"},
           {"leaves while its exception is written",
            "import os\nclass E:\n  def __repr__(self): os._exit(0)\ndef f(x): raise KeyError([E()])",
            {"assert f(2) == 4"},
            "wrong",
            "exit status 0"},
       }) {
    SCOPED_TRACE(row.name);
    Check(row, {{"per_test_s", 1}});
  }
}

TEST(CodeAssert, LimitsAreNamed) {
  const json quick{{"per_test_s", 0.5}, {"total_s", 3}};
  Check({"loop in a test",
         "def f(x):\n  while True: pass",
         {"assert f(2) == 4"},
         "limit",
         "test 1 of 1: cpu time of 0.5 s"},
        quick);
  Check({"loop before the tests", "while True: pass", {"assert f(2) == 4"}, "limit", "cpu time of 0.5 s"},
        quick);
  Check({"loop in the second test",
         "def f(x):\n  while x == 2: pass\n  return x",
         {"assert f(1) == 1", "assert f(2) == 2"},
         "limit",
         "test 2 of 2"},
        quick);
  Check({"endless iterator", "def f():\n  while True: yield 1", {"assert list(f()) == [1]"}, "limit", "time"},
        quick);
  Check({"sleep", "import time\ndef f(x): time.sleep(60)", {"assert f(2) == 4"}, "limit", "wall time of 2 s"},
        quick);
  Check({"all tests together",
         "import time\ndef f(x):\n  end = time.process_time() + 0.3\n  while time.process_time() < end: pass",
         {"f(1)", "f(2)", "f(3)", "f(4)", "f(5)"},
         "limit",
         "cpu time of 1 s for all tests"},
        {{"per_test_s", 0.8}, {"total_s", 1}});
  Check({"output",
         "def f(x):\n  while True: print('x' * 1000)",
         {"assert f(2) == 4"},
         "limit",
         "output of 64 KiB"},
        {{"output_kb", 64}});
}

TEST(CodeAssert, TheDeadlineOfTheCallIsNotTheProgramsFault) {
  const json options{{"tests", {"assert f(2) == 4"}}, {"extract", "whole"}};
  const Verdict late =
      JudgeProgram(ProgramVerifier(), "def f(x):\n  while True: pass", options, absl::Milliseconds(300));
  EXPECT_EQ(KindOf(late), "timeout") << late.detail;
  EXPECT_FALSE(late.score.has_value());
  const json reads{{"tests", {{{"input", ""}, {"output", ""}}}}, {"extract", "whole"}};
  const Verdict late_output =
      JudgeProgram(ProgramVerifier(), "while True: pass", reads, absl::Milliseconds(300));
  EXPECT_EQ(KindOf(late_output), "timeout") << late_output.detail;
}

// The deadline is behind all that the item grants; a program that lives on in silence must not reach it.
TEST(CodeAssert, NoProgramHidesInTheDeadlineOfTheCall) {
  for (const char* program : {"import os, time\nos.closerange(0, 64)\ntime.sleep(60)",
                              "import os, time\ndef f(x):\n  os.closerange(0, 64)\n  time.sleep(60)"}) {
    const Verdict verdict =
        JudgeProgram(ProgramVerifier(), program,
                     {{"tests", {"assert f(2) == 4"}}, {"per_test_s", 4}, {"total_s", 4}}, absl::Seconds(5));
    EXPECT_EQ(KindOf(verdict), "wrong") << verdict.detail;
    EXPECT_THAT(verdict.detail, HasSubstr("closed the channel"));
  }
}

TEST(CodeAssert, AProgramThatSleepsAwayWhatTheItemGrantsIsAtFaultBeforeTheDeadline) {
  const json options{{"tests", {"assert f(2) == 4"}}, {"extract", "whole"}, {"per_test_s", 0.3}};
  const Verdict slept = JudgeProgram(ProgramVerifier(), "import time\ndef f(x): time.sleep(60)", options,
                                     absl::Seconds(1));  // its own limit of wall time is 1.6 s
  EXPECT_EQ(KindOf(slept), "limit") << slept.detail;
  EXPECT_TRUE(slept.timed);
}

TEST(CodeAssert, AVerdictThatATimeDecidedSaysSo) {
  for (const auto& [style, test] :
       {std::pair{"assert", json("assert f(2) == 4")}, std::pair{"stdin", json{{"output", "4"}}}}) {
    const json options{{"tests", {test}}, {"style", style}, {"extract", "whole"}, {"per_test_s", 0.3}};
    EXPECT_TRUE(JudgeProgram("while True: pass", options).timed) << style;
    EXPECT_FALSE(JudgeProgram("def f(x): return 5", options).timed) << style;
    EXPECT_FALSE(JudgeProgram("def f(x): return 4\nprint(4)", options).timed) << style;
  }
}

TEST(TimeBudget, SaysWhoseTimeIsOver) {
  TimeBudget time(absl::Seconds(4), absl::Seconds(8), absl::Minutes(1));
  // 9 s of the clock, of which it was starved for 6.
  time.Spend(absl::Seconds(3), absl::Seconds(9), absl::Seconds(6));
  EXPECT_EQ(time.ItemIsPast(), "");
  EXPECT_FALSE(time.ItemHadItsTime(absl::Seconds(3)));
  EXPECT_TRUE(time.ItemHadItsTime(absl::Seconds(4)));
  SandboxLimits limits;
  time.Limit(limits);
  EXPECT_EQ(limits.cpu, absl::Seconds(5));
  EXPECT_EQ(limits.wall, absl::Seconds(14));  // 2 * 8 + 1, less 3
  EXPECT_EQ(limits.step_cpu, absl::Seconds(4));
  EXPECT_EQ(limits.step_wall, absl::Seconds(9));
  time.Spend(absl::ZeroDuration(), absl::Seconds(5), absl::ZeroDuration());  // asleep
  EXPECT_TRUE(time.ItemHadItsTime(absl::ZeroDuration()));
  EXPECT_EQ(time.ItemIsPast(), "");
  time.Spend(absl::ZeroDuration(), absl::Seconds(9), absl::ZeroDuration());
  EXPECT_EQ(time.ItemIsPast(), "wall time of 17 s for all tests");
  time.Spend(absl::Seconds(5), absl::ZeroDuration(), absl::ZeroDuration());
  EXPECT_EQ(time.ItemIsPast(), "cpu time of 8 s for all tests");
}

TEST(CodeAssert, CallingOffStopsTheProgram) {
  const json options{
      {"tests", {"assert f(2) == 4"}}, {"per_test_s", 30}, {"total_s", 30}, {"extract", "whole"}};
  const VerifyItem item{
      .verifier = "code", .completion = "def f(x):\n  while True: pass", .options_json = options.dump()};
  std::stop_source stop;
  const absl::Duration begin = Clock::Real().Monotonic();
  std::jthread caller([&] {
    Clock::Real().Sleep(absl::Milliseconds(200));
    stop.request_stop();
  });
  const auto verdicts =
      ProgramVerifier().Verify(std::span(&item, 1), VerifyCall(absl::Minutes(1), stop.get_token()));
  EXPECT_LT(Clock::Real().Monotonic() - begin, absl::Seconds(5));
  if (verdicts.ok()) {
    EXPECT_EQ(KindOf((*verdicts)[0]), "timeout");
  }
}

TEST(CodeAssert, AFractionIsTheShareOfPassedTests) {
  struct Case {
    const char* program;
    const char* kind;
    double score;
    const char* detail;
  };
  const std::vector<std::string> tests = {"assert f(1) == 1", "assert f(2) == 2", "assert f(3) == 3",
                                          "assert f(4) == 4"};
  for (const Case& c : {
           Case{"def f(x): return x", "correct", 1, ""},
           Case{"def f(x): return min(x, 3)", "wrong", 0.75, "passed 3 of 4; test 4 of 4: assert f(4) == 4"},
           Case{"def f(x): return 0", "wrong", 0, "test 1 of 4"},
           // What stops the process fails its own test only.
           Case{"import os\ndef f(x):\n  if x == 2: os._exit(0)\n  return x", "wrong", 0.75,
                "test 2 of 4: the program ended"},
           Case{"def f(x):\n  while x == 1: pass\n  return x", "wrong", 0.75,
                "test 1 of 4: cpu time of 0.5 s"},
           Case{"def f(x):\n  while True: pass", "limit", 0, "test 1 of 4: cpu time of 0.5 s"},
           Case{"def f(x:", "unparsable", 0, "not Python"},
       }) {
    const Verdict verdict = JudgeProgram(
        c.program,
        {{"tests", tests}, {"score", "fraction"}, {"per_test_s", 0.5}, {"total_s", 5}, {"extract", "whole"}});
    EXPECT_EQ(KindOf(verdict), c.kind) << c.program << verdict.detail;
    EXPECT_DOUBLE_EQ(verdict.score.value_or(-1), c.score) << c.program << verdict.detail;
    EXPECT_THAT(verdict.detail, HasSubstr(c.detail)) << c.program;
  }
}

TEST(CodeAssert, ACompletionWithoutAProgramIsUnparsable) {
  for (const char* completion :
       {"", "  \n", "```python\n```", "I cannot help with that.", "```python\ndef f(:\n```"}) {
    const Verdict verdict = JudgeProgram(completion, {{"tests", {"assert f(2) == 4"}}});
    EXPECT_EQ(KindOf(verdict), "unparsable") << completion << verdict.detail;
    EXPECT_EQ(verdict.score, 0.0);
  }
}

struct OutputRow {
  const char *name, *program, *input, *output, *kind, *detail;
  json options = json::object();
};

TEST(CodeStdin, ProgramsReadAndWrite) {
  for (const OutputRow& row : std::vector<OutputRow>{
           {"sum", "print(sum(map(int, input().split())))", "1 2 3\n", "6\n", "correct", ""},
           {"no final newline", "import sys\nsys.stdout.write('6')", "", "6\n", "correct", ""},
           {"space at the end", "print('6  ')\nprint()", "", "6\n", "correct", ""},
           {"space in front", "print(' 6')", "", "6\n", "wrong", "line 1: expected \"6\", found \" 6\""},
           {"wrong", "print(7)", "", "6\n", "wrong", "test 1 of 1: line 1: expected \"6\", found \"7\""},
           {"nothing", "pass", "", "6\n", "wrong", "found \"nothing\""},
           {"more lines", "print('6\\n7')", "", "6\n", "wrong", "line 2"},
           {"main", "def main(): print(input())\nif __name__ == '__main__': main()", "x\n", "x\n", "correct",
            ""},
           {"exact", "print(6)", "", "6", "wrong", "", {{"compare", "exact"}}},
           {"tokens", "print('1   2')\nprint(3)", "", "1 2 3", "correct", "", {{"compare", "tokens"}}},
           {"numbers", "print(1 / 3, 'cm')", "", "0.3333333 cm", "correct", "", {{"compare", "numbers"}}},
           {"numbers apart", "print(0.34)", "", "0.3333333", "wrong", "word 1", {{"compare", "numbers"}}},
           {"numbers, tolerance",
            "print(0.34)",
            "",
            "0.3333333",
            "correct",
            "",
            {{"compare", "numbers"}, {"tolerance", 0.01}}},
           {"exit status", "print(6)\nraise SystemExit(3)", "", "6\n", "wrong", "exit status 3"},
           {"sys.exit(0)", "import sys\nprint(6)\nsys.exit(0)", "", "6\n", "correct", ""},
           {"exception", "print(6)\n[][1]", "", "6\n", "wrong", "IndexError: list index out of range"},
           {"no Python", "print(6", "", "6\n", "unparsable", "not Python: line 1"},
           {"does not read", "print(6)", "x\n", "6\n", "correct", ""},
           {"loop", "while True: pass", "", "", "limit", "time", {{"per_test_s", 0.5}}},
           {"endless output",
            "while True: print('x' * 1000)",
            "",
            "",
            "limit",
            "output of 64 KiB",
            {{"output_kb", 64}}},
           {"own process only",
            "import os\nprint(len(os.listdir('.')), open('main.py').read().count('listdir'))", "", "1 2\n",
            "correct", ""},
       }) {
    json options = row.options;
    options["tests"] = json::array({{{"input", row.input}, {"output", row.output}}});
    options["extract"] = "whole";
    const Verdict verdict = JudgeProgram(row.program, options);
    EXPECT_EQ(KindOf(verdict), row.kind) << row.name << ": " << verdict.detail;
    EXPECT_THAT(verdict.detail, HasSubstr(row.detail)) << row.name;
  }
}

TEST(CodeStdin, LargeInputAndOutputPassThroughThePipes) {
  const std::string text(900'000, 'x');
  const Verdict verdict =
      JudgeProgram("import sys\nsys.stdout.write(sys.stdin.read())",
                   {{"tests", {{{"input", text}, {"output", text}}}}, {"extract", "whole"}});
  EXPECT_EQ(KindOf(verdict), "correct") << verdict.detail;
}

TEST(CodeStdin, EachTestStartsClean) {
  const json tests = json::array({{{"input", "1"}, {"output", "1 0"}}, {{"input", "2"}, {"output", "2 0"}}});
  const char* program =
      "import os\nbefore = sum(n != 'main.py' for n in os.listdir('.'))\nopen('left', "
      "'w').write('x')\nprint(input(), before)";
  const Verdict verdict = JudgeProgram(program, {{"tests", tests}, {"extract", "whole"}});
  EXPECT_EQ(KindOf(verdict), "correct") << verdict.detail;
  const Verdict half =
      JudgeProgram("print(1, 0)", {{"tests", tests}, {"extract", "whole"}, {"score", "fraction"}});
  EXPECT_EQ(KindOf(half), "wrong");
  EXPECT_DOUBLE_EQ(half.score.value_or(-1), 0.5);
}

TEST(Code, OptionsAreReadStrictly) {
  struct Case {
    const char *options, *problem;
  };
  for (const Case& c : {
           Case{R"({})", "verifier_options.tests: expected a list of 1 to 1000 tests, found nothing"},
           Case{R"({"tests": []})", "verifier_options.tests: expected a list of 1 to 1000 tests, found 0"},
           Case{R"({"tests": "x"})", "found a string"},
           Case{R"({"tests": ["a", 3]})", "verifier_options.tests[1]: expected a string, found a number"},
           Case{R"({"tests": [{"input": "", "output": ""}, {"input": 3, "output": ""}]})",
                "verifier_options.tests[1].input: expected a string, found a number"},
           Case{R"({"tests": [{"input": ""}]})", "verifier_options.tests[0].output: is missing"},
           Case{R"({"tests": [{"output": "", "ouput": ""}]})",
                "verifier_options.tests[0]: unknown key \"ouput\""},
           Case{R"({"tests": ["a"], "style": "stdin"})", "verifier_options.tests[0]: expected {\"input\""},
           Case{R"({"tests": ["a"], "style": "doctest"})",
                "verifier_options.style: expected assert or stdin"},
           Case{R"({"tests": ["a"], "per_test_s": 0})", "verifier_options.per_test_s: expected 0.01 to 3600"},
           Case{R"({"tests": ["a"], "total_s": "3"})", "verifier_options.total_s"},
           Case{R"({"tests": ["a"], "memory_mb": 1})",
                "verifier_options.memory_mb: expected a whole number from 32"},
           Case{R"({"tests": ["a"], "language": "rust"})", "verifier_options.language: expected python"},
           Case{R"({"tests": ["a"], "entry": "a b"})", "verifier_options.entry"},
           Case{R"({"tests": ["a"], "compare": "exact"})", "are for tests with input and output"},
           Case{R"({"tests": [{"output": ""}], "entry": "f"})", "are for tests in Python"},
           Case{R"({"tests": [{"output": ""}], "tolerance": 1})", "verifier_options.tolerance"},
           Case{R"({"tests": ["a"], "test": 1})", "unknown key \"test\""},
           Case{R"({"tests": ["a\u0000"]})", "NUL"},
       }) {
    const VerifyItem item{.verifier = "code", .completion = "x = 1", .options_json = c.options};
    EXPECT_THAT(ProgramVerifier().Problem(item), HasSubstr(c.problem)) << c.options;
    const Verdict verdict = JudgeOne("code", "x = 1", "", c.options);
    EXPECT_EQ(KindOf(verdict), "error") << c.options;
  }
  for (const char* options :
       {R"({"tests": ["assert f(1) == 1"]})", R"({"tests": ["a"], "per_test_s": 0.01, "total_s": 3600})"})
    EXPECT_EQ(ProgramVerifier().Problem({.verifier = "code", .options_json = options}), "") << options;
}

// Each line's id says what its verdict is.
TEST(Code, TheExamplesAreJudgedRight) {
  std::ifstream file(ENTRAIN_SOURCE_DIR "/examples/code/items.jsonl");
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const json item = json::parse(line);
    const Verdict verdict = JudgeProgram(item["completion"].get<std::string>(), item["verifier_options"]);
    EXPECT_EQ(KindOf(verdict), item["id"]["expect"].get<std::string>())
        << item["id"]["task"] << ": " << verdict.detail;
  }
  EXPECT_EQ(lines, 60);
}

TEST(Code, WithoutASandboxProgramsAreNotRunAndTheRestIsJudged) {
  const auto verifier =
      CreateLocalVerifier({.make_sandbox = []() -> absl::StatusOr<std::unique_ptr<Sandbox>> {
        return absl::FailedPreconditionError("none here");
      }});
  const std::vector<VerifyItem> items = {{.verifier = "code",
                                          .completion = "def f(x): return x",
                                          .options_json = R"({"tests": ["assert f(1) == 1"]})"},
                                         {.verifier = "exact", .completion = "a", .answer = "a"}};
  const auto verdicts = verifier->Verify(items, absl::Minutes(1));
  ASSERT_TRUE(verdicts.ok());
  EXPECT_EQ(KindOf((*verdicts)[0]), "error");
  EXPECT_THAT((*verdicts)[0].detail, HasSubstr("none here"));
  EXPECT_EQ(KindOf((*verdicts)[1]), "correct");
  EXPECT_FALSE(verifier->PrepareSandbox().ok());
  EXPECT_EQ(verifier->Failures().unavailable, 1);
  EXPECT_EQ(verifier->Failures().lost, 0);
}

TEST(Code, WhatNeedsTheSandboxIsKnownBeforeThereIsACompletion) {
  LocalVerifierOptions options;
  options.commands["mine"] = {.argv = {"/bin/true"}};
  options.commands["trusted"] = {.argv = {"/bin/true"}, .trusted = true};
  const auto verifier = CreateLocalVerifier(options);
  const auto runs = [&](const std::string& name, const std::string& options_json) {
    return verifier->RunsPrograms({.verifier = name, .options_json = options_json});
  };
  EXPECT_TRUE(runs("code", R"({"tests": ["assert f(1) == 1"]})"));
  EXPECT_TRUE(runs("command", R"({"command": "mine"})"));
  EXPECT_FALSE(runs("command", R"({"command": "trusted"})"));
  EXPECT_FALSE(runs("command", R"({"command": "nobody"})"));
  EXPECT_FALSE(runs("math", "{}"));
  EXPECT_TRUE(runs("weighted", R"({"parts": [{"verifier": "exact"}, {"verifier": "code"}]})"));
  EXPECT_FALSE(runs("weighted", R"({"parts": [{"verifier": "exact"}]})"));
}

}  // namespace
}  // namespace entrain
