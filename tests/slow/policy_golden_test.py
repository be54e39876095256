"""The numbers that the tests of policy/ are held to, made anew with Hugging Face's libraries, and a folder of ours in their hands.

The libraries are installed into build/golden-venv once, from scripts/golden-requirements.txt (a download of 3 GB: the torch wheel brings CUDA).
"""
import hashlib
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

from harness import ENTRAIN, SOURCE

SCRIPT = SOURCE / "scripts" / "make_policy_golden.py"
REQUIREMENTS = SOURCE / "scripts" / "golden-requirements.txt"
STORED = SOURCE / "tests" / "golden" / "policy"
VENV = SOURCE / "build" / "golden-venv"


def python_with_libraries():
    """The interpreter that has them; a venv of other requirements is made anew."""
    stamp, digest = VENV / "requirements.sha256", hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin" / "pip", "install", "--quiet", "--requirement", REQUIREMENTS], check=True)
        stamp.write_text(digest)
    return VENV / "bin" / "python"


def entrain(*arguments, lines):
    """What an entrain command answers to JSON lines on its standard input."""
    done = subprocess.run([ENTRAIN, *arguments, "-", "--json"], input="".join(json.dumps(line) + "\n" for line in lines), text=True, check=True,
                          capture_output=True)
    return [row for row in map(json.loads, done.stdout.splitlines()) if "summary" not in row]


class PolicyGolden(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.python = python_with_libraries()

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="entrain-golden-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def make(self, seed):
        subprocess.run([self.python, SCRIPT, "--out", self.folder, "--seed", str(seed)], check=True)
        return json.loads((self.folder / "golden.json").read_text())

    def assert_close(self, found, expected, tolerance):
        self.assertEqual(len(found), len(expected))
        for one, other in zip(found, expected):
            self.assertAlmostEqual(one, other, delta=tolerance)

    def test_the_stored_numbers_are_those_of_the_libraries(self):
        made, stored = self.make(1), json.loads((STORED / "golden.json").read_text())
        self.assertEqual(made.keys(), stored.keys())
        for part in ("versions", "bpe", "bpe_partial", "chars"):
            if part == "versions":  # the same release may be built for another accelerator
                for versions in (made, stored):
                    versions[part]["torch"] = versions[part]["torch"].split("+")[0]
            self.assertEqual(made[part], stored[part])
        for name in ("tied", "untied"):
            self.assertEqual((self.folder / name / "model.safetensors").read_bytes(), (STORED / name / "model.safetensors").read_bytes())
            for found, expected in zip(made[name]["scores"], stored[name]["scores"], strict=True):
                self.assertEqual(found["completion_ids"], expected["completion_ids"])
                for key in ("logprobs", "entropy", "s", "n"):
                    self.assert_close(found[key], expected[key], 1e-6)
            for found, expected in zip(made[name]["greedy"], stored[name]["greedy"], strict=True):
                self.assertEqual(found["ids"], expected["ids"])

    def test_models_drawn_anew_are_scored_and_continued_alike(self):
        seed = random.SystemRandom().randrange(2, 1 << 30)
        print(f"seed {seed}")
        golden = self.make(seed)
        for name in ("tied", "untied"):
            model = self.folder / name
            shutil.copy(self.folder / "chars" / "tokenizer.json", model)
            scores = golden[name]["scores"]
            lines = [{"id": i, "prompt_ids": row["prompt_ids"], "completion_ids": row["completion_ids"]} for i, row in enumerate(scores)]
            for row, found in zip(scores, entrain("logprobs", "--model", model, lines=lines), strict=True):
                for key in ("logprobs", "entropy", "s", "n"):
                    self.assert_close(found[key], row[key], 2e-5)
            lines = [{"id": i, "prompt_ids": row["prompt_ids"]} for i, row in enumerate(golden[name]["greedy"])]
            found = entrain("generate", "--model", model, "--greedy", "--ignore-eos", "--max-tokens", "12", lines=lines)
            for row, answer in zip(golden[name]["greedy"], found, strict=True):
                certain = next((at for at, gap in enumerate(row["gaps"]) if gap <= 1e-4), len(row["gaps"]))
                self.assertGreater(certain, 0)
                self.assertEqual(answer["ids"][:certain], row["ids"][:certain])

    def test_transformers_loads_what_entrain_wrote(self):
        model, export = self.folder / "model", self.folder / "export"
        shape = "--hidden-size 48 --intermediate-size 96 --num-layers 3 --num-heads 6 --num-kv-heads 2 --max-position 64 --seed 5".split()
        subprocess.run([ENTRAIN, "model", "init", "--out", model, "--chars", "0123456789+:", "--vocab-size", "14", *shape], check=True)
        subprocess.run([ENTRAIN, "model", "export", "--model", model, "--out", export], check=True)
        draw = random.Random(11)
        lines = [{"id": i, "prompt_ids": [draw.randrange(2, 14) for _ in range(length)], "completion_ids": [draw.randrange(2, 14) for _ in range(20)]}
                 for i, length in enumerate((1, 9, 40))]
        answers = entrain("logprobs", "--model", export, lines=lines)
        (export / "logprobs.jsonl").write_text("".join(json.dumps({**line, **answer}) + "\n" for line, answer in zip(lines, answers, strict=True)))
        subprocess.run([self.python, SCRIPT, "--check", export], check=True)


if __name__ == "__main__":
    unittest.main()
