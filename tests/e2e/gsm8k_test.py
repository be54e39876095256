"""examples/gsm8k as it is, but for two steps and with a freshly initialised small model over a byte-level BPE tokenizer."""
import subprocess
import unittest

from harness import ENTRAIN, SOURCE, EndToEnd, Run

TOKENIZER = SOURCE / "tests" / "golden" / "policy" / "bpe" / "tokenizer.json"


class Gsm8k(EndToEnd):
    def test_two_steps_with_a_fresh_model(self):
        data = self.folder / "gsm8k.jsonl"
        subprocess.run([ENTRAIN, "data", "gsm8k", SOURCE / "examples" / "gsm8k" / "data" / "train.jsonl", "--out", data], check=True, capture_output=True)
        self.assertEqual(subprocess.run([ENTRAIN, "data", "check", data], capture_output=True).returncode, 0)
        model = self.folder / "model"
        subprocess.run([ENTRAIN, "model", "init", "--out", model, "--tokenizer", TOKENIZER, "--hidden-size", "32", "--intermediate-size", "64",
                        "--num-layers", "2", "--num-heads", "4", "--num-kv-heads", "2", "--max-position", "2048", "--tie-word-embeddings"],
                       check=True, capture_output=True)
        folder = self.folder / "run"
        run = Run(folder, [SOURCE / "examples" / "gsm8k" / "run.yaml", "--out", folder, "--set", f"model.path={model}", "--set", f"data.train={data}",
                           "--set", "learner.steps=2", "--set", "learner.prompts_per_step=4", "--set", "rollout.completions_per_prompt=2",
                           "--set", "rollout.max_tokens=12", "--set", "learner.minibatches=2", "--set", "learner.eval=null", "--set", "data.eval=null"])
        self.runs.append(run)
        run.wait_started()
        run.finish_ok()
        lines = run.metrics()
        self.assertEqual([line["step"] for line in lines], [0, 1])
        for line in lines:
            self.assertGreater(line["tokens/trained"], 0)
            self.assertEqual(line["groups/excluded"], 0)
        self.assertTrue((folder / "export" / "model.safetensors").exists())


if __name__ == "__main__":
    unittest.main()
