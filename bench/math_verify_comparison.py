"""Math-Verify and `entrain verify` over the same files in the same minutes.

  bench/math_verify_comparison.py --setup [--venv .deps/math-verify]   makes the environment (Math-Verify from PyPI; a build never needs it)
  bench/math_verify_comparison.py [--venv …] [--bin …] [--items 800] [--rounds 5] [--hostile] [--json]

In every round each program judges the file once, in turn, on one thread; the first round of each is not counted. Printed: the medians of items per
second of processor time, and their ratio. For Math-Verify its imports, the reading of the file and a first judgement are not counted; for entrain the
whole command is, on a file of 50 times the items, so that its time can be measured. The goal is a ratio of 100.

--hostile judges each item of the hostile list, for Math-Verify in a process of its own with a limit of 20 s and 4 GiB: milliseconds of wall time
and verdict of both; of entrain the shortest of nine."""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile

import verify_items

VERSION = "0.9.0"
HOSTILE_REPEATS = 9  # of entrain; the shortest time counts

# Run by the environment's Python. Reads JSONL; prints seconds and the verdicts, or what went wrong.
JUDGE = r"""
import json, logging, sys, time
logging.disable(logging.CRITICAL)
from math_verify import parse, verify
items = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
verify(parse("$\\frac{1}{2}$"), parse("\\boxed{0.5}"))
start = time.perf_counter(), time.process_time()
verdicts = [bool(verify(parse(item["answer"]), parse(item["completion"]))) for item in items]
print(json.dumps({"seconds": time.perf_counter() - start[0], "processor": time.process_time() - start[1], "verdicts": verdicts}))
"""


def setup(venv):
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([os.path.join(venv, "bin", "pip"), "install", "--quiet", f"math-verify[antlr4_13_2]=={VERSION}"], check=True)


def math_verify(python, path, seconds=None, gibibytes=None):
    """Its seconds and verdicts, or {"failed": why}."""
    def limit():
        if gibibytes:
            resource.setrlimit(resource.RLIMIT_AS, (gibibytes << 30, gibibytes << 30))
    try:
        result = subprocess.run([python, "-c", JUDGE, path], capture_output=True, text=True, timeout=seconds, preexec_fn=limit, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"killed after {seconds} s"}
    if result.returncode != 0:
        return {"failed": (result.stderr.strip().splitlines() or [f"status {result.returncode}"])[-1][:100]}
    return json.loads(result.stdout)


def entrain_verify(entrain, path):
    """Its processor seconds and output lines."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run([entrain, "verify", "--threads", "1", path], stdout=subprocess.PIPE, text=True, check=False).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"processor": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, "lines": [json.loads(line) for line in out.splitlines()]}


def throughput(flags, entrain, python, folder):
    for name, items in (("numeric", verify_items.numeric_items), ("latex", verify_items.latex_items)):
        path, large = (os.path.join(folder, f"{name}-{size}.jsonl") for size in ("once", "50"))
        expected = verify_items.write_items(path, items(flags.items))
        with open(path, encoding="utf-8") as once, open(large, "w", encoding="utf-8") as out:
            out.write(once.read() * 50)
        theirs, ours, their_misses, our_misses = [], [], 0, 0
        for round_number in range(flags.rounds + 1):
            their = math_verify(python, path)
            if "failed" in their:
                sys.exit(f"Math-Verify: {their['failed']}")
            our = entrain_verify(entrain, large)
            if round_number > 0:
                theirs.append(flags.items / their["processor"])
                ours.append(50 * flags.items / our["processor"])
            their_misses = sum(verdict != right for verdict, right in zip(their["verdicts"], expected, strict=True))
            our_misses = sum((line["kind"] == "correct") != right for line, right in zip(our["lines"], expected))
        row = {"file": name, "items": flags.items, "math_verify_per_s": round(statistics.median(theirs), 1), "entrain_per_s": round(statistics.median(ours)),
               "ratio": round(statistics.median(ours) / statistics.median(theirs)), "math_verify_unexpected": their_misses, "entrain_unexpected": our_misses}
        print(json.dumps(row) if flags.json else
              f"{name}: Math-Verify {row['math_verify_per_s']:,} items/s ({their_misses} unexpected verdicts), entrain {row['entrain_per_s']:,} items/s "
              f"({our_misses}): ratio {row['ratio']}", flush=True)


def hostile(flags, entrain, python, folder):
    items = verify_items.hostile_items()
    path = os.path.join(folder, "all.jsonl")
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(verify_items.line_of(i, completion, answer) + "\n" for i, (_, completion, answer) in enumerate(items * HOSTILE_REPEATS, 1))
    lines = entrain_verify(entrain, path)["lines"]
    ours = [min(lines[i::len(items)], key=lambda line: line["seconds"]) for i in range(len(items))]
    if not flags.json:
        print("| item | entrain, ms | verdict | Math-Verify, ms | verdict |\n|---|---|---|---|---|")
    for (name, completion, answer), our in zip(items, ours, strict=True):
        alone = os.path.join(folder, "one.jsonl")
        with open(alone, "w", encoding="utf-8") as out:
            out.write(verify_items.line_of(1, completion, answer) + "\n")
        their = math_verify(python, alone, seconds=20, gibibytes=4)
        row = {"item": name, "entrain_ms": round(1e3 * our["seconds"], 2), "entrain": our["kind"], "detail": our["detail"],
               "math_verify_ms": round(1e3 * their["seconds"]) if "seconds" in their else None,
               "math_verify": their["verdicts"][0] if "verdicts" in their else their["failed"]}
        verdict = f"{our['kind']}: {our['detail']}" if our["detail"] else our["kind"]
        print(json.dumps(row) if flags.json else
              f"| {name} | {row['entrain_ms']} | {verdict} | {row['math_verify_ms'] or '–'} | {row['math_verify']} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--setup", action="store_true")
    parser.add_argument("--venv", default=os.path.join(verify_items.ROOT, ".deps", "math-verify"))
    parser.add_argument("--bin", default=os.path.join(verify_items.ROOT, "build", "release", "bin"), help="folder of the entrain program")
    parser.add_argument("--items", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hostile", action="store_true")
    parser.add_argument("--json", action="store_true", help="one JSON object for each row")
    flags = parser.parse_args()
    if flags.setup:
        setup(flags.venv)
        return
    python = os.path.join(flags.venv, "bin", "python")
    if not os.path.exists(python):
        sys.exit(f"{python} is not there: run with --setup first")
    with tempfile.TemporaryDirectory() as folder:
        (hostile if flags.hostile else throughput)(flags, os.path.join(flags.bin, "entrain"), python, folder)


if __name__ == "__main__":
    main()
