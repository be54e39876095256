#include "services/web/page_html.h"

namespace entrain {

const char kPageHtml[] = R"HTML(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>entrain controller</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1c2430; background: #fff; }
  h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin-top: 1.6rem; }
  table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #d9dee6; }
  tr.chosen { background: #eef4ff; } button { font: inherit; border: 0; background: none; color: #1a56c4; cursor: pointer; padding: 0; text-decoration: underline; }
  svg { width: 100%; height: 14rem; border: 1px solid #d9dee6; } .note { color: #5b6676; }
  @media (prefers-color-scheme: dark) {
    body { color: #dde3ec; background: #14181f; } th, td, svg { border-color: #333b47; } tr.chosen { background: #1d2a40; } button { color: #8ab4ff; }
  }
</style>
</head>
<body>
<h1>entrain controller</h1>
<p class="note" id="status" role="status">Loading …</p>
<table>
  <thead><tr><th>run</th><th>step</th><th>revision</th><th>entropy (nats)</th><th>state</th><th>reason</th></tr></thead>
  <tbody id="runs"></tbody>
</table>
<section id="run" hidden>
  <h2 id="title"></h2>
  <h2>Entropy, nats</h2>
  <svg id="entropy" viewBox="0 0 900 220" preserveAspectRatio="none" role="img" aria-label="entropy over steps"></svg>
  <p class="note" id="entropyrange"></p>
  <h2>Clip thresholds at p = 0 (upper solid, lower dashed)</h2>
  <svg id="bounds" viewBox="0 0 900 220" preserveAspectRatio="none" role="img" aria-label="clip thresholds over steps"></svg>
  <p class="note" id="boundsrange"></p>
  <h2>Revisions</h2>
  <table>
    <thead><tr><th>revision</th><th>from step</th><th>author</th><th>reason</th><th>time</th></tr></thead>
    <tbody id="revisions"></tbody>
  </table>
</section>
<script>
"use strict";
const $ = id => document.getElementById(id);
const show = x => x === null || x === undefined ? "–" : typeof x === "number" ? String(Math.round(x * 1e4) / 1e4) : String(x);
let chosen = decodeURIComponent(location.hash.slice(1));

async function get(path) {
  const response = await fetch(path);
  const body = await response.json();
  if (!response.ok) throw new Error(body.error || response.statusText);
  return body;
}

function row(cells) {
  const tr = document.createElement("tr");
  for (const cell of cells) {
    const td = document.createElement("td");
    if (cell instanceof Node) td.append(cell); else td.textContent = show(cell);
    tr.append(td);
  }
  return tr;
}

// Each series: {points: [[step, value]], dash}. A gap where a value is missing.
function draw(id, series) {
  const all = series.flatMap(s => s.points).filter(p => p[1] !== null);
  const svg = $(id);
  svg.replaceChildren();
  if (all.length === 0) { $(id + "range").textContent = "No values yet."; return; }
  const x0 = Math.min(...all.map(p => p[0])), x1 = Math.max(...all.map(p => p[0]), x0 + 1);
  const y0 = Math.min(0, ...all.map(p => p[1])), y1 = Math.max(...all.map(p => p[1]), y0 + 1e-6);
  for (const s of series) {
    let d = "", pen = false;
    for (const [x, y] of s.points) {
      if (y === null) { pen = false; continue; }
      d += (pen ? "L" : "M") + (900 * (x - x0) / (x1 - x0)).toFixed(1) + " " + (210 - 200 * (y - y0) / (y1 - y0)).toFixed(1);
      pen = true;
    }
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", d);
    path.setAttribute("fill", "none");
    path.setAttribute("stroke", "#3b7ddd");
    path.setAttribute("stroke-width", "2");
    path.setAttribute("vector-effect", "non-scaling-stroke");
    if (s.dash) path.setAttribute("stroke-dasharray", "6 4");
    svg.append(path);
  }
  $(id + "range").textContent = `Steps ${x0} to ${x1}, values ${show(y0)} to ${show(y1)}.`;
}

async function drawRun() {
  if (!chosen) { $("run").hidden = true; return; }
  const base = "/api/runs/" + encodeURIComponent(chosen);
  const [observations, directives, revisions] = await Promise.all(["observations", "directives", "revisions"].map(x => get(base + "/" + x)));
  $("run").hidden = false;
  $("title").textContent = chosen;
  draw("entropy", [{points: observations.map(o => [o.step, o.entropy])}]);
  draw("bounds", [{points: directives.map(d => [d.step, d.upper && d.upper[0]])}, {points: directives.map(d => [d.step, d.lower && d.lower[0]]), dash: true}]);
  $("revisions").replaceChildren(...revisions.map(r => row([r.revision, r.effective_step, r.author, r.reason, r.time])));
}

async function refresh() {
  try {
    const runs = await get("/api/runs");
    if (!chosen && runs.length > 0) chosen = runs[0].run_id;
    $("runs").replaceChildren(...runs.map(r => {
      const name = document.createElement("button");
      name.textContent = r.name || r.run_id;
      name.onclick = () => { chosen = r.run_id; location.hash = encodeURIComponent(chosen); refresh(); };
      const step = r.last_step < 0 ? "–" : r.last_step + (r.total_steps ? " of " + r.total_steps : "");
      const tr = row([name, step, r.revision + (r.held ? " (held)" : ""), r.entropy, r.directive && r.directive.state, r.directive && r.directive.reason]);
      if (r.run_id === chosen) tr.className = "chosen";
      return tr;
    }));
    await drawRun();
    $("status").textContent = runs.length === 0 ? "No runs yet." : "Updated " + new Date().toLocaleTimeString() + ". Read-only; edit with: entrain schedule set";
  } catch (error) {
    $("status").textContent = "The controller does not answer: " + error.message;
  }
}
refresh();
setInterval(refresh, 3000);
</script>
</body>
</html>
)HTML";

}  // namespace entrain
