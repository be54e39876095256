"""The arithmetic of examples/entropy-control on series that can be followed by hand."""
import math
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "examples" / "entropy-control"))
from comparison import measures  # noqa: E402


class Basics(unittest.TestCase):
    def test_mean_and_deviation(self):
        self.assertEqual(measures.mean([1, 2, 6]), 3)
        self.assertIsNone(measures.mean([]))
        # Deviations −2, −1, 3: squares 4 + 1 + 9 = 14, over n − 1 = 2.
        self.assertAlmostEqual(measures.deviation([1, 2, 6]), math.sqrt(7))
        self.assertIsNone(measures.deviation([1]))

    def test_smooth_has_fewer_values_at_the_start(self):
        self.assertEqual(measures.smooth([2, 4, 6, 8], window=3), [2, 3, 4, 6])

    def test_value_at_is_linear_between_steps(self):
        self.assertEqual(measures.value_at([1, 3, 7], 0.5), 2)
        self.assertEqual(measures.value_at([1, 3, 7], 1.25), 4)
        self.assertEqual(measures.value_at([1, 3, 7], 2), 7)

    def test_weighted_mean(self):
        self.assertEqual(measures.weighted_mean([(1, 3), (5, 1)]), 2)
        self.assertIsNone(measures.weighted_mean([(1, 0)]))
        self.assertIsNone(measures.weighted_mean([]))

    def test_is_number_refuses_what_json_may_hold(self):
        for value in (None, True, "1", float("nan"), float("inf"), [1]):
            self.assertFalse(measures.is_number(value), value)
        self.assertTrue(measures.is_number(0))
        self.assertTrue(measures.is_number(-1.5))


class Crossings(unittest.TestCase):
    def test_half_life_is_linear_between_steps(self):
        # Half of 2 is 1: between step 1 (1.5) and step 2 (0.5), in the middle.
        self.assertEqual(measures.half_life([2, 1.5, 0.5, 0.4]), 1.5)
        self.assertEqual(measures.half_life([2, 1, 0.5]), 1)

    def test_half_life_of_an_exponential(self):
        # e^(−k/τ) halves after τ·ln 2 = 13.86; the chord between steps is off by less than 0.01.
        self.assertAlmostEqual(measures.half_life([math.exp(-k / 20) for k in range(60)]), 20 * math.log(2), delta=0.01)

    def test_half_life_that_is_not_reached(self):
        self.assertIsNone(measures.half_life([2, 1.5, 1.01]))
        self.assertIsNone(measures.half_life([]))

    def test_the_first_crossing_counts(self):
        self.assertEqual(measures.first_crossing([0, 1, 0, 1], 0.5, rising=True), 0.5)
        self.assertEqual(measures.first_crossing([1, 0], 0.5, rising=True), 0.0)
        self.assertIsNone(measures.first_crossing([0, 0.4], 0.5, rising=True))

    def test_steps_to_reward_use_the_running_mean(self):
        # Running means of 5: 0, 0, 0, 0, 0, 0.2, 0.4, 0.6. The level 0.5 lies in the middle between steps 6 and 7.
        self.assertAlmostEqual(measures.steps_to_reward([0, 0, 0, 0, 0, 1, 1, 1], 0.5), 6.5)

    def test_entropy_at_equal_reward(self):
        # Both series are constant for 5 steps and then jump: running means of the entropy 2, …, 2, 1.8, 1.6, 1.4; at step 6.5 it is 1.5.
        reward, entropy = [0] * 5 + [1] * 3, [2] * 5 + [1] * 3
        self.assertAlmostEqual(measures.entropy_at_reward(reward, entropy, 0.5), 1.5)
        self.assertIsNone(measures.entropy_at_reward(reward, entropy, 0.9))

    def test_a_slower_learner_on_the_same_path_has_the_same_entropy_at_equal_reward(self):
        def run(speed):
            reward = [1 - math.exp(-speed * k / 50) for k in range(200)]
            return reward, [2 - r for r in reward]
        fast, slow = (measures.entropy_at_reward(*run(speed), 0.6) for speed in (2, 1))
        self.assertAlmostEqual(fast, slow, delta=1e-9)
        self.assertAlmostEqual(fast, 1.4, delta=1e-9)

    def test_reward_levels_lie_between_start_and_end_of_the_reference(self):
        # A quarter, half, three quarters of 0.1 … 0.9 are 0.3, 0.5, 0.7.
        self.assertEqual(measures.reward_levels([0.1, 0.1], [0.9, 0.9]), [0.3, 0.5, 0.7])
        # 0.21, 0.22, 0.23 all round to 0.2, which is not above the start.
        self.assertEqual(measures.reward_levels([0.2], [0.24]), [])
        self.assertEqual(measures.reward_levels([0.5], [0.4]), [])
        self.assertEqual(measures.reward_levels([], []), [])


