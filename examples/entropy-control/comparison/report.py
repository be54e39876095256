"""The page: one HTML file that needs nothing else. No script; pictures are SVG in the page."""
import html
import pathlib

from . import measures
from .charts import Panel, difference_rows, limits, number

PROBABILITIES = [(0.1, "c1"), (0.5, "c2"), (0.9, "c3")]  # where the threshold lines are drawn
CURVE_NAMES = (["reward/mean", "entropy/mean", "clip/upper_intercept", "clip/upper_slope", "clip/lower_intercept", "clip/lower_slope"]
               + [f"region/e{region}_share" for region in (1, 2, 3, 4)])
EPS_SHOWN = 0.6  # thresholds beyond are drawn at the edge

COMPARED_TITLES = {
    "reward_end": "reward at the end", "pass_at_1": "pass@1", "pass_at_8": "pass@8", "entropy_end": "entropy at the end (nats)",
    "entropy_half_2": "mean entropy of the second half (nats)",
}


def esc(text):
    return html.escape(str(text), quote=True)


def with_sd(spread, digits=3, percent=False):
    """The mean, and below it ± sd over seeds; or a dash."""
    if not spread or spread["mean"] is None:
        return "—"
    scale, unit = (100, " %") if percent else (1, "")
    text = f"{scale * spread['mean']:.{digits}f}{unit}"
    return text if spread["sd"] is None else f"{text}<br><small>± {scale * spread['sd']:.{digits}f}</small>"


def some_reached(spread, seeds, digits=1):
    """Like with_sd, for what not every run reaches."""
    if not spread["n"]:
        return "<small>never</small>"
    return with_sd(spread, digits) + ("" if spread["n"] == seeds else f"<br><small>{spread['n']} of {seeds} seeds</small>")


