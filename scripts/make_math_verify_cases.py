#!/usr/bin/env python3
"""Math-Verify's own published cases as data for the tests of verifier/math: tests/golden/math_verify/.

    pip download math-verify==0.9.0 --no-deps --no-binary :all: && tar xf math_verify-0.9.0.tar.gz
    scripts/make_math_verify_cases.py math_verify-0.9.0          makes tests/golden/math_verify/cases.jsonl and LICENCE anew
    VENV/bin/python scripts/make_math_verify_cases.py --check    asks the installed Math-Verify about every stored case: does it keep its own word?
    VENV/bin/python scripts/make_math_verify_cases.py --pairs    asks it about tests/golden/math_pairs, except the hostile ones: which verdicts are false?

The test files are read as syntax trees, never imported or run. A case is one row of a parametrised test, or one assertion of a plain one,
with the settings that the test's body hands to Math-Verify under "config" (absent: its default). What cannot be said as a gold and an answer is
listed in "not_expressed" of the summary that is printed, with the reason.
"""
import argparse
import ast
import json
import math
import pathlib
import shutil
import sys

STORED = pathlib.Path(__file__).resolve().parents[1] / "tests" / "golden" / "math_verify"
DEFAULTS = {"match_types": ["latex", "expr"], "precision": 6, "strict": True, "allow_set_relation_comp": False}

# Plain tests (no rows), and tests of something else than a verdict.
NOT_EXPRESSED = {
    "test_normalization_config": "a switch that makes \\frac12 unreadable: entrain always reads it",
    "test_gamma_as_function": "compares the parsed SymPy object, not an answer with a gold",
    "test_gamma_as_constant": "compares the parsed SymPy object, not an answer with a gold",
    "test_verify_raise_on_error": "patches Math-Verify's own functions",
    "test_timeout_expr": "patches Math-Verify's own functions",
    "test_timeout_latex": "patches Math-Verify's own functions",
    "test_timeout_verify": "patches Math-Verify's own functions",
}


def value_of(node):
    """A constant of the test file; f-strings of arithmetic (one uses math.sqrt) included."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        allowed = (ast.JoinedStr, ast.FormattedValue, ast.Constant, ast.Call, ast.Attribute, ast.Name, ast.Load)
        if not all(isinstance(part, allowed) for part in ast.walk(node)):
            raise
        return eval(compile(ast.Expression(node), "case", "eval"), {"__builtins__": {}, "math": math})  # noqa: S307


def calls(function, name):
    return [node for node in ast.walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name]


def settings(call, row):
    """Keywords of compare_strings(...) as the row fills them in, without the defaults."""
    found = dict(DEFAULTS)
    for keyword in call.keywords:
        found[keyword.arg] = row[keyword.value.id] if isinstance(keyword.value, ast.Name) else value_of(keyword.value)
    return {key: value for key, value in found.items() if value != DEFAULTS[key]}


def rows_of(function):
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and getattr(decorator.func, "attr", "") == "parametrize":
            names = [name.strip() for name in value_of(decorator.args[0]).split(",")]
            for element in decorator.args[1].elts:
                yield element, dict(zip(names, element.elts, strict=True))


def rational_text(node):
    """sympy.Rational(1, 3) + 1 -> \\frac{1}{3}+1 and sympy.Float(0.333) -> 0.333, as a person would write them."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return rational_text(node.left) + "+" + rational_text(node.right)
    if isinstance(node, ast.Call) and node.func.attr == "Rational":
        return "\\frac{%d}{%d}" % tuple(value_of(argument) for argument in node.args)
    if isinstance(node, ast.Call) and node.func.attr == "Float":
        return ast.unparse(node.args[0])
    return ast.unparse(node)


def cases_of_precision(function):
    """Direct comparisons of SymPy numbers, and one of texts."""
    for statement in function.body:
        test = statement.test
        negated = isinstance(test, ast.UnaryOp)
        call = test.operand if negated else test
        if isinstance(call, ast.Compare):  # assert compare_strings(...) == 1
            yield call.left, value_of(call.left.args[0]), value_of(call.left.args[1]), bool(value_of(call.comparators[0])), settings(call.left, {})
        else:
            rounding = value_of(next(keyword.value for keyword in call.keywords if keyword.arg == "float_rounding"))
            config = {} if rounding == DEFAULTS["precision"] else {"precision": rounding}
            yield call, f"${rational_text(call.args[0])}$", f"${rational_text(call.args[1])}$", not negated, config


def cases_of_boxed_priority(function):
    """parse(text, (LatexExtractionConfig(boxed_match_priority=n),)): what it finds must be the one expected; nothing found accepts nothing."""
    statements = function.body
    for assign, check in zip(statements[::2], statements[1::2], strict=True):
        call = assign.value
        config = {"match_types": ["latex"]}
        for keyword in [k for c in ast.walk(call) if isinstance(c, ast.Call) and getattr(c.func, "id", "") == "LatexExtractionConfig" for k in c.keywords]:
            config[keyword.arg] = value_of(keyword.value)
        expected = check.test.comparators[0]
        if isinstance(expected, ast.Call):  # x[0] == sympy.Integer(9999)
            yield call, str(value_of(expected.args[0])), value_of(call.args[0]), True, config
        else:  # len(x) == 0 or 1
            yield call, "1", value_of(call.args[0]), value_of(expected) == 1, config