class Noise(unittest.TestCase):
    def test_one_sign_and_two_standard_errors_are_outside(self):
        found = measures.paired({0: 1.1, 1: 2.2, 2: 3.3}, {0: 1.0, 1: 2.0, 2: 3.0})
        # Differences 0.1, 0.2, 0.3: mean 0.2, sd 0.1, SE 0.1/√3 = 0.0577; 0.2 ≥ 0.1155.
        self.assertAlmostEqual(found["mean"], 0.2)
        self.assertAlmostEqual(found["se"], 0.1 / math.sqrt(3))
        self.assertEqual(found["verdict"], "outside the noise")
        self.assertEqual(found["sign_p"], 0.25)  # 2 · 0.5³

    def test_mixed_signs_are_inside(self):
        self.assertEqual(measures.paired({0: 2.0, 1: 2.0, 2: 0.9}, {0: 1.0, 1: 1.0, 2: 1.0})["verdict"], "inside the noise")

    def test_one_sign_but_wide_is_inside(self):
        # 0.01, 0.02, 0.9: mean 0.31, sd 0.511, 2 SE = 0.59.
        self.assertEqual(measures.paired({0: 0.01, 1: 0.02, 2: 0.9}, {0: 0, 1: 0, 2: 0})["verdict"], "inside the noise")

    def test_a_difference_of_zero_has_no_sign(self):
        self.assertEqual(measures.paired({0: 0.0, 1: 1.0, 2: 1.0}, {0: 0, 1: 0, 2: 0})["verdict"], "inside the noise")
        self.assertEqual(measures.paired({0: 1.0, 1: 1.0}, {0: 1.0, 1: 1.0})["verdict"], "inside the noise")

    def test_one_seed_says_nothing(self):
        found = measures.paired({0: 2.0}, {0: 1.0})
        self.assertEqual((found["mean"], found["se"], found["sign_p"], found["verdict"]), (1.0, None, None, "one seed: says nothing"))

    def test_pure_noise_passes_as_often_as_the_page_says(self):
        rng = random.Random(7)
        for seeds, draws in ((2, 4000), (3, 4000), (5, 4000)):
            outside = sum(measures.paired({seed: rng.gauss(0, 1) for seed in range(seeds)}, dict.fromkeys(range(seeds), 0.0))["verdict"] == "outside the noise"
                          for _ in range(draws))
            expected = measures.FALSE_ALARMS[seeds]
            self.assertAlmostEqual(outside / draws, expected, delta=4 * math.sqrt(expected * (1 - expected) / draws))
        self.assertAlmostEqual(measures.FALSE_ALARMS[2], 1 - 2 / math.pi * math.atan(2), delta=0.0005)
        self.assertEqual((measures.false_alarms(1), measures.false_alarms(7), measures.false_alarms(40)), (None, 0.031, 0.002))

    def test_only_seeds_that_both_have_are_compared(self):
        found = measures.paired({0: 2.0, 1: None, 2: 4.0, 3: 9.0}, {0: 1.0, 1: 1.0, 2: 1.0, 4: 1.0})
        self.assertEqual(found["differences"], {0: 1.0, 2: 3.0})
        self.assertEqual(measures.paired({}, {})["verdict"], "no pair")


class Runs(unittest.TestCase):
    def test_clipped_tokens_weigh_by_their_number(self):
        # Step 0: 10 of 100 tokens with mean q 0.5; step 1: 30 of 100 with 0.1. (5 + 3) / 40 = 0.2; 40 of 200 tokens.
        lines = [{"step": 0, "tokens/trained": 100, "clip/low_frac": 0.1, "clip/low_mean_q": 0.5},
                 {"step": 1, "tokens/trained": 100, "clip/low_frac": 0.3, "clip/low_mean_q": 0.1}]
        found = measures.measure_run(lines)
        self.assertAlmostEqual(found["clip_low_mean_q"], 0.2)
        self.assertAlmostEqual(found["clip_low_frac"], 0.2)
        self.assertIsNone(found["clip_high_frac"])
        self.assertIsNone(found["clip_high_exp_minus_entropy"])

    def test_start_and_end_of_a_run(self):
        lines = [{"step": k, "reward/mean": k, "entropy/mean": 40 - k, "time/step_seconds": 0.5} for k in range(20)]
        lines[-1].update({"eval/pass_at_1": 0.25, "eval/pass_at_8": 0.5})
        found = measures.measure_run(lines)
        self.assertEqual(found["reward_start"], 2)      # 0 … 4
        self.assertEqual(found["reward_end"], 14.5)     # 10 … 19
        self.assertEqual(found["entropy_start"], 40)
        self.assertEqual(found["entropy_min"], 21)
        self.assertEqual(found["entropy_end"], 25.5)
        self.assertEqual(found["entropy_half_2"], 25.5)
        self.assertEqual((found["pass_at_1"], found["pass_at_8"], found["seconds"]), (0.25, 0.5, 10))

    def test_clipping_by_probability(self):
        # Two steps of 100 tokens. Bin 0.0: 50 and 10 tokens, of which 5 and 1 were clipped high: 6 of 60. Bin 0.9 has no tokens at all.
        lines = [{"step": step, "tokens/trained": 100, "clip/by_q/0.0_tokens_frac": share, "clip/by_q/0.0_high_frac": 0.1, "clip/by_q/0.0_low_frac": 0,
                  "clip/by_q/0.9_tokens_frac": 0.0, "clip/by_q/0.9_high_frac": 0} for step, share in ((0, 0.5), (1, 0.1))]
        found = measures.clip_by_probability(lines)
        self.assertEqual(len(found), 1)
        self.assertEqual((found[0]["from"], found[0]["low"]), (0.0, 0.0))
        self.assertAlmostEqual(found[0]["high"], 0.1)
        self.assertAlmostEqual(found[0]["tokens"], 60)

    def test_a_run_without_such_numbers_has_none(self):
        self.assertEqual(measures.clip_by_probability([{"step": 0, "reward/mean": 1}]), [])
        self.assertIsNone(measures.measure_run([])["entropy_half_life"])


if __name__ == "__main__":
    unittest.main()
