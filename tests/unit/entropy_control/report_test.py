"""The page and the tables of examples/entropy-control: built from run folders that the test writes."""
import html.parser
import json
import pathlib
import re
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "examples" / "entropy-control"))
from comparison import charts, report, results, runs, tables  # noqa: E402

HOSTILE = '<script>alert("1")</script> & \'x\''


class Balanced(html.parser.HTMLParser):
    """Every tag that opens closes, in order; collects ids, links and what the page would fetch."""
    EMPTY = {"meta", "line", "circle", "rect", "polygon", "br"}

    def __init__(self):
        super().__init__()
        self.stack, self.problems, self.ids, self.links, self.fetched, self.tags = [], [], [], [], [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name == "href":
                self.links.append(value)
            if name in ("src", "srcset", "data") or (name == "href" and not value.startswith("#")):
                self.fetched.append(value)
        if tag not in self.EMPTY:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_endtag(self, tag):
        if tag not in self.EMPTY and (not self.stack or self.stack.pop() != tag):
            self.problems.append(f"</{tag}> at {self.getpos()}")


def write_run(folder, attempts):
    """attempts: for each, the metric lines it wrote."""
    for number, lines in enumerate(attempts, 1):
        attempt = folder / f"attempt-{number:04d}"
        attempt.mkdir(parents=True)
        (attempt / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 99, "half')
    (folder / "export").mkdir()
    (folder / "export" / "model.safetensors").write_bytes(b"")


def lines_of(seed, steps=12, lift=0.0):
    out = []
    for k in range(steps):
        out.append({"step": k, "reward/mean": 0.1 + 0.8 * k / (steps - 1) + 0.01 * seed, "entropy/mean": 1.0 + lift - 0.07 * k, "tokens/trained": 10,
                    "clip/high_frac": 0.01, "clip/low_frac": 0.02, "clip/high_mean_q": 0.3, "clip/low_mean_q": 0.2, "clip/upper_intercept": 0.5 - 0.02 * k,
                    "clip/upper_slope": -0.25, "clip/lower_intercept": 0.2, "clip/lower_slope": 0.0, "time/step_seconds": 0.1, "region/e1_share": 0.3,
                    "region/e2_share": 0.1, "region/e3_share": 0.2, "region/e4_share": 0.05, "clip/by_q/0.3_tokens_frac": 0.5, "clip/by_q/0.3_high_frac": 0.02,
                    "clip/by_q/0.3_low_frac": 0.01})
    out[-1].update({"eval/pass_at_1": 0.5, "eval/pass_at_8": 0.9})
    return out


class Page(unittest.TestCase):
    def setUp(self):
        self.holder = tempfile.TemporaryDirectory(prefix="entrain-report-")
        self.out = pathlib.Path(self.holder.name)
        self.task = {"name": "t", "title": HOSTILE, "eval_note": "on nothing", "file": "run.yaml", "set": []}
        self.methods = [{"name": "grpo", "title": "GRPO", "what": "", "source": "", "set": ["a=1"], "main": True},
                        {"name": "other", "title": HOSTILE, "what": HOSTILE, "source": HOSTILE, "set": [f"b={HOSTILE}"], "main": True}]

    def tearDown(self):
        self.holder.cleanup()

    def build(self, seeds, lift=0.1, failed=None):
        _, jobs = runs.make_jobs(self.task, self.methods, seeds, 12, self.out)
        for job in jobs:
            if (job.method, job.seed) not in (failed or {}):
                write_run(job.folder, [lines_of(job.seed, lift=lift if job.method == "other" else 0.0)])
        found = results.collect(self.task, 12, self.methods, jobs, failed or {})
        return found, report.page(found, results.curves(jobs, report.CURVE_NAMES))

    def test_what_tables_say_is_escaped_and_nothing_is_fetched(self):
        _, page = self.build([0, 1, 2])
        self.assertNotIn("<script", page)
        self.assertNotIn('"1")', page)
        self.assertIn("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#x27;x&#x27;", page)
        parser = Balanced()
        parser.feed(page)
        self.assertEqual(parser.problems, [])
        self.assertEqual(parser.stack, [])
        self.assertEqual(parser.fetched, [])
        self.assertNotIn("script", parser.tags)
        self.assertNotRegex(page, r"url\(|@import|https?://")
        self.assertEqual(len(parser.ids), len(set(parser.ids)))
        for link in parser.links:
            self.assertIn(link[1:], parser.ids)

    def test_no_coordinate_is_nan(self):
        _, page = self.build([0])
        self.assertNotRegex(page, r"\b(nan|inf|None)\b")
        for points in re.findall(r'points="([^"]*)"', page):
            for pair in points.split():
                x, y = (float(part) for part in pair.split(","))
                self.assertTrue(0 <= x <= charts.WIDTH and 0 <= y <= charts.HEIGHT, pair)

    def test_the_paired_difference_and_its_verdict_reach_the_page(self):
        found, page = self.build([0, 1, 2])
        other = found["methods"][1]
        # The other method has 0.1 nats more on every seed: no spread, so outside the noise.
        self.assertAlmostEqual(other["paired"]["entropy_end"]["mean"], 0.1)
        self.assertEqual(other["paired"]["entropy_end"]["verdict"], "outside the noise")
        self.assertEqual(other["paired"]["reward_end"]["verdict"], "inside the noise")
        self.assertIn("outside the noise", page)
        self.assertIn("p = 0.25", page)
        # 5 measures of one method: 0.185 · 5 is about one.
        self.assertIn("Of the 5 differences below about 1 would look clear by luck alone.", page)
        self.assertIn("<li>reward at the end: none</li>", page)
        # Reward rises alike: at equal reward the difference is the same 0.1.
        for level in other["at_reward"].values():
            self.assertAlmostEqual(level["entropy"]["paired"]["mean"], 0.1)
            self.assertAlmostEqual(level["steps"]["paired"]["mean"], 0.0)
        json.dumps(found, allow_nan=False)

    def test_one_seed_says_nothing_about_methods(self):
        found, page = self.build([0])
        self.assertEqual(found["methods"][1]["paired"]["entropy_end"]["verdict"], "one seed: says nothing")
        self.assertIn("One seed: differences say nothing about methods.", page)

    def test_missing_runs_are_named_with_their_reason(self):
        found, page = self.build([0, 1], failed={("other", 1): "refused: <b>"})
        self.assertEqual(found["missing"], [{"method": "other", "seed": 1, "reason": "refused: <b>"}])
        self.assertIn("other, seed 1: refused: &lt;b&gt;", page)
        self.assertEqual(len(found["methods"][1]["runs"]), 1)

    def test_counterfactual_steps_are_shown_when_a_run_has_them(self):
        self.assertNotIn("The same step under other thresholds", self.build([0])[1])
        (self.out / "other-seed-0" / "counterfactual.json").write_text(json.dumps({"run_id": "x", "steps": [5, 30], "settings": [
            {"name": "applied", "difference": 0.0, "standard_error": 0.0},
            {"name": "eps_low <0.05>", "difference": 0.0161, "standard_error": 0.0008, "clip/high_frac": 0.005, "clip/low_frac": None}]}))
        _, jobs = runs.make_jobs(self.task, self.methods, [0], 12, self.out)
        page = report.page(results.collect(self.task, 12, self.methods, jobs, {}), {})
        # 0.0161 nats are 16.10 thousandths; half a per cent was clipped high; what is null is a dash.
        self.assertIn("<td>eps_low &lt;0.05&gt;</td><td>2</td><td>+16.10</td><td>0.80</td><td>0.50</td><td>—</td>", page)
        self.assertNotIn("<td>applied</td>", page)

    def test_dials_that_a_run_recorded_are_drawn(self):
        _, jobs = runs.make_jobs(self.task, self.methods, [0], 12, self.out)
        write_run(jobs[1].folder, [[{**line, "dial/entropy_<bonus>": 0.01 * line["step"]} for line in lines_of(0)]])
        found = results.collect(self.task, 12, self.methods, jobs, {})
        drawn = results.curves(jobs, report.CURVE_NAMES)
        self.assertEqual(drawn["other"]["dial/entropy_<bonus>"][3], (3, 0.03, 0.03, 0.03))
        self.assertIn("<code>entropy_&lt;bonus&gt;</code>", report.page(found, drawn))

    def test_of_steps_that_two_attempts_made_the_last_counts(self):
        run = self.out / "run"
        write_run(run, [[{"step": 0, "x": 1}, {"step": 1, "x": 1}], [{"step": 1, "x": 2}, {"step": 2, "x": 2}]])
        self.assertEqual([line["x"] for line in runs.read_metrics(run)], [1, 2, 2])

    def test_a_kept_run_with_other_settings_is_noticed(self):
        _, jobs = runs.make_jobs(self.task, self.methods, [0], 12, self.out)
        jobs[0].folder.mkdir(parents=True)
        jobs[0].note.write_text(json.dumps({"settings": jobs[0].settings}))
        self.assertEqual(jobs[0].other_settings(), [])
        _, others = runs.make_jobs(self.task, self.methods, [0], 13, self.out)
        self.assertEqual(others[0].other_settings(), ["learner.steps=12", "learner.steps=13"])


    def test_the_warm_start_does_not_depend_on_the_length_of_the_runs(self):
        task = {**self.task, "set": ["learner.eval={every_steps: @steps}", "model.warmup={steps: 5}"]}
        short, long = (runs.make_jobs(task, self.methods, [0], steps, self.out)[0] for steps in (12, 90))
        self.assertEqual(short.settings, long.settings)
        self.assertIn("model.warmup={steps: 5}", short.settings)


class Pictures(unittest.TestCase):
    def test_ticks_are_round_and_within(self):
        self.assertEqual([round(tick, 10) for tick in charts.ticks(0, 1)], [0, 0.2, 0.4, 0.6, 0.8, 1])
        self.assertEqual(charts.ticks(0, 89), [0, 20, 40, 60, 80])
        self.assertEqual(charts.ticks(3, 3), [3])
        self.assertEqual([round(tick, 10) for tick in charts.ticks(-0.07, 0.07)], [-0.05, 0, 0.05])

    def test_values_beyond_the_range_are_drawn_at_the_edge(self):
        panel = charts.Panel((0, 1), (0, 0.6), "x")
        self.assertEqual(panel.y(4.0), panel.y(0.6))
        self.assertEqual(panel.y(-1.0), panel.y(0.0))

    def test_numbers_are_short(self):
        self.assertEqual([charts.number(value) for value in (0, 0.05, 1.234567, 150.4, -0.2, None)], ["0", "0.05", "1.23", "150", "-0.2", "—"])


class Tables(unittest.TestCase):
    def read(self, methods):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(methods, file)
            file.flush()
            return tables.read_methods(pathlib.Path(file.name))

    def test_the_shipped_table_is_whole(self):
        methods = tables.read_methods(tables.HERE / "methods.json")
        self.assertEqual(methods[0]["name"], tables.REFERENCE)
        for method in methods:
            self.assertTrue(any(entry.startswith("objective=") for entry in method["set"]), method["name"])
            self.assertTrue(any(entry.startswith("schedule=") for entry in method["set"]), method["name"])
            self.assertTrue(method["what"] and method["source"], method["name"])
        self.assertEqual(len(tables.choose(methods, [], False)), 12)
        self.assertEqual(len(tables.choose(methods, [], True)), len(methods))

    def test_the_reference_is_always_among_the_chosen(self):
        methods = tables.read_methods(tables.HERE / "methods.json")
        self.assertEqual([method["name"] for method in tables.choose(methods, ["id"], False)], ["grpo", "id"])
        with self.assertRaisesRegex(tables.TableError, "unknown method idd; known: "):
            tables.choose(methods, ["idd"], False)

    def test_bad_tables_name_what_is_wrong(self):
        good = {"name": "grpo", "set": ["a=1"]}
        for methods, expected in (([], "a list of methods"), ([{"name": "A b"}], 'found "A b"'), ([good, good], "twice"),
                                  ([{**good, "sets": []}], "unknown key sets"), ([{**good, "set": ["a"]}], "key=value"),
                                  ([{**good, "name": "x"}], "grpo is missing")):
            with self.assertRaisesRegex(tables.TableError, expected):
                self.read(methods)

    def test_placeholders_are_filled(self):
        self.assertEqual(tables.filled(["a=@steps", "b=@half", "c=@data/x"], 91, "/d"), ["a=91", "b=45", "c=/d/x"])


if __name__ == "__main__":
    unittest.main()