def table(caption, heads, rows):
    """heads: [(text as HTML, explanation)]; rows: [[cell as HTML, …]], the first of a row is its head. Explanations stand below as well, for fingers and
    keyboards."""
    head = "".join(f'<th scope="col" title="{esc(hint)}">{text}</th>' for text, hint in heads)
    body = "".join("<tr>" + f'<th scope="row">{cells[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in cells[1:]) + "</tr>" for cells in rows)
    return (f'<div class="scroll" tabindex="0" role="region" aria-label="{esc(caption)}"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>" + column_notes(heads))


def column_notes(heads):
    notes = dict.fromkeys(f"<li><strong>{text}</strong>: {esc(hint)}</li>" for text, hint in heads if hint)
    return f'<details><summary>What the columns mean</summary><ul>{"".join(notes)}</ul></details>' if notes else ""


def main_table(results):
    seeds = len(results["seeds"])
    levels = [f"{level:.2f}" for level in results["reward_levels"]]
    heads = [("method", ""), ("reward, start", "mean of the first 5 steps"), ("reward, end", "mean of the last 10 steps"), ("pass@1", results["eval_note"]),
             ("pass@8", results["eval_note"]), ("entropy, start", "nats; of the first step, before any update"),
             ("entropy, end", "nats; mean of the last 10 steps"), ("entropy, least", "nats; of one step"),
             ("half-life", "steps until entropy is half of its start")]
    heads += [(f"steps to {level}", "steps until the mean reward of 5 steps gets there") for level in levels]
    heads += [("seconds", "of all steps with the evaluation; two runs side by side")]
    rows = []
    for method in results["methods"]:
        s = method["spread"]
        rows.append([esc(method["title"]), with_sd(s["reward_start"]), with_sd(s["reward_end"]), with_sd(s["pass_at_1"]), with_sd(s["pass_at_8"]),
                     with_sd(s["entropy_start"]), with_sd(s["entropy_end"]), with_sd(s["entropy_min"]), some_reached(s["entropy_half_life"], seeds)]
                    + [some_reached(method["at_reward"][level]["steps"], seeds) for level in levels] + [with_sd(s["seconds"], 0)])
    return table("Results by method", heads, rows)


def clip_table(results):
    heads = [("method", ""), ("clipped high", "share of trained tokens that the upper bound clipped, over all updates"),
             ("their q", "mean old probability of those tokens"), ("their e<sup>−H</sup>", "mean of e to the minus entropy where they stood"),
             ("clipped low", "share of trained tokens that the lower bound clipped"), ("their q", "mean old probability of those tokens"),
             ("their e<sup>−H</sup>", "mean of e to the minus entropy where they stood")]
    rows = []
    for method in results["methods"]:
        s = method["spread"]
        rows.append([esc(method["title"])] + [cell for side in ("high", "low") for cell in
                                              (with_sd(s[f"clip_{side}_frac"], 2, percent=True), with_sd(s[f"clip_{side}_mean_q"]),
                                               with_sd(s[f"clip_{side}_exp_minus_entropy"]))])
    return table("Clipped tokens by method", heads, rows)


def difference_cell(paired, digits=3):
    """Mean ± SE, the differences seed by seed, and the verdict."""
    if paired["mean"] is None:
        return "—"
    text = f"{paired['mean']:+.{digits}f}"
    if paired["se"] is not None:
        text += f" <small>± {paired['se']:.{digits}f}</small>"
    each = " ".join(f"{value:+.{digits}f}" for value in paired["differences"].values())
    css = "verdict outside" if paired["verdict"] == "outside the noise" else "verdict soft"
    return f'{text}<br><small>{each}</small><br><span class="{css}">{esc(paired["verdict"])}</span>'


def difference_table(results):
    heads = [("method", "")] + [(COMPARED_TITLES[key], "minus the reference, same seed: mean ± standard error; seed by seed; verdict")
                                for key in COMPARED_TITLES]
    rows = [[esc(method["title"])] + [difference_cell(method["paired"][key]) for key in COMPARED_TITLES]
            for method in results["methods"] if method["name"] != results["reference"]]
    return table("Differences to the reference, by seed", heads, rows)


def equal_reward_table(results):
    levels = [f"{level:.2f}" for level in results["reward_levels"]]
    heads = [("method", "")]
    for level in levels:
        heads += [(f"entropy at reward {level}", "nats, when the mean reward of 5 steps first gets there"),
                  ("minus reference", "same seed: mean ± standard error; seed by seed; verdict")]
    rows = []
    for method in results["methods"]:
        cells = [esc(method["title"])]
        for level in levels:
            at = method["at_reward"][level]["entropy"]
            cells += [some_reached(at, len(results["seeds"]), 3), "" if method["name"] == results["reference"] else difference_cell(at["paired"])]
        rows.append(cells)
    return table("Entropy at equal reward", heads, rows)


def difference_pictures(results):
    others = [method for method in results["methods"] if method["name"] != results["reference"]]
    pictures = [(f"{title}, minus {results['reference']}", lambda method, k=key: method["paired"][k]) for key, title in COMPARED_TITLES.items()]
    if results["reward_levels"]:
        level = f"{results['reward_levels'][len(results['reward_levels']) // 2]:.2f}"
        pictures.append((f"entropy at reward {level} (nats), minus {results['reference']}",
                         lambda method: method["at_reward"][level]["entropy"]["paired"]))
    out = []
    for title, pick in pictures:
        rows = [(method["title"], list(paired["differences"].values()), paired["mean"], paired["se"], paired["verdict"] == "outside the noise")
                for method in others for paired in [pick(method)]]
        if any(row[2] is not None for row in rows):
            out.append(f"<figure><figcaption>{esc(title)}</figcaption>{difference_rows(rows, title)}</figure>")
    return '<div class="grid-of-rows">' + "".join(out) + "</div>" if out else "<p>One method alone: nothing to compare.</p>"


def noise_words(results):
    seeds = len(results["seeds"])
    if seeds < 2:
        return "One seed: differences say nothing about methods."
    cells = sum(1 for method in results["methods"] if method["name"] != results["reference"] for key in COMPARED_TITLES
                if method["paired"][key]["se"] is not None)
    chance = measures.false_alarms(seeds)
    return (f"A difference is <em>inside the noise</em> unless all {seeds} seeds agree on its sign and its mean is at least two standard errors from 0. That is a weak test: "
            f"{seeds} of {seeds} equal signs happen by chance with p = {2 * 0.5 ** seeds:.2g}, and differences that are pure noise pass the whole test {100 * chance:.2g} times "
            f"in 100. Of the {cells} differences below about {chance * cells:.0f} would look clear by luck alone.")


def in_words(results):
    """What is outside the noise, measure by measure."""
    if len(results["seeds"]) < 2:
        return ""
    entries = []
    for key, title in COMPARED_TITLES.items():
        clear = [f"{esc(method['title'])} ({method['paired'][key]['mean']:+.3f})" for method in results["methods"]
                 if method["name"] != results["reference"] and method["paired"][key]["verdict"] == "outside the noise"]
        entries.append(f"<li>{esc(title)}: {', '.join(clear) if clear else 'none'}</li>")
    return f"<p>Outside the noise:</p><ul>{''.join(entries)}</ul>"


def panels(results, draw, nothing="The runs have no such numbers."):
    """draw(method) → a Panel or None; one figure for each method that has something to show."""
    out = []
    for method in results["methods"]:
        panel = draw(method)
        if panel is not None:
            out.append(f"<figure><figcaption>{esc(method['title'])}</figcaption>{panel.svg()}</figure>")
    return '<div class="grid-of-panels">' + "".join(out) + "</div>" if out else f"<p>{nothing}</p>"


def all_values(curves, names):
    return [value for by_name in curves.values() for name in names for _, *values in by_name.get(name, []) for value in values]


def curve_panels(results, curves, name, label):
    shown = all_values(curves, [name])
    if not shown:
        return "<p>The runs have no such numbers.</p>"
    y_range = limits(shown, floor=0)
    reference = curves.get(results["reference"], {}).get(name, [])

    def draw(method):
        points = curves.get(method["name"], {}).get(name, [])
        panel = Panel((0, results["steps"] - 1), y_range, f"{label} of {method['title']} over the steps, from {number(points[0][1])} to "
                      f"{number(points[-1][1])}" if points else label)
        if method["name"] != results["reference"]:
            panel.line([(step, value) for step, value, _, _ in reference], "ref", results["reference"])
        panel.band([(step, low, high) for step, _, low, high in points], "b1")
        panel.line([(step, value) for step, value, _, _ in points], "c1", method["title"])
        return panel
    return panels(results, draw)


def path_of(curves, method):
    """(reward, entropy) step by step, both as running means."""
    by_name = curves.get(method, {})
    reward = measures.smooth([value for _, value, _, _ in by_name.get("reward/mean", [])])
    entropy = measures.smooth([value for _, value, _, _ in by_name.get("entropy/mean", [])])
    return list(zip(reward, entropy))


def path_panels(results, curves):
    paths = {method["name"]: path_of(curves, method["name"]) for method in results["methods"]}
    points = [point for path in paths.values() for point in path]
    x_range, y_range = limits([x for x, _ in points]), limits([y for _, y in points], floor=0)
    reference = paths.get(results["reference"], [])

    def draw(method):
        panel = Panel(x_range, y_range, f"Entropy against reward of {method['title']}", x_label="reward")
        if method["name"] != results["reference"]:
            panel.line(reference, "ref", results["reference"])
        panel.line(paths[method["name"]], "c1", method["title"])
        return panel
    return panels(results, draw)


def thresholds_of(curves, method):
    """{"upper": [(step, intercept, slope)], "lower": …}; a side that is off, or a method without clip thresholds, has none."""
    by_name = curves.get(method, {})
    out = {}
    for side in ("upper", "lower"):
        slopes = {step: value for step, value, _, _ in by_name.get(f"clip/{side}_slope", [])}
        out[side] = [(step, value, slopes.get(step, 0.0)) for step, value, _, _ in by_name.get(f"clip/{side}_intercept", [])]
    return out


def constant_box(sides):
    """(eps_low, eps_high), None for a side that is off, when nothing moves and nothing slopes; else None."""
    if any(slope != 0 for points in sides.values() for _, _, slope in points) or any(len({value for _, value, _ in points}) > 1 for points in sides.values()):
        return None
    return tuple(sides[side][0][1] if sides[side] else None for side in ("lower", "upper"))


def constant_boxes(results, curves):
    entries = []
    for method in results["methods"]:
        box = constant_box(thresholds_of(curves, method["name"]))
        if box is not None and box != (None, None):
            low, high = ("off" if side is None else f"{side:g}" for side in box)
            entries.append(f"{esc(method['title'])}: {low} below, {high} above")
    return f"<p>Constant boxes, not drawn: {'; '.join(entries)}.</p>" if entries else ""


def threshold_panels(results, curves):
    def draw(method):
        sides = thresholds_of(curves, method["name"])
        if constant_box(sides) is not None:
            return None
        panel = Panel((0, results["steps"] - 1), (-EPS_SHOWN / 1.5, EPS_SHOWN), f"Thresholds of {method['title']} over the steps")
        panel.level(0)
        for side, sign in (("upper", 1), ("lower", -1)):
            for probability, css in PROBABILITIES:
                panel.line([(step, sign * (intercept + slope * probability)) for step, intercept, slope in sides[side]], css, f"p = {probability}")
        return panel
    return panels(results, draw, "No method moved its thresholds.")


def dial_figures(results, curves):
    """One panel for every dial that a method's schedule moved; each has its own scale."""
    out = []
    for method in results["methods"]:
        for name, points in sorted(curves.get(method["name"], {}).items()):
            if not name.startswith("dial/") or not points:
                continue
            dial = name.removeprefix("dial/")
            panel = Panel((0, results["steps"] - 1), limits([value for _, *values in points for value in values], floor=0), f"{dial} of {method['title']} over the steps")
            panel.band([(step, low, high) for step, _, low, high in points], "b1")
            panel.line([(step, value) for step, value, _, _ in points], "c1", dial)
            out.append(f"<figure><figcaption>{esc(method['title'])}: <code>{esc(dial)}</code></figcaption>{panel.svg()}</figure>")
    return f'<p>Dials that a schedule moved:</p><div class="grid-of-panels">{"".join(out)}</div>' if out else ""


def region_panels(results, curves):
    names = [f"region/e{region}_share" for region in (1, 2, 3, 4)]
    y_range = limits([value for by_name in curves.values() for name in names for _, value, _, _ in by_name.get(name, [])], floor=0)

    def draw(method):
        panel = Panel((0, results["steps"] - 1), y_range, f"Shares of the four regions of {method['title']} over the steps", percent=True)
        for region, name in enumerate(names, 1):
            panel.line([(step, value) for step, value, _, _ in smooth_means(curves.get(method["name"], {}).get(name, []))], f"c{region}", f"E{region}")
        return panel if panel.parts else None
    return panels(results, draw)


def smooth_means(points):
    means = measures.smooth([value for _, value, _, _ in points])
    return [(step, value, low, high) for (step, _, low, high), value in zip(points, means)]


def probability_panels(results):
    shown = [entry[side] for method in results["methods"] for entry in method["clip_by_probability"] for side in ("high", "low")]
    if not shown:
        return "<p>The runs have no <code>clip/by_q/…</code> numbers.</p>"
    y_range = limits(shown, floor=0)

    def draw(method):
        bins = method["clip_by_probability"]
        if not bins:
            return None
        panel = Panel((0, 1), y_range, f"Share of clipped tokens of {method['title']} by token probability", x_label="old probability q", percent=True)
        for side, css in (("high", "c1"), ("low", "c2")):
            panel.steps([(entry["from"], entry["from"] + 0.1, entry[side]) for entry in bins], css, f"clipped {side}")
        return panel
    return panels(results, draw)


def legend(entries):
    keys = "".join(f'<li><svg viewBox="0 0 34 10" aria-hidden="true"><line class="key {css}" x1="1" x2="33" y1="5" y2="5"/></svg>{esc(text)}</li>'
                   for css, text in entries)
    return f'<ul class="legend">{keys}</ul>'


def counterfactual_section(results):
    """What `entrain counterfactual` found on recorded steps of these runs, as it stands in the files."""
    rows = []
    for entry in results["counterfactuals"]:
        settings = [setting for setting in entry.get("settings", []) if isinstance(setting, dict)]
        for setting in settings[1:]:  # the first is the applied one
            shown = [setting.get(key) if measures.is_number(setting.get(key)) else None
                     for key in ("difference", "standard_error", "clip/high_frac", "clip/low_frac")]
            rows.append([esc(f"{entry['method']}, seed {entry['seed']}"), esc(setting.get("name", "?")), str(len(entry.get("steps", [])))]
                        + ["—" if value is None else f"{scale * value:{form}}"
                           for value, scale, form in zip(shown, (1000, 1000, 100, 100), ("+.2f", ".2f", ".2f", ".2f"))])
    if not rows:
        return ""
    return ('<section id="counterfactual"><h2>The same step under other thresholds</h2><p>From <code>entrain counterfactual</code>: recorded steps repeated from the '
            "same weights and the same batch under other thresholds. Change of entropy minus that of the applied ones, in 10<sup>−3</sup> nats a step.</p>"
            + table("Counterfactual steps", [("run", ""), ("thresholds", ""), ("steps", "recorded"), ("difference", "mean over the steps"),
                                             ("standard error", "over the steps"), ("clipped high, %", ""), ("clipped low, %", "")], rows) + "</section>")


SECTIONS = [("result", "Result"), ("differences", "Differences, seed by seed"), ("equal-reward", "At equal reward"), ("entropy", "Entropy"), ("reward", "Reward"),
            ("paths", "Entropy against reward"), ("thresholds", "Thresholds"), ("clipped", "Clipped tokens"), ("regions", "Regions"), ("methods", "Methods")]


def page(results, curves):
    seeds = len(results["seeds"])
    css = (pathlib.Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    runs = sum(len(method["runs"]) for method in results["methods"])
    reference = esc(next((method["title"] for method in results["methods"] if method["name"] == results["reference"]), results["reference"]))
    missing = ""
    if results["missing"]:
        entries = "".join(f"<li>{esc(entry['method'])}, seed {entry['seed']}: {esc(entry['reason'])}</li>" for entry in results["missing"])
        missing = f"<details open><summary>{len(results['missing'])} runs are missing</summary><ul>{entries}</ul></details>"
    navigation = "".join(f'<li><a href="#{key}">{title}</a></li>' for key, title in SECTIONS)
    own = legend([("c1", "the method: mean over seeds, with the range of the seeds"), ("ref", reference)])
    methods = "".join(f"<li><strong>{esc(m['title'])}</strong> <span class=\"soft\">({esc(m['source'])})</span>: {esc(m['what'])}<br>"
                      f"<code>{esc(' '.join('--set ' + setting for setting in m['settings']))}</code></li>" for m in results["methods"])
    body = {
        "result": f"<p>{'One seed, so no spread' if seeds == 1 else f'Means ± standard deviation over {seeds} seeds'}. pass@k is measured at the end {esc(results['eval_note'])}. "
                  f"A dash: the run has no such number.</p>{main_table(results)}",
        "differences": f"<p>All runs of a seed share the warmed-up model, the order of the prompts and the random numbers they begin with; so each run is compared "
                       f"with the {reference} run of its seed. {noise_words(results)}</p>" + in_words(results)
                       + '<p class="soft">Dots: single seeds. Square: their mean, filled when outside the noise. Bar: two standard errors to each side.</p>'
                       + difference_pictures(results) + "<details><summary>The same as numbers</summary>" + difference_table(results) + "</details>",
        "equal-reward": "<p>Entropy falls as reward rises, so a slower learner has more entropy at the same step without controlling anything. Here runs are compared "
                        f"when they have learnt equally much.</p>{equal_reward_table(results)}",
        "entropy": f"<p>Mean over the tokens of a step's completions, before its update, in nats.</p>{own}" + curve_panels(results, curves, "entropy/mean", "Entropy"),
        "reward": own + curve_panels(results, curves, "reward/mean", "Reward"),
        "paths": "<p>Running means of 5 steps. A method that only learns faster or slower stays on the grey line; one that changes the exchange leaves it.</p>"
                 + legend([("c1", "the method"), ("ref", reference)]) + path_panels(results, curves),
        "thresholds": "<p>How far the ratio may rise above 1 (upper part) and fall below it (lower part) for tokens of three probabilities; thresholds beyond "
                      f"{EPS_SHOWN} are drawn at the edge. A side that is off has no line.</p>"
                      + legend([(css_, f"p = {probability}") for probability, css_ in PROBABILITIES]) + threshold_panels(results, curves) + constant_boxes(results, curves)
                      + dial_figures(results, curves),
        "clipped": "<p>Clip thresholds can only act on tokens that they clip. Clipping raises entropy on the low side and lowers it on the high side as long as the clipped "
                   "tokens are improbable: their q below e<sup>−H</sup>.</p>" + clip_table(results)
                   + "<p>Share of clipped tokens by the token's old probability, over the whole run:</p>"
                   + legend([("c1", "clipped high"), ("c2", "clipped low")]) + probability_panels(results),
        "regions": "<p>Shares of tokens, running means of 5 steps. E1: good and probable (lowers entropy), E2: good and improbable (raises), E3: bad and probable (raises), "
                   "E4: bad and improbable (lowers).</p>" + legend([(f"c{region}", f"E{region}") for region in (1, 2, 3, 4)]) + region_panels(results, curves),
        "methods": f"<p>Every method had one trial, with its published defaults; none was tuned to this task.</p><ul>{methods}</ul>",
    }
    sections = "".join(f'<section id="{key}"><h2>{title}</h2>{body[key]}</section>' for key, title in SECTIONS)
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>Entropy control: {esc(results['title'])}</title><style>{css}</style></head><body>"
            f'<a class="skip" href="#result">Skip to the results</a><header><h1>Entropy control: {esc(results["title"])}</h1>'
            f'<p class="soft">{len(results["methods"])} methods, {seeds} seed{"s" if seeds != 1 else ""}, {runs} runs of {results["steps"]} steps, one warm start for all.</p>'
            f"{missing}</header><nav aria-label=\"Sections\"><ul>{navigation}</ul></nav><main>{sections}{counterfactual_section(results)}</main></body></html>\n")
