"""Seeds of the fuzzers: python3 make_seeds.py OUT writes OUT/<target>/ from the golden tables, the hostile list of bench/verify_items.py and the items
below. `scripts/fuzz --seeds` merges what reaches new code into corpus/<target>/."""
import glob
import hashlib
import json
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))
import verify_items  # noqa: E402  (beside the benchmarks that share it)

MAX_BYTES = 4096  # longer inputs make a fuzzer slow and find nothing that shorter ones do not
SEPARATOR = "\x1f"

# letter of the verifier (verify_fuzz.cc), completion, answer, options
ITEMS = [
    ("x", " yes\n", "Yes", {"ignore_case": True}),
    ("x", "a  b", "a b", {"collapse_whitespace": True, "trim": False}),
    ("d", "(2 + 3) * 5 - 7", "18", {"numbers": [2, 3, 5, 7]}),
    ("d", "45+92", "137", {"terms": 2, "digits": 2}),
    ("d", "8 / (3 - 8 / 3) = 24", "24", {}),
    ("r", "<think>so</think><answer>4</answer>", "(?s)<think>.*</think>\\s*<answer>\\d+</answer>", {}),
    ("r", "aaaaaaaaaaaaaaaaaaaaaaaaaa", "(a+)+b", {"search": True, "ignore_case": True, "trim": False}),
    ("r", "Ünï", "(*UCP)\\w+", {}),
    ("n", "It costs $1,234.50 in all.", "1234.5", {"abs": 0.01}),
    ("n", "about 3.1416", "3.14159", {"rel": 0.001}),
    ("n", "#### 2/3", "0.67", {"decimals": 2}),
    ("h", "The answer is (B).", "B", {}),
    ("h", "Answer: b) 42", "42", {"choices": ["41", "42", "43"]}),
    ("h", "**C**", "C", {"choices": ["a", "b", "c", "d"]}),
    ("j", "```json\n{\"a\": [1, 2.0, null], \"b\": \"x\"}\n```", "", {"schema": {"type": "object", "required": ["a"], "properties": {
        "a": {"type": "array", "items": {"type": ["number", "null"]}, "maxItems": 3}, "b": {"enum": ["x", "y"]}}}}),
    ("j", "{\"b\": 1, \"a\": 1e2}", "{\"a\": 100, \"b\": 1}", {"equals": True}),
    ("j", "{\"name\": \"aaa\"}", "", {"schema": {"properties": {"name": {"type": "string", "pattern": "^a+$", "minLength": 2}}}}),
    ("w", "<answer>\\boxed{5}</answer>", "5", {"parts": [{"verifier": "regex", "weight": 0.2, "answer": "<answer>.*</answer>"},
                                                      {"verifier": "math", "weight": 0.8, "required": True}]}),
]

LINES = [
    '{"id": 1, "verifier": "exact", "completion": "a", "answer": "a", "verifier_options": {}}',
    '{"id": "g-7", "verifier": "exact", "completion": "\\u00e9\\n\\t\\"\\\\ \\ud83d\\ude00", "answer": "é"}',
    '{"id": {"a": [1, -2.5e3, true, null, "x"]}, "answer": "5", "completion": "2+3", "verifier": "countdown", "verifier_options": {"numbers": [2, 3]}}',
    '{"id": 123456789012345678901234567890, "verifier": "exakt", "completion": "", "answer": ""}',
    '{"id": 1, "id": 2, "verifier": "exact", "verifier": "exact", "completion": "\\ud800", "answer": "a"}',
    '{"verifier": "exact", "completion": 1.5, "answer": "a"}',
    '{"verifier": "exact", "completion": "a", "answr": "a"}',
    '[{"verifier": "exact"}]',
    '{"verifier": "exact", "completion": "a", "answer": "a", "verifier_options": []} x',
    '{"id": ' + "[" * 20 + "]" * 20 + ', "verifier": "exact", "completion": "a", "answer": "a"}',
]


def golden_pairs():
    """(completion, answer, options) of every table there is."""
    for path in sorted(glob.glob(os.path.join(ROOT, "tests", "golden", "math_pairs", "*.jsonl"))):
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                item = json.loads(line)
                yield item["completion"], item["answer"], item.get("options", {})
    cases = os.path.join(ROOT, "tests", "golden", "math_verify", "cases.jsonl")
    if os.path.exists(cases):
        with open(cases, encoding="utf-8") as lines:
            for line in lines:
                item = json.loads(line)
                yield item["answer"], item["gold"], {}
    for _, completion, answer in verify_items.hostile_items():
        yield completion, answer, {}
    for completion, answer, _ in verify_items.latex_items(64):
        yield completion, answer, {}


def write(folder, text):
    data = text.encode("utf-8", "surrogatepass")[:MAX_BYTES]
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, hashlib.sha1(data).hexdigest()), "wb") as out:
        out.write(data)


def main():
    out = sys.argv[1]
    for letter, completion, answer, options in ITEMS:
        write(os.path.join(out, "verify_fuzz"), SEPARATOR.join((letter, completion, answer, json.dumps(options))))
    for completion, answer, options in golden_pairs():
        write(os.path.join(out, "verify_fuzz"), SEPARATOR.join(("m", completion, answer, json.dumps(options))))
        write(os.path.join(out, "math_fuzz"), SEPARATOR.join((completion, answer)))
    for line in LINES:
        write(os.path.join(out, "verify_document_fuzz"), line)


if __name__ == "__main__":
    main()
