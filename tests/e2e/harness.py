"""Drives the built programs as a user would: starts runs, reads what they write, finds and kills their processes.

Every run uses a tiny model on the task dec2, so that a step takes a fraction of a second. Ports are chosen by the system.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("ENTRAIN_BIN", SOURCE / "build" / "release" / "bin"))
ENTRAIN = BIN / "entrain"
# Several times what the slowest machine needs; a test that gets here has hung.
TIMEOUT = float(os.environ.get("ENTRAIN_TEST_TIMEOUT", "240"))

RUN_FILE = """
name: tiny
seed: 1
model:
  init:
    vocab_size: 14
    hidden_size: 32
    intermediate_size: 64
    num_layers: 2
    num_heads: 4
    num_kv_heads: 2
    head_dim: 8
    max_position: 32
    tie_word_embeddings: true
    tokenizer: {chars: "0123456789+:", special: ["<pad>", "<eos>"]}
data: {train: DATA/train.jsonl}
rollout: {workers: 2, completions_per_prompt: 4, max_tokens: 6}
learner:
  steps: 8
  prompts_per_step: 4
  minibatches: 2
  epochs: 1
  threads: 1
  reward: random
  optimizer: {lr: 1.0e-3}
  checkpoint: {every_steps: 3, keep: 2}
objective: {name: flex_clip}
schedule: {clip: {law: id}}
controller: {on_silence: wait}
"""


def may_differ(name):
    return name.startswith(("time/", "sys/"))


def read_jsonl(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


def processes_below(pid):
    """All descendants of a process: {pid: program name}."""
    found, frontier = {}, [pid]
    while frontier:
        parent = frontier.pop()
        for task in pathlib.Path(f"/proc/{parent}/task").glob("*/children") if pathlib.Path(f"/proc/{parent}").exists() else []:
            try:
                children = [int(child) for child in task.read_text().split()]
            except OSError:
                continue
            for child in children:
                try:
                    found[child] = pathlib.Path(os.readlink(f"/proc/{child}/exe")).name
                except OSError:
                    continue
                frontier.append(child)
    return found


class Run:
    """One `entrain run` as a child process."""

    def __init__(self, folder, arguments):
        self.folder = pathlib.Path(folder)
        self.process = subprocess.Popen([ENTRAIN, "run", "--no-progress", "--json", *map(str, arguments)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.started = None

    def wait_started(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the run ended before it started: " + self.process.stderr.read())
        self.started = json.loads(line)
        assert self.started["event"] == "started", self.started
        return self.started

    def attempt(self):
        return max(self.folder.glob("attempt-*"))

    def metrics(self):
        path = self.attempt() / "metrics.jsonl"
        return read_jsonl(path) if path.exists() else []

    def wait_for_step(self, step):
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            lines = self.metrics()
            if lines and lines[-1]["step"] >= step:
                return lines
            if self.process.poll() is not None:
                raise AssertionError(f"the run ended before step {step}: {self.process.stderr.read()}")
            time.sleep(0.02)
        raise AssertionError(f"step {step} was not reached in {TIMEOUT} s")

    def kill9(self, program, every=False):
        """kill -9 of one process of that program, or of all that there are, once there is one; the pids. They are dead when it returns."""
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            found = sorted(pid for pid, name in processes_below(self.process.pid).items() if name == program)
            killed = found if every else found[:1]
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
            while any(processes_below(self.process.pid).get(pid) == program for pid in killed):
                time.sleep(0.01)  # on a busy machine a signal takes a while to be obeyed
            if killed:
                return killed
            if self.process.poll() is not None:
                raise AssertionError(f"the run ended before a {program} was found: {self.process.stderr.read()}")
            time.sleep(0.02)
        raise AssertionError(f"no process of {program} below the run: {processes_below(self.process.pid)}")

    def finish(self):
        out, err = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, out, err

    def finish_ok(self):
        code, out, err = self.finish()
        assert code == 0, f"exit status {code}\n{out}\n{err}\n{self.logs()}"
        return [json.loads(line) for line in out.splitlines() if line]

    def logs(self):
        text = ""
        for log in sorted(self.folder.glob("attempt-*/logs/*")):
            text += f"--- {log.name}\n" + log.read_text(errors="replace")[-2000:]
        return text

    def events(self):
        return [event for attempt in sorted(self.folder.glob("attempt-*")) for event in read_jsonl(attempt / "events.jsonl")]


class EndToEnd(unittest.TestCase):
    """A fresh folder for each test, with data and a run file in it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="entrain-e2e-"))
        self.runs = []
        subprocess.run([ENTRAIN, "data", "dec2", "--out", self.folder / "data", "--train", "64", "--warmup", "64", "--seed", "3"], check=True,
                       stdout=subprocess.DEVNULL)
        self.run_file = self.folder / "run.yaml"
        self.run_file.write_text(RUN_FILE.replace("DATA", str(self.folder / "data")))

    def tearDown(self):
        for run in self.runs:
            if run.process.poll() is None:
                run.process.kill()
            run.process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, *settings, resume=False):
        folder = self.folder / name
        arguments = ["--resume", folder] if resume else [self.run_file, "--out", folder]
        for setting in settings:
            arguments += ["--set", setting]
        run = Run(folder, arguments)
        self.runs.append(run)
        run.wait_started()
        return run

    def assert_equal_runs(self, first, second):
        """Metrics of all steps equal but for time/ and sys/."""
        a, b = first.metrics(), second.metrics()
        self.assertEqual(len(a), len(b))
        self.assertGreater(len(a), 0)
        for left, right in zip(a, b):
            for name in sorted(set(left) | set(right)):
                if not may_differ(name):
                    self.assertEqual(left.get(name), right.get(name), f"step {left['step']}: {name}")
