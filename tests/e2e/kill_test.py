"""Any process may be killed at any moment: nothing is lost, nothing is trained twice, and the weights are those of the undisturbed run."""
import os
import signal
import time
import unittest

from harness import EndToEnd, processes_below

LAST_STEP = 119


class Kill(EndToEnd):
    def undisturbed_digest(self):
        run = self.start("undisturbed", f"learner.steps={LAST_STEP + 1}")
        run.finish_ok()
        return run.metrics()[-1]["digest/weights"]

    def killed(self, program):
        run = self.start("killed-" + program, f"learner.steps={LAST_STEP + 1}")
        run.wait_for_step(5)
        # One of them, while others may go on; then twice all of them, so that the run cannot go on, and not end, before one is back: a
        # machine so busy that a process starts for longer than the run lasts does not change what is seen.
        killed = run.kill9(program)
        for _ in range(2):
            run.wait_for_step(run.metrics()[-1]["step"] + 10)
            again = run.kill9(program, every=True)
            self.assertFalse(set(again) & set(killed), "a process was killed twice")
            killed += again
        run.finish_ok()
        lines = run.metrics()
        self.assertEqual([line["step"] for line in lines], list(range(LAST_STEP + 1)))
        self.assertEqual(sum(line["groups/excluded"] for line in lines), 0)
        restarts = [event for event in run.events() if event.get("event") == "process_restarted"]
        self.assertGreaterEqual(len(restarts), 2, run.events())
        return lines[-1]["digest/weights"]

    def test_weights_survive_kill_9_of_workers_verifier_and_controller(self):
        expected = self.undisturbed_digest()
        for program in ("entrain-rollout-worker", "entrain-verifier", "entrain-controller"):
            with self.subTest(program):
                self.assertEqual(self.killed(program), expected)

    def test_a_killed_learner_resumes_to_the_same_weights(self):
        expected = self.undisturbed_digest()
        run = self.start("learner", f"learner.steps={LAST_STEP + 1}")
        run.wait_for_step(7)
        run.kill9("entrain-learner")
        code, _, err = run.finish()
        self.assertEqual(code, 1)
        self.assertIn("--resume", err)
        reached = run.metrics()[-1]["step"]
        self.assertLess(reached, LAST_STEP)
        resumed = self.start("learner", resume=True)
        resumed.finish_ok()
        lines = resumed.metrics()
        self.assertLessEqual(lines[0]["step"], reached + 1)
        self.assertGreater(lines[0]["step"], reached - 4)  # from the newest checkpoint, not from the start
        self.assertEqual(lines[-1]["step"], LAST_STEP)
        self.assertEqual(lines[-1]["digest/weights"], expected)

    def test_ctrl_c_stops_everything_within_five_seconds_and_says_how_to_resume(self):
        run = self.start("interrupted", f"learner.steps={LAST_STEP + 1}")
        run.wait_for_step(1)
        below = processes_below(run.process.pid)
        start = time.monotonic()
        run.process.send_signal(signal.SIGINT)
        _, _, err = run.finish()
        self.assertLess(time.monotonic() - start, 5)
        self.assertIn("--resume", err)
        self.assertEqual([name for pid, name in below.items() if os.path.exists(f"/proc/{pid}")], [])
        resumed = self.start("interrupted", resume=True)
        resumed.finish_ok()
        self.assertEqual(resumed.metrics()[-1]["digest/weights"], self.undisturbed_digest())


if __name__ == "__main__":
    unittest.main()
