"""Random mini-batches with what the reference says of their update: the entropy law and the regions of objectives.py.

Prints one JSON array; update_metrics_reference_test.cc computes the same with the trainer's code.
Usage: update_cases.py FOLDER_OF_OBJECTIVES_PY SEED
"""
import json
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
import objectives as ref  # noqa: E402

# Token-mean objectives that train on the mask as given.
ROWS = ["ppo_clip", "ppo_clip_dual", "clip_high_off", "flex_closed", "flex_new", "dapo", "cispo", "pos_adv_reweight",
        "steer_exp", "kl_cov", "ce_gppo", "erc", "high_entropy_tokens", "abc_grpo"]


def expected(c, doc):
    mask, adv = c["mask"], c["adv"]
    n_tokens = mask.sum()
    eff = -np.array(ref.evaluate(doc)["grad_new_logp"]) * n_tokens
    eff[np.abs(eff) < 1e-6] = 0.0  # central differences of a constant
    cut = (eff == 0) & (adv != 0) & (mask > 0)
    would = np.where(cut, ref.safe_ratio(c["new_logp"], c["old_logp"]) * adv, 0.0)
    old_s = np.exp(c["old_logp"]) * (c["old_logp"] + c["H_old"])
    surprisal = ref.entropy_region(c["old_logp"], c["H_old"], adv, mask)
    # The exact rule is the simplified one with N − S for the surprisal and 0 for the entropy.
    score = ref.entropy_region(old_s - c["N_old"], np.zeros_like(adv), adv, mask)

    def change(g):
        return float(ref.predicted_dH(g, c["new_logp"], c["H_new"], c["N_new"], mask))

    out = {"entropy/predicted_change": change(eff), "entropy/predicted_change_clipped": change(would)}
    for rule, region in (("region", surprisal), ("region_exact", score)):
        for k in range(1, 5):
            inside = region == k
            name = f"{rule}/e{k}"
            out[f"{name}_predicted_change"] = change(np.where(inside, eff, 0.0))
            out[f"{name}_predicted_change_clipped"] = change(np.where(inside, would, 0.0))
            out[f"{name}_clip_frac"] = float((cut & inside).sum() / max(inside.sum(), 1))
    return out


def main():
    cases = []
    for seed in range(int(sys.argv[2]), int(sys.argv[2]) + 3):
        c = ref.make_case(seed=seed)
        rows = ref.golden_rows(c)
        for row in ROWS:
            objective, params, extra = rows[row]
            doc = {**ref.make_doc(c), **extra, "objective": objective, "params": params}
            cases.append({"row": f"{row}, seed {seed}", "document": doc, "expected": expected(c, doc)})
    json.dump(cases, sys.stdout)


if __name__ == "__main__":
    main()
