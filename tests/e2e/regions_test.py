"""The four-region experiment: five runs from one model, kept when they are finished, and a report."""
import json
import shutil
import subprocess
import unittest

from harness import ENTRAIN, EndToEnd, read_jsonl


class Regions(EndToEnd):
    def regions(self, *arguments):
        return subprocess.run([ENTRAIN, "regions", self.run_file, "--out", self.folder / "out", *map(str, arguments)], capture_output=True, text=True,
                              timeout=240)

    def test_five_runs_from_one_model_are_kept_and_reported(self):
        result = self.regions("--steps", 2, "--json")
        self.assertEqual(result.returncode, 0, result.stderr)
        report = json.loads(result.stdout)
        self.assertEqual([variant["name"] for variant in report["variants"]], ["baseline", "mask-e1", "mask-e2", "mask-e3", "mask-e4"])
        self.assertEqual([variant.get("expected") for variant in report["variants"]], [None, "above", "below", "below", "above"])
        baseline = report["variants"][0]
        first = read_jsonl(self.folder / "out" / "baseline" / "attempt-0001" / "metrics.jsonl")
        for variant in report["variants"]:
            folder = self.folder / "out" / variant["name"]
            lines = read_jsonl(folder / "attempt-0001" / "metrics.jsonl")
            self.assertEqual(len(lines), 2)
            self.assertEqual(variant["entropy_end"], sum(line["entropy/mean"] for line in lines) / 2)
            # The same model and the same first batch; what is masked is the share of the region in it.
            self.assertEqual((folder / "model" / "model.safetensors").read_bytes(), (self.folder / "out" / "baseline" / "model" / "model.safetensors").read_bytes())
            self.assertEqual(lines[0]["entropy/mean"], first[0]["entropy/mean"])
            region = variant["name"].removeprefix("mask-")
            if region == "baseline":
                self.assertNotIn("silent/frac", lines[0])
                continue
            self.assertAlmostEqual(lines[0]["silent/frac"], first[0][f"region/{region}_share"], places=12)
            self.assertAlmostEqual(variant["entropy_difference"], variant["entropy_end"] - baseline["entropy_end"], places=15)
            self.assertEqual(variant["as_expected"], variant["found"] == variant["expected"])
        self.assertIn("<svg", (self.folder / "out" / "regions.svg").read_text())

        # Again, with one run gone: only that one is made anew, to the same numbers.
        shutil.rmtree(self.folder / "out" / "mask-e4")
        again = self.regions("--steps", 2, "--json")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(json.loads(again.stdout), report)
        for name in ("baseline", "mask-e1", "mask-e2", "mask-e3", "mask-e4"):
            self.assertEqual(len(list((self.folder / "out" / name).glob("attempt-*"))), 1)

        # The folder belongs to that run file.
        other = self.regions("--steps", 3)
        self.assertEqual(other.returncode, 2)
        self.assertIn("--out", other.stderr)

    def test_a_run_file_that_masks_a_region_itself_is_refused(self):
        self.run_file.write_text(self.run_file.read_text().replace("objective: {name: flex_clip}", "objective: {regions: {mask: [e1]}}"))
        result = self.regions()
        self.assertEqual(result.returncode, 2)
        self.assertIn("objective.regions", result.stderr)


if __name__ == "__main__":
    unittest.main()
