"""The arithmetic of the comparison, on lists of numbers; no files, no text."""
import math
import re

WINDOW = 5       # steps of the running mean
START_STEPS = 5  # what "start" of the reward is a mean of
END_STEPS = 10   # what "end" is a mean of


def mean(values):
    return sum(values) / len(values) if values else None


def deviation(values):
    """Sample standard deviation (n − 1); None for fewer than two."""
    if len(values) < 2:
        return None
    middle = mean(values)
    return math.sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1))


def smooth(values, window=WINDOW):
    """The mean of each value and those before it, `window` in all (fewer at the start)."""
    return [mean(values[max(0, i + 1 - window):i + 1]) for i in range(len(values))]


def first_crossing(values, level, rising):
    """Where a series first reaches a level, in steps, linear between them; 0.0 when it begins there, None when it never does."""
    def beyond(value):
        return value >= level if rising else value <= level
    for i, value in enumerate(values):
        if beyond(value):
            if i == 0:
                return 0.0
            before = values[i - 1]
            return i - 1 + (level - before) / (value - before)
    return None


def value_at(values, position):
    """Linear between steps; 0 ≤ position ≤ len − 1."""
    low = min(int(position), len(values) - 1)
    high = min(low + 1, len(values) - 1)
    return values[low] + (position - low) * (values[high] - values[low])


def half_life(entropy):
    """Steps until entropy is half of what the first step found (before any update); None when it does not get there."""
    return first_crossing(entropy, entropy[0] / 2, rising=False) if entropy else None


def steps_to_reward(reward, level):
    """Steps until the running mean of the reward reaches a level."""
    return first_crossing(smooth(reward), level, rising=True)


def entropy_at_reward(reward, entropy, level):
    """Entropy at the moment when the reward first reaches a level. Both as running means, so that both lag alike."""
    position = steps_to_reward(reward, level)
    return None if position is None else value_at(smooth(entropy), position)


def weighted_mean(pairs):
    """Σ value·weight / Σ weight; None without weight."""
    total = sum(weight for _, weight in pairs)
    return sum(value * weight for value, weight in pairs) / total if total > 0 else None


# How often differences that are nothing but normal noise come out "outside the noise", by the number of seeds: 200,000 drawn sets each. Exact for two:
# Student's t with one degree of freedom, 1 − (2/π)·arctan 2 = 0.295. Seven to nine seeds lie between their neighbours.
FALSE_ALARMS = {2: 0.295, 3: 0.185, 4: 0.108, 5: 0.058, 6: 0.031, 8: 0.008, 10: 0.002}


def false_alarms(seeds):
    """From the table: of the most seeds that are not more; None for one seed."""
    known = [count for count in FALSE_ALARMS if count <= seeds]
    return FALSE_ALARMS[max(known)] if known else None


def paired(values, reference):
    """Differences to the reference by seed. {seed: value}, None where there is no value.

    Verdict: "inside the noise" unless all differences have one sign and |mean| ≥ 2 standard errors. `sign_p` is the chance that n fair coins fall
    alike, 2·0.5ⁿ: what equal signs alone are worth.
    """
    seeds = sorted(seed for seed in values if values[seed] is not None and reference.get(seed) is not None)
    differences = {seed: values[seed] - reference[seed] for seed in seeds}
    found = list(differences.values())
    out = {"differences": differences, "mean": mean(found), "se": None, "sign_p": None, "verdict": "no pair"}
    if len(found) == 1:
        out["verdict"] = "one seed: says nothing"
    if len(found) >= 2:
        out["se"] = deviation(found) / math.sqrt(len(found))
        out["sign_p"] = min(1.0, 2 * 0.5 ** len(found))
        one_sign = all(value > 0 for value in found) or all(value < 0 for value in found)
        out["verdict"] = "outside the noise" if one_sign and abs(out["mean"]) >= 2 * out["se"] else "inside the noise"
    return out


def reward_levels(starts, ends):
    """Three levels between the mean start and the mean end of the reference, at a quarter, half and three quarters, rounded to 0.05. Levels that
    rounding makes equal, or that are not above the start, are left out."""
    start, end = mean(starts), mean(ends)
    if start is None or end is None or end <= start:
        return []
    levels = [round(round((start + share * (end - start)) / 0.05) * 0.05, 2) for share in (0.25, 0.5, 0.75)]
    return sorted({level for level in levels if start < level <= end})


def series(lines, name):
    """[(step, value)] of the steps that have a finite number of that name."""
    return [(line["step"], line[name]) for line in lines if is_number(line.get(name))]


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def values_of(lines, name):
    return [value for _, value in series(lines, name)]


def last(lines, name):
    found = values_of(lines, name)
    return found[-1] if found else None


def clipped_mean(lines, side, name):
    """The mean over all clipped tokens of one side of a run, from the means of its steps; None when none was clipped or it was not measured."""
    return weighted_mean([(line[name], line[f"clip/{side}_frac"] * line.get("tokens/trained", 1)) for line in lines
                          if is_number(line.get(name)) and is_number(line.get(f"clip/{side}_frac"))])


def clip_by_probability(lines):
    """Over the whole run, the share of tokens that either bound clipped, by old probability: [{from, tokens, high, low}] of the bins that had tokens.
    Empty when the run has no such numbers."""
    bins = {}
    for line in lines:
        for name, value in line.items():
            found = re.fullmatch(r"clip/by_q/(\d\.\d+)_tokens_frac", name)
            if not found or not is_number(value):
                continue
            tokens = value * line.get("tokens/trained", 1)
            entry = bins.setdefault(found[1], {"tokens": 0.0, "high": 0.0, "low": 0.0})
            entry["tokens"] += tokens
            for side in ("high", "low"):
                share = line.get(f"clip/by_q/{found[1]}_{side}_frac", 0.0)
                entry[side] += share * tokens if is_number(share) else 0.0
    return [{"from": float(begin), "tokens": entry["tokens"], "high": entry["high"] / entry["tokens"], "low": entry["low"] / entry["tokens"]}
            for begin, entry in sorted(bins.items()) if entry["tokens"] > 0]


def measure_run(lines):
    """What one run came to. Numbers that it does not have are None."""
    reward, entropy = values_of(lines, "reward/mean"), values_of(lines, "entropy/mean")
    half = len(entropy) // 2
    out = {
        "steps": len(lines),
        "reward_start": mean(reward[:START_STEPS]),
        "reward_end": mean(reward[-END_STEPS:]),
        "pass_at_1": last(lines, "eval/pass_at_1"),
        "pass_at_8": last(lines, "eval/pass_at_8"),
        "entropy_start": entropy[0] if entropy else None,
        "entropy_end": mean(entropy[-END_STEPS:]),
        "entropy_min": min(entropy, default=None),
        "entropy_half_1": mean(entropy[:half]),
        "entropy_half_2": mean(entropy[half:]),
        "entropy_half_life": half_life(entropy),
        "seconds": sum(values_of(lines, "time/step_seconds")),
    }
    for side in ("high", "low"):
        out[f"clip_{side}_frac"] = weighted_mean([(line[f"clip/{side}_frac"], line.get("tokens/trained", 1)) for line in lines
                                                  if is_number(line.get(f"clip/{side}_frac"))])
        out[f"clip_{side}_mean_q"] = clipped_mean(lines, side, f"clip/{side}_mean_q")
        out[f"clip_{side}_exp_minus_entropy"] = clipped_mean(lines, side, f"clip/{side}_mean_exp_minus_entropy")
    return out
