"""Items to measure `entrain verify` with: worked solutions that end in a number, and answers in LaTeX. Made from a seed, so two machines judge the
same bytes. Used by verify_bench.py and math_verify_comparison.py."""
import json
import os
import random

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def numeric_items(count, seed=0):
    """`count` items whose completions are the solution texts of GSM8K (examples/gsm8k), half of them ended by `#### x`, half by a box, one in four with a
    wrong number. Each: (completion, answer, is it right)."""
    solutions = []
    for name in ("train", "test"):
        with open(os.path.join(ROOT, "examples", "gsm8k", "data", f"{name}.jsonl"), encoding="utf-8") as lines:
            solutions += [json.loads(line)["answer"].rsplit("#### ", 1) for line in lines]
    draw = random.Random(seed)
    draw.shuffle(solutions)
    for i in range(count):
        steps, answer = solutions[i % len(solutions)]
        answer = answer.strip()
        right = draw.random() < 0.75
        given = answer if right else str(int(answer.replace(",", "")) + draw.randint(1, 9))
        ending = f"#### {given}" if i % 2 == 0 else f"So the answer is $\\boxed{{{given}}}$."
        yield steps + ending, answer, right


def _half(draw):
    return "Half of it remains, that is \\boxed{0.5}.", "$\\frac{1}{2}$", True


def _fraction(draw):
    top, bottom, factor = draw.randint(1, 9999), draw.randint(2, 99), draw.randint(2, 9)
    return f"so it is $\\boxed{{\\frac{{{factor * top}}}{{{factor * bottom}}}}}$", f"$\\frac{{{top}}}{{{bottom}}}$", True


def _thousands(draw):
    whole = draw.randint(1000, 9_999_999)
    return f"Altogether this makes \\boxed{{{whole}}}.", f"{whole:,}", True


def _root(draw):
    outside, inside = draw.randint(2, 99), draw.randint(2, 9999)
    return f"\\boxed{{\\sqrt{{{outside * outside * inside}}}}}", f"${outside}\\sqrt{{{inside}}}$", True


def _polynomial(draw):
    shift = draw.randint(1, 99)
    return f"We complete the square: \\boxed{{(x+{shift})^2}}", f"$x^2+{2 * shift}x+{shift * shift}$", True


def _point(draw):
    x, y = draw.randint(-999, 9999), draw.randint(-99, 99)
    return f"The point is \\boxed{{({x},{y})}}", f"$\\left({x}, {y}\\right)$", True


def _near_miss(draw):
    right = draw.randint(1, 9999)
    return f"I get \\boxed{{{right + 1}}}.", str(right), False


def _other_root(draw):
    outside, inside = draw.randint(2, 99), draw.randint(2, 9999)
    return f"thus \\boxed{{{outside}\\sqrt{{{inside + 1}}}}}", f"${outside}\\sqrt{{{inside}}}$", False


LATEX_KINDS = (("decimal against fraction", _half), ("fraction not in lowest terms", _fraction), ("thousands separators", _thousands),
               ("square root", _root), ("polynomial", _polynomial), ("point", _point), ("another number", _near_miss), ("another root", _other_root))


def latex_items(count, seed=0):
    """`count` items, the kinds of LATEX_KINDS in turn, with numbers drawn anew for each. Each: (completion, answer, is it right)."""
    draw = random.Random(seed)
    for i in range(count):
        yield LATEX_KINDS[i % len(LATEX_KINDS)][1](draw)


def hostile_items():
    """Answers made to be expensive. Each: (name, completion, answer)."""
    def boxed(text):
        return f"\\boxed{{{text}}}"
    tower = "9^{9^{9^{9}}}"
    return [
        ("tower 9^9^9^9 against 1", boxed(tower), "1"),
        ("tower 9^9^9^9 against itself", boxed(tower), boxed(tower)),
        ("9^{9^9}, 370 million digits", boxed("9^{9^{9}}"), "1"),
        ("10^{10^7}", boxed("10^{10000000}"), "1"),
        ("100000!", boxed("100000!"), "1"),
        ("((9!)!)!", boxed("((9!)!)!"), "1"),
        ("200 nested parentheses", boxed("(" * 200 + "1" + ")" * 200), "1"),
        ("5,000 nested parentheses", boxed("(" * 5000 + "1" + ")" * 5000), "1"),
        ("1,000 nested fractions", boxed("\\frac{1}{" * 1000 + "1" + "}" * 1000), "1"),
        ("20,000 digits", boxed("7" * 20_000), "1"),
        ("a million digits against themselves", boxed("7" * 1_000_000), "7" * 1_000_000),
        ("a million digits, the last one differs", boxed("7" * 999_999 + "8"), "7" * 1_000_000),
        ("(x+1)^{500} against (x+1)^{499}(x+1)", boxed("(x+1)^{499}(x+1)"), boxed("(x+1)^{500}")),
        ("sum to a thousand million", boxed("\\sum_{i=1}^{1000000000} i"), "1"),
        ("integral of sin(x^{x^x})", boxed("\\int_0^1 \\sin(x^{x^{x}}) dx"), "1"),
        ("sum of 2,000 powers", boxed("+".join(f"x^{{{i}}}" for i in range(2000))), "1"),
        ("root of a product of two primes of 61 digits", boxed("\\sqrt{" + str((10**60 + 7) * (10**60 + 9)) + "}"), "1"),
        ("100 KiB of prose without an answer", "the answer is unclear. " * 4500, "1"),
        ("100 KiB of $", "$" * 100_000, "1"),
        ("1 MB of \\boxed{", "\\boxed{" * 140_000, "1"),
    ]


def line_of(number, completion, answer):
    return json.dumps({"id": number, "verifier": "math", "completion": completion, "answer": answer}, ensure_ascii=False)


def write_items(path, items):
    """Writes JSONL for `entrain verify`; returns what is right, in order."""
    expected = []
    with open(path, "w", encoding="utf-8") as out:
        for number, (completion, answer, right) in enumerate(items, 1):
            out.write(line_of(number, completion, answer) + "\n")
            expected.append(right)
    return expected
