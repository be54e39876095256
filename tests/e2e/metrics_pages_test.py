"""The /metrics page of all four processes, judged by promtool on a live scrape."""
import shutil
import subprocess
import unittest
import urllib.request

from harness import EndToEnd, read_jsonl


class MetricsPages(EndToEnd):
    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed (Debian package prometheus)")
    def test_promtool_accepts_the_pages_of_all_four_processes(self):
        run = self.start("run", "learner.steps=100000")
        run.wait_for_step(2)
        pages = {event["process"]: event["http"] for event in run.events() if event.get("event") == "process_started"}
        kinds = {name.rstrip("0123456789-") for name in pages}
        self.assertEqual(kinds, {"learner", "rollout-worker", "verifier", "controller"}, pages)
        for process, address in pages.items():
            with self.subTest(process):
                page = urllib.request.urlopen(f"http://{address}/metrics", timeout=10).read().decode()
                self.assertIn("entrain_", page)
                checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=30)
                self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))
                self.assertEqual(urllib.request.urlopen(f"http://{address}/healthz", timeout=10).status, 200)


if __name__ == "__main__":
    unittest.main()
