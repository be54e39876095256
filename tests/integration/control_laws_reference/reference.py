"""Control laws of tests/golden/objectives/objectives.py over series of entropies.

stdin: [{"law", "settings", "steps", "total_steps", "entropy": [number or null, …]}, …]; stdout: one list of values a case, what step k uses at
place k: it has seen the entropies up to and including that of step k. Only the loop over steps is here: every formula is the reference's.
"""
import json
import math
import sys

sys.path.insert(0, sys.argv[1])
import objectives as ref


def entropy_guided(case, s):
    value, out = s["initial"], []
    for h in case["entropy"]:
        if h is not None:
            value = ref.posadv_lambda_entropy(value, h, s["target"], s["delta"])
        out.append(value)
    return out


def aer(case, s):
    value, h_init, out = s["initial"], s.get("h_init"), []
    for h in case["entropy"]:
        if h is not None:
            h_init = h if h_init is None else h_init
            value = ref.aer_alpha_step(value, h, h_init, s["tau"], s["rate"], s["max"])
        out.append(value)
    return out


def magic(case, s):
    value, out = s["initial"], []
    for h in case["entropy"]:
        if h is not None:
            value = ref.magic_coef_step(value, h, s["target"], s["delta"], s["min"], s["max"])
        out.append(value)
    return out


def entropic(case, s):
    value, integral, out = 0.0, 0.0, []
    for h in case["entropy"]:
        if h is not None:
            value, integral = ref.entropic_alpha(h, s["target"], integral, s["kp"], s["ki"])
        out.append(value)
    return out


def stage(case, s):
    return [ref.posadv_lambda_stage(min(k, case["total_steps"]), case["total_steps"]) for k in range(case["steps"])]


def epoch(case, s):
    total, epochs = case["total_steps"], s["epochs"]
    return [ref.posadv_lambda_epoch(min(k * epochs // total + 1, epochs), epochs) for k in range(case["steps"])]


def thermostat(case, s):
    """[eps_low, eps_high], null where infinite."""
    mode, ema, count, box, out = "hold", None, 0, [0.2, 0.2], []
    for h in case["entropy"]:
        if h is not None:
            ema = h if ema is None else s["ema"] * h + (1 - s["ema"]) * ema
            count += 1
            if count % s["interval"] == 0:
                mode, low, high = ref.clip_thermostat(mode, ema, s["target"], s["band"])
                box = [low, None if math.isinf(high) else high]
        out.append(box)
    return out


def inflection(case, s):
    """The step at which t* is known, once; null without one."""
    found = ref.nova_inflection([h for h in case["entropy"] if h is not None], s["n_base"], s["margin"])
    return [None if found is None else [k for k, h in enumerate(case["entropy"]) if h is not None][found + 1]]


print(json.dumps([globals()[case["law"]](case, case["settings"]) for case in json.load(sys.stdin)]))
