"""Broken input gives one clear message and a non-zero exit status, never a crash or a hang."""
import json
import signal
import socket
import subprocess
import unittest

from harness import ENTRAIN, EndToEnd


class BadInput(EndToEnd):
    def refused(self, *arguments, status=None, stdin=None):
        result = subprocess.run([ENTRAIN, *map(str, arguments)], capture_output=True, text=True, timeout=60, input=stdin)
        self.assertGreater(result.returncode, 0, result.stdout + result.stderr)  # negative: killed by a signal
        self.assertLess(result.returncode, 3, result.stdout + result.stderr)
        if status is not None:
            self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        return result.stdout + result.stderr

    def run_refused(self, *settings):
        arguments = [argument for setting in settings for argument in ("--set", setting)]
        return self.refused("run", self.run_file, "--out", self.folder / "out", "--no-progress", *arguments)

    def edit(self, old, new):
        self.run_file.write_text(self.run_file.read_text().replace(old, new))

    def test_a_misspelt_key_is_named_with_its_line_and_the_right_name(self):
        self.edit("prompts_per_step", "promts_per_step")
        message = self.refused("config", "check", self.run_file, status=1)
        self.assertIn("promts_per_step", message)
        self.assertIn("prompts_per_step", message)
        line = next(i for i, text in enumerate(self.run_file.read_text().splitlines(), 1) if "promts" in text)
        self.assertIn(f"run.yaml:{line}", message)
        self.assertIn("promts_per_step", self.run_refused())

    def test_a_wrong_type_says_what_was_expected_and_found(self):
        self.edit("prompts_per_step: 4", "prompts_per_step: many")
        message = self.refused("config", "check", self.run_file, status=1)
        self.assertIn("prompts_per_step", message)
        self.assertIn("many", message)

    def test_all_problems_are_printed_at_once(self):
        self.edit("prompts_per_step: 4", "prompts_per_step: many")
        self.edit("max_tokens", "max_tokns")
        message = self.refused("config", "check", self.run_file, status=1)
        self.assertIn("prompts_per_step", message)
        self.assertIn("max_tokns", message)

    def test_a_missing_run_file(self):
        self.assertIn("nowhere.yaml", self.refused("run", self.folder / "nowhere.yaml", status=2))

    def test_a_missing_data_file(self):
        self.edit("train.jsonl", "absent.jsonl")
        self.assertIn("absent.jsonl", self.run_refused())

    def test_an_unreadable_data_line_is_named(self):
        data = self.folder / "data" / "train.jsonl"
        data.write_text(data.read_text() + '{"prompt": 5}\n')
        self.assertIn("train.jsonl:65", self.run_refused())

    def test_a_missing_model_folder(self):
        for command in (("logprobs",), ("generate",), ("tokenize",), ("model", "inspect")):
            arguments = (*command, self.folder / "absent") if command[0] == "model" else (*command, "--model", self.folder / "absent")
            self.assertIn("absent", self.refused(*arguments, status=2, stdin=""))

    def test_a_truncated_safetensors_file(self):
        model = self.folder / "model"
        subprocess.run([ENTRAIN, "model", "init", "--out", model, "--from", self.run_file], check=True, capture_output=True)
        weights = model / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-100])
        message = self.refused("logprobs", "--model", model, status=2, stdin=json.dumps({"prompt": "1", "completion": "2"}))
        self.assertIn("model.safetensors", message)

    def test_a_busy_port_is_named_before_anything_starts(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            message = self.run_refused(f"listen={address}")
        self.assertIn(f"listen: cannot listen on {address}: Address already in use", message)
        self.assertEqual(len(message.splitlines()), 1, message)
        self.assertFalse((self.folder / "out").exists())

    def test_an_address_without_a_port_or_open_to_others_is_refused_before_anything_starts(self):
        self.assertIn("listen: expected host:port", self.run_refused("listen=0.0.0.0"))
        self.assertIn("can be reached from other machines", self.run_refused("listen=0.0.0.0:0"))
        self.assertFalse((self.folder / "out").exists())

    def test_config_check_reads_every_line_of_the_data(self):
        data = self.folder / "data" / "train.jsonl"
        data.write_text(data.read_text() + '{"prompt": "1+?"}\n{"prompt": "1", "verifier": "exakt"}\n')
        message = self.refused("config", "check", self.run_file, status=1)
        self.assertIn("train.jsonl:65: ", message)
        self.assertIn('train.jsonl:66: unknown verifier "exakt"; did you mean "exact"?', message)

    def test_a_reference_or_option_that_cannot_be_read_is_found_before_anything_starts(self):
        data = self.folder / "data" / "train.jsonl"
        first = 1 + len(data.read_text().splitlines())
        lines = [{"prompt": "1", "answer": "(", "verifier": "regex"},
                 {"prompt": "1", "answer": "E", "verifier": "choice", "verifier_options": {"count": 4}},
                 {"prompt": "1", "answer": "1", "verifier": "exact", "verifier_options": {"trm": True}},
                 {"prompt": "1", "answer": "1", "verifier": "weighted", "verifier_options": {"parts": [{"verifier": "maths"}]}}]
        data.write_text(data.read_text() + "".join(json.dumps(line) + "\n" for line in lines))
        for command in (("data", "check", data), ("config", "check", self.run_file)):
            message = self.refused(*command, status=1)
            self.assertIn(f"train.jsonl:{first}: answer: expected a regular expression", message)
            self.assertIn(f"train.jsonl:{first + 1}: answer: expected a letter from A to D", message)
            self.assertIn(f'train.jsonl:{first + 2}: verifier_options: unknown key "trm"; did you mean "trim"?', message)
            self.assertIn(f"train.jsonl:{first + 3}: verifier_options.parts[0].verifier: unknown verifier", message)
        self.assertIn("answer: expected a regular expression", self.run_refused("learner.steps=1"))
        self.assertFalse((self.folder / "out").exists())

    def test_config_check_opens_the_model_folder(self):
        model = self.folder / "model"
        subprocess.run([ENTRAIN, "model", "init", "--out", model, "--from", self.run_file], check=True, capture_output=True)
        given = ("config", "check", self.run_file, "--set", "model.init=null", "--set", f"model.path={model}")
        subprocess.run([ENTRAIN, *map(str, given)], check=True, capture_output=True)
        config = (model / "config.json").read_text()
        (model / "config.json").write_text(config.replace('"hidden_size": 32', '"hidden_size": 16'))
        self.assertIn("model.safetensors: tensor", self.refused(*given, status=1))
        (model / "config.json").write_text(config)
        (model / "tokenizer.json").write_text("{")
        self.assertIn("tokenizer.json", self.refused(*given, status=1))

    def test_more_tokens_than_the_context_leaves_are_a_problem(self):
        lines = [json.loads(line)["prompt"] for line in (self.folder / "data" / "train.jsonl").read_text().splitlines()]
        longest = max(map(len, lines))  # one token a character
        line = 1 + next(i for i, prompt in enumerate(lines) if len(prompt) == longest)
        fits = subprocess.run([ENTRAIN, "config", "check", self.run_file, "--set", f"rollout.max_tokens={32 - longest}"], capture_output=True, text=True)
        self.assertEqual(fits.returncode, 0, fits.stderr)
        message = self.refused("config", "check", self.run_file, "--set", f"rollout.max_tokens={33 - longest}", status=1)
        self.assertIn(f"rollout.max_tokens: expected at most {32 - longest}", message)
        self.assertIn(f"train.jsonl:{line}", message)

    def test_numbers_that_no_command_can_use_are_refused(self):
        for command in ("generate", "eval"):
            arguments = [command, "--model", self.folder, "--temperature", "1e-300"] + (["--data", self.run_file] if command == "eval" else [])
            self.assertIn("--temperature: expected a number of at least 1e-06", self.refused(*arguments, status=2, stdin=""))
        self.assertIn("--deadline: expected a number above 0, found nan", self.refused("verify", "--deadline", "nan", status=2, stdin=""))
        self.assertIn("--prompts: expected a number of at least 0, found -1",
                      self.refused("eval", "--model", self.folder, "--data", self.run_file, "--prompts", "-1", status=2))

    def test_lines_without_a_verdict_are_failures(self):
        line = '{"id": 1, "verifier": "exakt", "completion": "a", "answer": "a"}\n'
        self.assertEqual(json.loads(self.refused("verify", "--json", status=1, stdin=line))["kind"], "error")

    def test_a_command_that_does_not_exist_is_named_with_the_nearest(self):
        self.assertIn('"scedule"; did you mean "schedule"', self.refused("scedule", status=2))
        self.assertIn('"inspct"; did you mean "inspect"', self.refused("model", "inspct", status=2))

    def test_a_number_that_must_be_positive_says_so_briefly(self):
        message = self.refused("schedule", "preview", "--schedule", self.run_file, "--steps", "0", status=2)
        self.assertIn("--steps: expected a number above 0, found 0", message)

    def test_a_bad_line_does_not_stop_the_others(self):
        lines = '{"id": 1, "verifier": "exact", "completion": "a", "answer": "a"}\nnonsense\n{"id": 3, "verifier": "exact", "completion": "b", "answer": "a"}\n'
        result = subprocess.run([ENTRAIN, "verify", "--json"], input=lines, capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 1)
        out = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual([line.get("kind") for line in out][0::2], ["correct", "wrong"])
        self.assertIn("error", out[1])

    def test_verify_refuses_an_input_that_is_no_file(self):
        self.assertIn("Is a directory", self.refused("verify", self.folder, status=2))
        self.assertIn("No such file", self.refused("verify", self.folder / "absent.jsonl", status=2))

    def test_an_interrupted_verify_leaves_whole_lines_and_says_so(self):
        line = '{"id": %d, "verifier": "exact", "completion": "a", "answer": "a"}\n'
        process = subprocess.Popen([ENTRAIN, "verify", "--json", "--summary"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, bufsize=1)
        process.stdin.write(line % 1)
        self.assertEqual(json.loads(process.stdout.readline())["id"], 1)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)  # its input stays open until it has ended by itself
        out, err = process.communicate()
        self.assertEqual((process.returncode, out), (130, ""))
        summary = json.loads(err.strip().splitlines()[-1])["summary"]
        self.assertEqual((summary["correct"], summary["lines"]), (1, 1))


if __name__ == "__main__":
    unittest.main()
