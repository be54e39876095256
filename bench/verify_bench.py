"""How many items a second `entrain verify` judges on one thread.

  bench/verify_bench.py [--bin build/release/bin] [--items 100000] [--repeats 5] [--json]

Two files: worked solutions that end in a number (GSM8K), and answers in LaTeX of eight kinds (verify_items.py says which). Printed for each: items per
second of processor time (user and system, of the whole command: start, reading, judging, writing), the median of the repeats; verdicts that are not
what the item was made to be; and items per second of wall time with one thread for each processor. Good on a 3 GHz x86-64 core: 100,000 numeric and
10,000 LaTeX items a second."""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import verify_items


def run(entrain, path, threads):
    """(processor seconds, wall seconds, output lines) of one run of the command."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    out = subprocess.run([entrain, "verify", "--threads", str(threads), path], stdout=subprocess.PIPE, check=False).stdout
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, out.decode().splitlines()


def unexpected(lines, expected):
    """How many lines have another verdict than the item was made for."""
    return sum((json.loads(line).get("kind") == "correct") != right for line, right in zip(lines, expected, strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(verify_items.ROOT, "build", "release", "bin"), help="folder of the entrain program")
    parser.add_argument("--items", type=int, default=100_000, help="of the numeric file; the LaTeX file has a fifth of them")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one JSON object for each file")
    flags = parser.parse_args()
    entrain = os.path.join(flags.bin, "entrain")
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, items, count in (("numeric", verify_items.numeric_items, flags.items), ("latex", verify_items.latex_items, flags.items // 5)):
            path = os.path.join(folder, f"{name}.jsonl")
            expected = verify_items.write_items(path, items(count))
            runs = [run(entrain, path, 1) for _ in range(flags.repeats)]
            wall = statistics.median(run(entrain, path, 0)[1] for _ in range(flags.repeats))
            processor = statistics.median(seconds for seconds, _, _ in runs)
            wrong = unexpected(runs[0][2], expected)
            row = {"file": name, "items": count, "bytes": os.path.getsize(path), "items_per_core_s": round(count / processor),
                   "items_per_s_all_threads": round(count / wall), "processors": os.cpu_count(), "unexpected_verdicts": wrong}
            status |= wrong > 0
            if flags.json:
                print(json.dumps(row))
            else:
                print(f"{name}: {count:,} items of {row['bytes'] / count:.0f} bytes: {row['items_per_core_s']:,} items/s per core, "
                      f"{row['items_per_s_all_threads']:,} items/s with {os.cpu_count()} threads, {wrong} unexpected verdicts")
    return status


if __name__ == "__main__":
    sys.exit(main())
