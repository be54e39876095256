"""Starts runs, some side by side, keeps what is finished and goes on with what was interrupted."""
import ctypes
import json
import os
import pathlib
import signal
import subprocess
import time

from .tables import COMMON, SOURCE, filled

GRACE_SECONDS = 15  # `entrain run` stops everything within five
PR_SET_PDEATHSIG = 1  # prctl(2)


def stop_with_the_parent():
    """In the child: SIGINT when this command dies without having stopped its runs, so that none goes on unseen."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def read_metrics(run):
    """The steps of all attempts, in order; of steps that several attempts made the last one's. Lines that are not whole are left out."""
    steps = {}
    for file in sorted(pathlib.Path(run).glob("attempt-*/metrics.jsonl")):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and isinstance(record.get("step"), (int, float)):
                steps[int(record["step"])] = record
    return [steps[step] for step in sorted(steps)]


def is_finished(run, steps):
    return (pathlib.Path(run) / "export" / "model.safetensors").exists() and len(read_metrics(run)) >= steps


class Job:
    """One run: a method and a seed, or the warm start (seed 0, one step)."""

    def __init__(self, folder, method, seed, steps, file, settings):
        self.folder, self.method, self.seed, self.steps, self.file, self.settings = folder, method, seed, steps, file, settings
        self.process = None
        self.started = 0.0
        self.log = folder.parent / "logs" / f"{folder.name}.log"

    @property
    def note(self):
        """Beside the run, not in it: with which settings it was started."""
        return self.folder.parent / f"{self.folder.name}.json"

    def other_settings(self):
        """What the kept run was started with and this one would not be, or the other way round; [] when they agree or nothing is kept."""
        try:
            kept = json.loads(self.note.read_text(encoding="utf-8"))["settings"]
        except (OSError, ValueError, KeyError):
            return []
        return sorted(set(kept) ^ set(self.settings)) if self.folder.exists() else []

    def finished(self):
        return is_finished(self.folder, self.steps)

    def done_steps(self):
        return len(read_metrics(self.folder))

    def last_record(self):
        return (read_metrics(self.folder) or [{}])[-1]

    def command(self, entrain):
        if (self.folder / "run.json").exists():
            return [entrain, "run", "--resume", self.folder, "--json"]
        command = [entrain, "run", self.file, "--out", self.folder, "--json"]
        for setting in self.settings:
            command += ["--set", setting]
        return command

    def start(self, entrain):
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.note.write_text(json.dumps({"method": self.method, "seed": self.seed, "steps": self.steps, "settings": self.settings}, indent=1) + "\n",
                             encoding="utf-8")
        self.started = time.monotonic()
        with open(self.log, "ab") as log:
            # A session of its own: Ctrl-C reaches this command alone, which then stops the runs.
            self.process = subprocess.Popen(self.command(entrain), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=SOURCE, start_new_session=True,
                                            preexec_fn=stop_with_the_parent)

    def why(self):
        """The last words of a run that failed."""
        lines = [line for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines() if line and not line.startswith("{")]
        return " / ".join(lines[-3:])[-400:] or f"see {self.log}"


def make_jobs(task, methods, seeds, steps, out, more=()):
    """`more`: settings for all runs but the warm start. The warm start, and one job for every method and seed, seed by seed, so that an interrupted comparison has whole seeds."""
    data = out / "data"
    shared = COMMON + filled(task["set"], steps, data)
    file = SOURCE / task["file"]
    # The warm start does not depend on the length of the runs.
    warm_settings = [entry for entry in shared if not entry.startswith("learner.eval=")]
    warm = Job(out / "warm-start", "warm start", 0, 1, file, warm_settings + ["seed=0", "learner.steps=1", "learner.eval=null"])
    start = warm.folder / "model"
    jobs = []
    for seed in seeds:
        for method in methods:
            settings = [entry for entry in shared if not entry.startswith("model.")]
            settings += [f"name={method['name']}", f"seed={seed}", f"learner.steps={steps}", f"model={{path: {json.dumps(str(start))}}}"]
            settings += filled(method["set"], steps, data) + list(more)
            jobs.append(Job(out / f"{method['name']}-seed-{seed}", method["name"], seed, steps, file, settings))
    return warm, jobs


def refused_by(entrain, job):
    """Why the run file and the settings of a job are refused; "" when they are not. Asks `entrain config check`, which starts nothing."""
    command = [entrain, "config", "check", job.file]
    for setting in job.settings:
        command += ["--set", setting]
    done = subprocess.run(command, capture_output=True, text=True, cwd=SOURCE, check=False)
    return "" if done.returncode == 0 else " / ".join(done.stderr.strip().splitlines()) or f"exit status {done.returncode}"


def run_all(entrain, jobs, side_by_side, report, stop):
    """Runs what is not finished, `side_by_side` at a time. report(event, job, **more) is told of "started", "tick", "finished", "failed".
    stop() is asked between looks; when it is true, running jobs are stopped and the rest is left. Answers {job: reason} of what failed."""
    waiting = [job for job in jobs if not job.finished()]
    running, failed = [], {}
    try:
        while (waiting or running) and not stop():
            while waiting and len(running) < side_by_side:
                job = waiting.pop(0)
                job.start(entrain)
                running.append(job)
                report("started", job)
            time.sleep(0.1)
            for job in [each for each in running if each.process.poll() is not None]:
                running.remove(job)
                if job.process.returncode == 0 and job.finished():
                    report("finished", job, seconds=time.monotonic() - job.started)
                elif not stop():
                    failed[job] = job.why()
                    report("failed", job, why=failed[job])
            report("tick", None, running=running, waiting=len(waiting))
    finally:
        stop_all(running)
    return failed


def stop_all(running):
    """The way Ctrl-C does it; what does not end in time is killed with everything it started."""
    for job in running:
        if job.process.poll() is None:
            job.process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + GRACE_SECONDS
    for job in running:
        try:
            job.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(job.process.pid, signal.SIGKILL)
            job.process.wait()
