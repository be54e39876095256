#!/usr/bin/env python3
"""What a trivial item of the verifier `code` costs beside the bare start of the interpreter.

    bench/code_bench.py [--items N] [--rounds N]

In turn: `/usr/bin/python3 -c pass`, an item with one stdin test, an item with one assertion; wall time of one after another on one thread,
the start of `entrain verify` and of its sandbox shared by the items. Medians, one JSON object a line."""
import argparse
import json
import pathlib
import statistics
import subprocess
import time

ENTRAIN = pathlib.Path(__file__).resolve().parent.parent / "build/release/bin/entrain"


def lines(count, style):
    for i in range(count):
        stdin = style == "stdin"
        test = {"input": "", "output": f"{i}\n"} if stdin else f"assert f() == {i}"
        yield json.dumps({"verifier": "code", "completion": f"print({i})" if stdin else f"def f(): return {i}", "answer": "",
                          "verifier_options": {"style": style, "tests": [test]}})


def judged(text, count):
    begin = time.perf_counter()
    out = subprocess.run([ENTRAIN, "verify", "--threads", "1"], input=text, capture_output=True, text=True, check=True).stdout
    seconds = time.perf_counter() - begin
    correct = sum(json.loads(line)["kind"] == "correct" for line in out.splitlines())
    if correct != count:
        raise SystemExit(f"expected {count} correct verdicts, found {correct}")
    return seconds / count


def bare(count):
    begin = time.perf_counter()
    for _ in range(count):
        subprocess.run(["/usr/bin/python3", "-c", "pass"], check=True)
    return (time.perf_counter() - begin) / count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    texts = {style: "\n".join(lines(options.items, style)) for style in ("stdin", "assert")}
    seconds = {"bare": [], "stdin": [], "assert": []}
    for _ in range(options.rounds):
        seconds["bare"].append(bare(options.items))
        for style, text in texts.items():
            seconds[style].append(judged(text, options.items))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, value in medians.items():
        print(json.dumps({"measured": name, "ms_per_item": round(value * 1e3, 2), "of_bare": round(value / medians["bare"], 2)}))


if __name__ == "__main__":
    main()
