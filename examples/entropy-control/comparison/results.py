"""Reads the runs of a comparison and puts the numbers together: one object, which is results.json and what the report shows."""
import json
import pathlib

from . import measures
from .runs import read_metrics
from .tables import REFERENCE

# What is compared seed by seed with the reference, in the order of the report.
COMPARED = ["reward_end", "pass_at_1", "pass_at_8", "entropy_end", "entropy_half_2"]


def read_counterfactual(run):
    """RUN/counterfactual.json, when `entrain counterfactual` has been asked about the run; else None."""
    try:
        found = json.loads((pathlib.Path(run) / "counterfactual.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def spread(values):
    present = [value for value in values if value is not None]
    return {"mean": measures.mean(present), "sd": measures.deviation(present), "n": len(present)}


def collect(task, steps, methods, jobs, failed):
    """Everything the report shows but the curves. `failed`: {(method, seed): reason}."""
    lines = {(job.method, job.seed): read_metrics(job.folder) for job in jobs if job.finished()}
    runs = {key: measures.measure_run(found) for key, found in lines.items()}
    seeds = sorted({job.seed for job in jobs})
    reference = [runs[REFERENCE, seed] for seed in seeds if (REFERENCE, seed) in runs]
    levels = measures.reward_levels([run["reward_start"] for run in reference], [run["reward_end"] for run in reference])
    for key, run in runs.items():
        reward, entropy = measures.values_of(lines[key], "reward/mean"), measures.values_of(lines[key], "entropy/mean")
        run["at_reward"] = {f"{level:.2f}": {"steps": measures.steps_to_reward(reward, level),
                                             "entropy": measures.entropy_at_reward(reward, entropy, level)} for level in levels}

    def by_seed(method, pick):
        return {seed: pick(runs[method, seed]) for seed in seeds if (method, seed) in runs}

    out_methods = []
    for method in methods:
        name = method["name"]
        own = [runs[name, seed] for seed in seeds if (name, seed) in runs]
        if not own:
            continue
        entry = {"name": name, "title": method["title"], "what": method["what"], "source": method["source"], "settings": method["set"],
                 "runs": {str(seed): runs[name, seed] for seed in seeds if (name, seed) in runs},
                 "spread": {key: spread([run[key] for run in own]) for key in own[0] if key != "at_reward"},
                 "at_reward": {}, "paired": {},
                 "clip_by_probability": measures.clip_by_probability([line for seed in seeds for line in lines.get((name, seed), [])])}
        for level in own[0]["at_reward"]:
            entry["at_reward"][level] = {
                key: {**spread([run["at_reward"][level][key] for run in own]),
                      "paired": measures.paired(by_seed(name, lambda run, k=key, l=level: run["at_reward"][l][k]),
                                                by_seed(REFERENCE, lambda run, k=key, l=level: run["at_reward"][l][k]))}
                for key in ("steps", "entropy")}
        for key in COMPARED:
            entry["paired"][key] = measures.paired(by_seed(name, lambda run, k=key: run[k]), by_seed(REFERENCE, lambda run, k=key: run[k]))
        out_methods.append(entry)
    counterfactuals = [{"method": job.method, "seed": job.seed, **found} for job in jobs if (found := read_counterfactual(job.folder)) is not None]
    missing = [{"method": job.method, "seed": job.seed, "reason": failed.get((job.method, job.seed), "not run yet")}
               for job in jobs if (job.method, job.seed) not in runs]
    return {"task": task["name"], "title": task["title"], "eval_note": task["eval_note"], "steps": steps, "seeds": seeds, "reference": REFERENCE,
            "reward_levels": levels, "methods": out_methods, "missing": missing, "counterfactuals": counterfactuals}


def curves(jobs, names):
    """{method: {name: [(step, mean over seeds, least, greatest), …]}} of the given numbers and of every dial that a run recorded (`dial/…`)."""
    out = {}
    for job in jobs:
        if not job.finished():
            continue
        lines = read_metrics(job.folder)
        dials = sorted({name for line in lines for name in line if name.startswith("dial/")})
        for name in [*names, *dials]:
            out.setdefault(job.method, {}).setdefault(name, []).append(dict(measures.series(lines, name)))
    return {method: {name: band(found) for name, found in by_name.items()} for method, by_name in out.items()}


def band(runs):
    """Step by step over the runs that have the step: (step, mean, least, greatest)."""
    steps = sorted({step for run in runs for step in run})
    out = []
    for step in steps:
        values = [run[step] for run in runs if step in run]
        out.append((step, measures.mean(values), min(values), max(values)))
    return out
