"""examples/wide-vocabulary as it is, but for a short warm-up and two steps: a model without an end token."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import harness

EXAMPLE = harness.SOURCE / "examples" / "wide-vocabulary"


class WideVocabulary(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="entrain-wide-"))
        self.data = self.folder / "data"
        subprocess.run([harness.ENTRAIN, "data", "wide", "--out", self.data, "--warmup", "256"], check=True, stdout=subprocess.DEVNULL)

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def run_example(self, *settings):
        command = [harness.ENTRAIN, "run", EXAMPLE / "run.yaml", "--out", self.folder / "run", "--json", "--set", "learner.steps=2", "--set",
                   "model.warmup.steps=2", "--set", "model.warmup.batch=16", "--set", "learner.prompts_per_step=4", "--set",
                   "learner.eval={every_steps: 2, prompts: 2, completions: 8}"]
        for setting in (f"data.eval={self.data}/train.jsonl", f"model.warmup.data={self.data}/warmup.jsonl", *settings):
            command += ["--set", setting]
        return subprocess.run(command, capture_output=True, text=True, timeout=harness.TIMEOUT, check=False)

    def test_completions_without_an_end_token_are_whole_and_judged(self):
        done = self.run_example()
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = harness.read_jsonl(self.folder / "run" / "attempt-0001" / "metrics.jsonl")
        self.assertEqual(len(lines), 2)
        for line in lines:
            self.assertEqual(line["completions/length_mean"], 4)
            self.assertEqual(line["completions/truncated_frac"], 1)
            self.assertEqual(line["tokens/generated"], 4 * 8 * 4)
            self.assertEqual(line["excluded/error"] + line["excluded/timeout"] + line["groups/excluded"], 0)
        self.assertIn("eval/pass_at_8", lines[-1])
        self.assertNotIn("eos_token_id", json.loads((self.folder / "run" / "export" / "config.json").read_text()))

    def test_the_shipped_data_are_what_the_command_makes(self):
        self.assertEqual((EXAMPLE / "data" / "train.jsonl").read_bytes(), (self.data / "train.jsonl").read_bytes())

    def test_a_bad_line_of_the_data_is_found_before_the_warm_up(self):
        bad = self.folder / "bad.jsonl"
        bad.write_text('{"prompt": "䷀", "answer": ".", "verifier": "regexp"}\n')
        done = self.run_example(f"data.train={bad}", "model.warmup.steps=1000000")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('unknown verifier', done.stderr)
        self.assertIn('regexp', done.stderr)

    def test_missing_demonstrations_are_refused_with_their_path(self):
        done = self.run_example(f"model.warmup.data={self.folder}/none.jsonl")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("model.warmup.data: there is no file", done.stderr)
        self.assertIn("none.jsonl", done.stderr)


if __name__ == "__main__":
    unittest.main()
