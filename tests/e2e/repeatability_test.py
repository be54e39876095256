"""One run file, the same numbers: whatever the number of workers, and however often it is run."""
import unittest

from harness import EndToEnd


class Repeatability(EndToEnd):
    def complete(self, name, *settings):
        run = self.start(name, *settings)
        run.finish_ok()
        self.assertEqual([line["step"] for line in run.metrics()], list(range(8)))
        return run

    def test_two_runs_and_four_workers_give_the_same_numbers(self):
        first = self.complete("first")
        self.assert_equal_runs(first, self.complete("again"))
        self.assert_equal_runs(first, self.complete("four-workers", "rollout.workers=4"))

    def test_a_run_with_staleness_equals_itself(self):
        first = self.complete("first", "staleness.max_versions=1")
        self.assert_equal_runs(first, self.complete("again", "staleness.max_versions=1", "rollout.workers=3"))
        ages = [line["age/max"] for line in first.metrics()]
        self.assertEqual(ages[0], 0)
        self.assertEqual(set(ages[1:]), {1})

    def test_another_seed_gives_other_weights(self):
        first, second = self.complete("first"), self.complete("second", "seed=2")
        self.assertNotEqual(first.metrics()[-1]["digest/weights"], second.metrics()[-1]["digest/weights"])


if __name__ == "__main__":
    unittest.main()