def cases_of_strings(function):
    """parse(pred, [StringExtractionConfig(...)]) == [folded, as written]: the written one is the answer; none: no answer is accepted."""
    for element, row in rows_of(function):
        config = {"match_types": ["string"]}
        for keyword in row["config"].keywords:
            config[keyword.arg] = value_of(keyword.value)
        config = {key: list(value) if isinstance(value, tuple) else value for key, value in config.items()}
        expected = value_of(row["expected"])
        yield element, expected[-1] if expected else "A", value_of(row["pred"]), bool(expected), config


def cases_of_rows(function):
    compare, verify = calls(function, "compare_strings"), calls(function, "verify")
    for element, row in rows_of(function):
        values = {name: value_of(node) for name, node in row.items()}
        config = settings(compare[0], values) if compare else {}
        assert compare or verify, function.name
        if not compare:  # verify(parse(gold), parse(pred)): Math-Verify's own default puts an announced answer before a box
            config = {"boxed_match_priority": 50}
        yield element, values["gold"], values["pred"], bool(values["expected" if "expected" in values else "result"]), config


def cases_of(path):
    cases, not_expressed = [], []
    for function in ast.parse(path.read_text()).body:
        if not isinstance(function, ast.FunctionDef) or not function.name.startswith("test_"):
            continue
        if function.name in NOT_EXPRESSED:
            not_expressed.append((f"{path.name}:{function.lineno} {function.name}", NOT_EXPRESSED[function.name]))
            continue
        if function.name == "test_precision":
            found = cases_of_precision(function)
        elif function.name == "test_boxed_match_priority":
            found = cases_of_boxed_priority(function)
        elif "config" in (row := next(rows_of(function), (None, {}))[1]) and "pred" in row:
            found = cases_of_strings(function)
        else:
            found = cases_of_rows(function)
        for number, (node, gold, answer, expected, config) in enumerate(found, start=1):
            case = {"id": f"{path.stem}/{function.name}/{number}", "gold": gold, "answer": answer, "expected": expected, "source": f"tests/{path.name}:{node.lineno}"}
            cases.append(case | ({"config": config} if config else {}))
    return cases, not_expressed


def make(package, out):
    cases, not_expressed = [], []
    for path in sorted((package / "tests").glob("test_*.py")):
        found, left_out = cases_of(path)
        cases += found
        not_expressed += left_out
    assert len({case["id"] for case in cases}) == len(cases), "two cases share an id"
    (out / "cases.jsonl").write_text("".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases))
    shutil.copyfile(package / "LICENCE", out / "LICENCE")
    print(json.dumps({"cases": len(cases), "expected_true": sum(case["expected"] for case in cases), "not_expressed": dict(not_expressed)}, indent=1))


def check(out):
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, StringExtractionConfig, parse, verify
    broken = 0
    cases = [json.loads(line) for line in (out / "cases.jsonl").read_text().splitlines()]
    for case in cases:
        config = DEFAULTS | {"boxed_match_priority": 0} | case.get("config", {})
        makers = {
            "latex": lambda c: LatexExtractionConfig(boxed_match_priority=c["boxed_match_priority"]),
            "expr": lambda c: ExprExtractionConfig(),
            "string": lambda c: StringExtractionConfig(**{k: tuple(c[k]) if k == "strings" else c[k] for k in ("strings", "lowercase") if k in c}),
        }
        targets = [makers[name](config) for name in config["match_types"]]
        in_maths = f"${case['gold']}$" if config["match_types"] == ["latex"] and case["gold"].isdigit() else case["gold"]
        says = verify(parse(in_maths, targets), parse(case["answer"], targets), float_rounding=config["precision"], strict=config["strict"],
                      allow_set_relation_comp=config["allow_set_relation_comp"])
        if says != case["expected"]:
            broken += 1
            print(f"{case['source']} {case['id']}: expected {case['expected']}, Math-Verify says {says}")
    print(f"{len(cases)} cases, {broken} where Math-Verify does not keep its own word")
    return 1 if broken else 0


def judge_pairs(folder):
    """Our hand-made pairs; the reference is put into a box, which Math-Verify reads best. Only right or not counts: it has no other verdicts."""
    import logging
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify
    logging.disable(logging.CRITICAL)
    targets = [LatexExtractionConfig(boxed_match_priority=0), ExprExtractionConfig()]
    judged = accepted = refused = 0
    for file in sorted(folder.glob("*.jsonl")):
        if file.stem == "hostile":
            continue
        for number, line in enumerate(file.read_text().splitlines(), start=1):
            row = json.loads(line)
            gold = row["answer"] if "\\boxed" in row["answer"] or "####" in row["answer"] else "\\boxed{" + row["answer"] + "}"
            right = verify(parse(gold, targets), parse(row["completion"], targets))
            judged += 1
            if right != (row["kind"] == "correct"):
                accepted, refused = accepted + right, refused + (not right)
                print(f"{file.name}:{number}: {row['kind']} ({row['why']}), Math-Verify says {right}")
    print(f"{judged} pairs, {accepted + refused} false verdicts: {refused} right answers refused, {accepted} wrong ones accepted")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", nargs="?", type=pathlib.Path, help="unpacked source distribution of math-verify")
    parser.add_argument("--out", type=pathlib.Path, default=STORED)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--pairs", action="store_true")
    arguments = parser.parse_args()
    if arguments.pairs:
        return judge_pairs(STORED.parent / "math_pairs")
    if arguments.check:
        return check(arguments.out)
    if arguments.package is None or not (arguments.package / "tests").is_dir():
        parser.error("expected the folder of math-verify's source distribution, with tests/ in it")
    make(arguments.package, arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
