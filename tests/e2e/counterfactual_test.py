"""A run records steps; `entrain counterfactual` repeats them to the same bytes and says what other thresholds would have done."""
import json
import signal
import subprocess
import unittest

from harness import BIN, ENTRAIN, EndToEnd


class Counterfactual(EndToEnd):
    def ask(self, *arguments):
        return subprocess.run([ENTRAIN, "counterfactual", *map(str, arguments)], capture_output=True, text=True, timeout=120)

    def test_recorded_steps_are_repeated_to_the_byte_and_with_other_settings(self):
        run = self.start("run", "learner.record_batches.every_steps=3", "learner.steps=4", "learner.epochs=2", "learner.optimizer.lr=0.01")
        run.finish_ok()
        metrics = {line["step"]: line for line in run.metrics()}

        result = self.ask(run.folder, "--json", "--setting", "same=clip.eps_std=0.2", "--setting", "tight=clip.lower={intercept: 0.01, slope: 0},clip.upper=off",
                          "--setting", "dual=dual_c=1.01", "--setting", "other=objective.name=ppo_clip,clip.eps_std=0.2")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("warning", result.stderr)
        report = json.loads(result.stdout)
        self.assertEqual(report["steps"], [0, 3])
        names = [setting["name"] for setting in report["settings"]]
        self.assertEqual(names, ["applied", "symmetric 0.2", "clip-higher 0.2/0.28", "H(p) upper", "M(p) lower", "eps_low 0.05", "upper off", "lower off",
                                 "no clip", "same", "tight", "dual", "other"])
        for step in report["by_step"]:
            recorded = metrics[step["step"]]
            self.assertEqual(step["digest"], recorded["digest/weights"])
            self.assertTrue(step["equal"])
            self.assertEqual(step["entropy_before"], recorded["entropy/mean"])
            by_name = {setting["name"]: setting for setting in step["settings"]}
            applied = by_name["applied"]
            self.assertEqual(applied["upper"], [recorded["clip/upper_intercept"], recorded["clip/upper_slope"]])
            for name in ("clip/high_frac", "clip/low_frac"):
                self.assertEqual(applied[name], recorded[name])
            self.assertAlmostEqual(sum(applied["entropy_change_by_region"].values()), applied["entropy_change"], places=12)
            # The box 0.2, said in three ways; a line without slope is a box.
            for name in ("same", "other"):
                self.assertEqual(by_name[name]["entropy_change"], by_name["symmetric 0.2"]["entropy_change"])
            self.assertIsNone(by_name["no clip"]["upper"])
            self.assertEqual((by_name["no clip"]["clip/high_frac"], by_name["no clip"]["clip/low_frac"]), (0, 0))
            self.assertEqual(by_name["tight"]["lower"], [0.01, 0])
            self.assertEqual(by_name["tight"]["clip/high_frac"], 0)
            self.assertGreater(by_name["tight"]["clip/low_frac"], applied["clip/low_frac"])
        # Mean and standard error of two numbers a, b: (a + b)/2 and |a − b|/2.
        tight = next(setting for setting in report["settings"] if setting["name"] == "tight")
        first, second = ({s["name"]: s["entropy_change"] for s in step["settings"]} for step in report["by_step"])
        a, b = first["tight"] - first["applied"], second["tight"] - second["applied"]
        self.assertAlmostEqual(tight["difference"], (a + b) / 2, places=15)
        self.assertAlmostEqual(tight["standard_error"], abs(a - b) / 2, places=15)
        self.assertEqual(json.loads((run.folder / "counterfactual.json").read_text()), report)

        # For people, of one step; and beside the curve of a schedule.
        table = self.ask(run.folder, "--step", 3)
        self.assertEqual(table.returncode, 0, table.stderr)
        self.assertIn("1 recorded step,", table.stdout)
        self.assertIn("eps_low 0.05", table.stdout)
        preview = subprocess.run([ENTRAIN, "schedule", "preview", "--schedule", self.run_file, "--steps", "2", "--run", run.folder], capture_output=True,
                                 text=True, timeout=60)
        self.assertEqual(preview.returncode, 0, preview.stderr)
        self.assertIn("eps_low 0.05", preview.stdout)

        self.refusals(run)

    def refusals(self, run):
        for arguments, expected in ((("--step", 1), "recorded are 0, 3"), (("--setting", "x"), "NAME=key=value"),
                                    (("--setting", "x=clip.law=id"), "static"), (("--setting", "x=clip_b_mu=1"), "dual_c"),
                                    (("--setting", "x=clip.eps_st=1"), "eps_std"), (("--setting", "x=dual_c=0.5"), "dual_c")):
            result = self.ask(run.folder, *arguments)
            self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
            self.assertIn(expected, result.stderr)
        column = run.folder / "batches" / "step-000003" / "behaviour_logprobs.f32"
        column.write_bytes(column.read_bytes()[:-4])
        result = self.ask(run.folder, "--step", 3)
        self.assertEqual(result.returncode, 2)
        self.assertIn("behaviour_logprobs.f32", result.stderr)

    def test_a_run_without_records_says_how_to_make_them(self):
        run = self.start("run", "learner.steps=2")
        run.finish_ok()
        self.assertFalse((run.folder / "batches").exists())
        result = self.ask(run.folder)
        self.assertEqual(result.returncode, 2)
        self.assertIn("learner.record_batches", result.stderr)

    def test_ctrl_c_ends_it_cleanly(self):
        run = self.start("run", "learner.record_batches.every_steps=1", "learner.steps=4", "learner.epochs=8")
        run.finish_ok()
        process = subprocess.Popen([BIN / "entrain-model", "counterfactual", run.folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("step 0", process.stderr.readline())
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, err)
        self.assertIn("stopped", err)
        self.assertFalse((run.folder / "counterfactual.json").exists())


if __name__ == "__main__":
    unittest.main()
