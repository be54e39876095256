"""Every run file of examples/papers is one that `entrain config check` takes, and says where its numbers are from."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ENTRAIN = pathlib.Path(os.environ["ENTRAIN_BIN"]) / "entrain"
SOURCE = pathlib.Path(__file__).resolve().parents[3]
FILES = sorted((SOURCE / "examples" / "papers").glob("*.yaml"))

# Thresholds of step 0 as the papers give them: (upper, lower), a side as [intercept, slope], None for off. Files of objectives with
# bounds of their own are not here.
HALF = [0.5, -0.25]
BOX = ([0.2, 0.0], [0.2, 0.0])
HIGHER = ([0.28, 0.0], [0.2, 0.0])
FIRST_STEP = {
    "flexible-entropy-control-id": (HALF, [0.2, 0.0]),  # lambda = 1 at k = 0
    "flexible-entropy-control-did": BOX,
    "flexible-entropy-control-od": ([0.2, 0.0], [0.3, -0.13]),  # s = 0 at the start
    "clip-low": (None, [0.05, 0.0]),
    "thermostat": BOX,  # nothing measured yet
    "clip-cov": ([1.0, 0.0], None),
    "cispo": ([4.0, 0.0], None),
    "gspo": ([4e-4, 0.0], [3e-4, 0.0]),
    **{name: HIGHER for name in ("dapo", "erc", "steer", "80-20")},
    **{name: BOX for name in ("clip-b", "clip-v", "grpo", "dr-grpo", "ce-gppo", "aer", "magic", "entropic", "ppl-shaping", "position-shaping",
                              "positive-advantage-stage", "positive-advantage-epoch", "positive-advantage-entropy-guided", "w-reinforce",
                              "random-positive-clip")},
}
OWN_BOUNDS = {"sapo", "kl-cov", "dcpo", "abc-grpo"}
# What config check warns of. None does today; a file that needs an exception says here why.
EXPECTED_WARNINGS = {}


def entrain(*arguments):
    return subprocess.run([ENTRAIN, *map(str, arguments)], capture_output=True, text=True, timeout=60)


class Papers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="entrain-papers-")
        folder = pathlib.Path(cls.scratch.name)
        cls.addClassCleanup(cls.scratch.cleanup)
        made = entrain("model", "init", "--out", folder / "model", "--hidden-size", 8, "--intermediate-size", 16, "--num-layers", 1, "--num-heads", 2,
                       "--vocab-size", 14, "--max-position", 1 << 20, "--chars", "0123456789+:")
        assert made.returncode == 0, made.stderr
        cls.settings = [f"model.path={folder / 'model'}"]
        made = entrain("data", "dec2", "--out", folder, "--train", 64, "--warmup", 64)
        assert made.returncode == 0, made.stderr
        cls.settings += [f"data.train={folder / 'train.jsonl'}", f"data.eval={folder / 'heldout.jsonl'}"]

    def check(self, file):
        result = entrain("config", "check", file, "--json", *(word for setting in self.settings for word in ("--set", setting)))
        self.assertEqual(result.returncode, 0, f"{file.name}\n{result.stderr}")
        return json.loads(result.stdout), result.stderr

    def test_config_check_takes_every_file_without_a_warning(self):
        self.assertGreater(len(FILES), 0)
        for file in FILES:
            with self.subTest(file=file.name):
                config, said = self.check(file)
                self.assertEqual(said.strip(), EXPECTED_WARNINGS.get(file.stem, ""))
                self.assertEqual(config["name"], file.stem)

    def test_every_file_says_its_source_what_is_published_and_what_is_ours(self):
        for file in FILES:
            with self.subTest(file=file.name):
                text = file.read_text()
                self.assertRegex(text, r"(?m)^# Source: .*arXiv \d{4}\.\d{5}")
                self.assertRegex(text, r"methods\.md")
                self.assertRegex(text, r"(?m)^# Published: ")
                self.assertRegex(text, r"(?m)^# Our reading: ")
                self.assertRegex(text, r"(?m)  # the paper: \S")

    def test_the_thresholds_of_the_first_step_are_the_papers(self):
        self.assertEqual({file.stem for file in FILES}, FIRST_STEP.keys() | OWN_BOUNDS)
        for file in FILES:
            if file.stem in OWN_BOUNDS:
                continue
            with self.subTest(file=file.name):
                preview = entrain("schedule", "preview", "--schedule", file, "--steps", 1, "--total-steps", 400, "--json")
                self.assertEqual(preview.returncode, 0, preview.stderr)
                point = json.loads(preview.stdout)
                self.assertEqual((point["upper"], point["lower"]), FIRST_STEP[file.stem])

    def test_every_objective_has_a_file(self):
        listed = re.findall(r"(?m)^(\w+)  clip: ", entrain("objective", "--list").stdout)
        self.assertGreater(len(listed), 20)
        used = {self.check(file)[0]["objective"]["name"] for file in FILES}
        self.assertEqual(set(listed) - used, set())

    def test_the_table_of_methods_has_every_objective_with_its_clip_form(self):
        listed = dict(re.findall(r"(?m)^(\w+)  clip: (\w+)", entrain("objective", "--list").stdout))
        rows = dict(re.findall(r"(?m)^\| `(\w+)` \|[^|]*\| (\w+) \|", (SOURCE / "docs" / "methods.md").read_text()))
        self.assertEqual(rows, listed)


if __name__ == "__main__":
    unittest.main()
