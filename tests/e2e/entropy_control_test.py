"""examples/entropy-control/compare, on its smallest task."""
import json
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import harness

COMPARE = harness.SOURCE / "examples" / "entropy-control" / "compare"


class EntropyControl(unittest.TestCase):
    def setUp(self):
        self.out = pathlib.Path(tempfile.mkdtemp(prefix="entrain-compare-"))

    def tearDown(self):
        shutil.rmtree(self.out, ignore_errors=True)

    def command(self, *arguments):
        return [COMPARE, "--task", "tiny", "--out", self.out, "--bin", harness.BIN, "--json", *arguments]

    def compare(self, *arguments, status=0):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=harness.TIMEOUT, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_compares_two_methods_and_keeps_what_is_finished(self):
        chosen = ("--methods", "id", "--seeds", "0", "--steps", "2")
        events = self.compare(*chosen)
        self.assertEqual([event["method"] for event in events if event.get("status") == "finished"][0], "warm start")
        self.assertEqual(sorted(event["method"] for event in events if event.get("status") == "finished"), ["grpo", "id", "warm start"])
        found = json.loads(pathlib.Path(events[-1]["results"]).read_text())
        self.assertEqual([method["name"] for method in found["methods"]], ["grpo", "id"])
        self.assertEqual(found["missing"], [])
        for method in found["methods"]:
            run = method["runs"]["0"]
            self.assertEqual(run["steps"], 2)
            self.assertGreater(run["entropy_start"], 0)
            self.assertIsNotNone(run["pass_at_8"])
        # One warm start for all: the first step of both saw the same weights.
        self.assertEqual(found["methods"][0]["runs"]["0"]["entropy_start"], found["methods"][1]["runs"]["0"]["entropy_start"])
        page = pathlib.Path(events[-1]["report"]).read_text()
        self.assertIn("GRPO, symmetric 0.2", page)
        # Again: nothing is started, the same result.
        again = self.compare(*chosen)
        self.assertEqual([event for event in again if event["event"] == "run"], [])
        self.assertEqual(json.loads(pathlib.Path(again[-1]["results"]).read_text()), found)
        # Other settings in the same folder are refused, not mixed in.
        self.assertEqual(self.compare("--methods", "id", "--seeds", "0", "--steps", "3", status=2), [])

    def test_ctrl_c_stops_the_runs_and_the_same_command_goes_on(self):
        arguments = ("--methods", "id", "--seeds", "0", "--steps", "2000", "--jobs", "1")
        running = subprocess.Popen(self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            deadline = time.monotonic() + harness.TIMEOUT
            metrics = self.out / "grpo-seed-0" / "attempt-0001" / "metrics.jsonl"
            while time.monotonic() < deadline and running.poll() is None and not (metrics.exists() and metrics.stat().st_size):
                time.sleep(0.05)
            children = harness.processes_below(running.pid)
            self.assertIn("entrain-learner", children.values())
            running.send_signal(signal.SIGINT)
            out, err = running.communicate(timeout=harness.TIMEOUT)
        finally:
            if running.poll() is None:
                running.kill()
                running.communicate()
        self.assertEqual(running.returncode, 130, out + err)
        self.assertIn("the same command goes on from here", err)
        self.assertTrue(json.loads(out.splitlines()[-1])["interrupted"])
        for pid in children:
            self.assertFalse(pathlib.Path(f"/proc/{pid}").exists(), f"{children[pid]} {pid} is still there")
        kept = len(harness.read_jsonl(metrics))
        self.assertGreater(kept, 0)
        # The run goes on in a second attempt, from its last step.
        running = subprocess.Popen(self.command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + harness.TIMEOUT
            second = self.out / "grpo-seed-0" / "attempt-0002" / "metrics.jsonl"
            while time.monotonic() < deadline and running.poll() is None and not (second.exists() and second.read_text().endswith("\n")):
                time.sleep(0.05)
        finally:
            running.send_signal(signal.SIGINT)
            running.wait(timeout=harness.TIMEOUT)
        self.assertEqual(harness.read_jsonl(second)[0]["step"], kept)

    def test_a_refused_method_is_told_and_the_others_run(self):
        table = self.out / "methods.json"
        table.write_text(json.dumps([{"name": "grpo", "set": ["schedule={clip: {law: static}}"]}, {"name": "bad", "set": ["schedule={clip: {law: statik}}"]}]))
        events = self.compare("--table", table, "--methods", "bad", "--seeds", "0", "--steps", "1", status=1)
        refused = [event for event in events if event.get("status") == "refused"]
        self.assertEqual([event["method"] for event in refused], ["bad"])
        self.assertIn("statik", refused[0]["why"])
        found = json.loads((self.out / "results.json").read_text())
        self.assertEqual([method["name"] for method in found["methods"]], ["grpo"])
        self.assertIn("statik", found["missing"][0]["reason"])


class EveryMethod(unittest.TestCase):
    def test_the_programs_accept_every_method_of_the_table(self):
        for method in json.loads((COMPARE.parent / "methods.json").read_text()):
            command = [harness.ENTRAIN, "config", "check", harness.SOURCE / "examples" / "arithmetic" / "run.yaml"]
            for setting in method["set"]:
                command += ["--set", setting.replace("@steps", "90").replace("@half", "45")]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            with self.subTest(method["name"]):
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertNotIn("warning", done.stderr)


if __name__ == "__main__":
    unittest.main()
