#!/usr/bin/env python3
"""An independent opinion on the table: SymPy judges every row that has the key "sympy".

    python3 -m venv DIR && DIR/bin/pip install sympy==1.14.0
    DIR/bin/python tests/golden/math_pairs/check_with_sympy.py [FILE…]     default: every *.jsonl beside this file

"sympy": [given, reference] says the two answers in SymPy's language, written by hand from the completion and the answer. The two must be the same where "kind"
is "correct" and differ where it is "wrong". What is the same: numbers and expressions, when their difference vanishes (proved by simplification, or by 60 digits
at seven positive points); sets and intervals, as sets; tuples and matrices, entry by entry; equations, when one is a constant multiple of the other; inequalities,
by the set that solves them, or as equations. Not a part of the tests; exit status 1 when a row is contradicted.
"""
import json
import pathlib
import random
import sys

import sympy
from sympy import S

HERE = pathlib.Path(__file__).resolve().parent
DIGITS = 60


def read(text):
    value = sympy.sympify(text, rational=True)
    return tuple(value) if isinstance(value, sympy.Tuple) else value


def points(symbols, count=7):
    draw = random.Random(1)
    for _ in range(count):
        yield {symbol: sympy.Rational(draw.randint(1_001, 9_999), draw.randint(1_001, 9_999)) for symbol in symbols}


def same_expression(a, b):
    difference = a - b
    symbols = sorted(a.free_symbols | b.free_symbols, key=str)
    for point in points(symbols) if symbols else [{}]:
        value = sympy.N(difference.subs(point), DIGITS, maxn=3000)
        size = 1 + abs(sympy.N(a.subs(point), 20))
        if not value.is_number or abs(value) > size * S(10) ** (10 - DIGITS):
            return False
    return True


def as_set(value):
    if isinstance(value, sympy.Set):
        return value
    if isinstance(value, sympy.core.relational.Relational) and len(value.free_symbols) == 1 and not isinstance(value, sympy.Eq):
        return value.as_set()
    return sympy.FiniteSet(sympy.Tuple(*value) if isinstance(value, tuple) else value)


def same_sets(a, b):
    if isinstance(a, sympy.FiniteSet) and isinstance(b, sympy.FiniteSet):
        return all(any(same(x, y) for y in b) for x in a) and all(any(same(x, y) for x in a) for y in b)
    return a == b or (a - b == S.EmptySet and b - a == S.EmptySet) or a.symmetric_difference(b) == S.EmptySet


def same_relations(a, b):
    """lhs - rhs of the one is a constant multiple of the other's; a positive one for inequalities that point the same way."""
    if len(a.free_symbols) == 1 and a.free_symbols == b.free_symbols and not isinstance(a, sympy.Eq) and not isinstance(b, sympy.Eq):
        return same_sets(a.as_set(), b.as_set())
    if isinstance(a, (sympy.Gt, sympy.Ge)):
        a = a.reversed
    if isinstance(b, (sympy.Gt, sympy.Ge)):
        b = b.reversed
    if type(a) is not type(b) or a.free_symbols != b.free_symbols:
        return False
    ratio = sympy.simplify((a.lhs - a.rhs) / (b.lhs - b.rhs))
    return bool(ratio.is_number and ratio != 0 and (isinstance(a, (sympy.Eq, sympy.Ne)) or ratio > 0))


def same(a, b):
    if isinstance(a, sympy.Tuple) or isinstance(b, sympy.Tuple):
        a, b = (tuple(v) if isinstance(v, sympy.Tuple) else v for v in (a, b))
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if any(isinstance(v, tuple) for v in (a, b)) and not any(isinstance(v, sympy.Set) for v in (a, b)):
        return False
    if isinstance(a, sympy.MatrixBase) or isinstance(b, sympy.MatrixBase):
        return isinstance(a, sympy.MatrixBase) and isinstance(b, sympy.MatrixBase) and a.shape == b.shape and all(map(same, a, b))
    relation = sympy.core.relational.Relational
    if isinstance(a, relation) and isinstance(b, relation):
        return same_relations(a, b)
    if any(isinstance(v, (sympy.Set, relation, tuple)) for v in (a, b)):
        if any(isinstance(v, sympy.Eq) or (isinstance(v, relation) and len(v.free_symbols) != 1) for v in (a, b)):
            return False
        return same_sets(as_set(a), as_set(b))
    return same_expression(a, b)


def main(files):
    confirmed = {"correct": 0, "wrong": 0}
    rows = contradicted = 0
    for file in files:
        for number, line in enumerate(file.read_text().splitlines(), start=1):
            row = json.loads(line)
            rows += 1
            if "sympy" not in row or row["kind"] not in confirmed:
                continue
            try:
                verdict = "correct" if same(*map(read, row["sympy"])) else "wrong"
            except Exception as error:  # noqa: BLE001
                verdict = f"no verdict ({type(error).__name__}: {error})"
            if verdict == row["kind"]:
                confirmed[verdict] += 1
            else:
                contradicted += 1
                print(f"{file.name}:{number}: {row['kind']}, but SymPy says {verdict}: {row['sympy']}")
    print(f"{rows} rows, {confirmed['correct']} equal and {confirmed['wrong']} unequal ones confirmed, {contradicted} contradicted")
    return 1 if contradicted else 0


if __name__ == "__main__":
    sys.exit(main([pathlib.Path(argument) for argument in sys.argv[1:]] or sorted(HERE.glob("*.jsonl"))))
