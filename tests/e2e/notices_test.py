"""A run that cannot go on says so on standard error, with the process and its log, and does not flood the terminal."""
import socket
import threading
import time
import unittest

from harness import TIMEOUT, EndToEnd


class Notices(EndToEnd):
    def wait_for_notice(self, run, text):
        """The first line of standard error that holds `text`; what was said until then stays in `self.said`."""
        self.said = []

        def read():
            for line in run.process.stderr:
                self.said.append(line)

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            for line in list(self.said):
                if text in line:
                    return line
            time.sleep(0.05)
        raise AssertionError(f"nothing was said of {text}: {self.said}\n{run.logs()}")

    def test_a_learner_that_waits_for_an_absent_controller_says_so_once(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % free.getsockname()[1]
        for on_silence in ("hold", "wait"):
            with self.subTest(on_silence):
                run = self.start(on_silence, f"controller.address={address}", f"controller.on_silence={on_silence}")
                line = self.wait_for_notice(run, "is silent")
                self.assertIn(address, line)
                self.assertIn("waits to register", line)
                self.assertIn(str(run.attempt() / "logs" / "learner.log"), line)
                time.sleep(2)
                self.assertEqual(sum("is silent" in said for said in self.said), 1, self.said)
                run.process.terminate()
                self.reader.join(TIMEOUT)

    def test_a_process_that_ends_again_and_again_is_named_with_its_log(self):
        run = self.start("crashing", "learner.steps=100000")
        run.wait_for_step(0)
        for _ in range(4):
            run.kill9("entrain-verifier")
        line = self.wait_for_notice(run, "verifier-1 ended")
        self.assertIn("exit status 137", line)
        self.assertIn(str(run.attempt() / "logs" / "verifier-1.log"), line)
        run.process.terminate()
        self.reader.join(TIMEOUT)


if __name__ == "__main__":
    unittest.main()
