"""Pictures as inline SVG: small panels (one method each, the reference in grey behind it) and rows of paired differences.

Every picture is drawn in the units of its viewBox and takes its colours from the page's CSS variables, so that it fits a phone and a dark page.
Lines differ by dash as well as by colour.
"""
import html
import math

WIDTH, HEIGHT = 260, 154
LEFT, RIGHT, TOP, BOTTOM = 34, 8, 8, 25


def ticks(low, high, count=5):
    """Round numbers from low to high: steps of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [index * step for index in range(first, int(math.floor(high / step + 1e-9)) + 1)]


def number(value):
    """Short: at most three digits that count, no needless zeros."""
    if value is None:
        return "—"
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:.0f}"
    text = f"{value:.3g}"
    return text if "e" not in text else f"{value:.1e}"


class Panel:
    """One small plot: x and y axes with few ticks, then lines."""

    def __init__(self, x_range, y_range, title, x_label="step", percent=False):
        self.x0, self.x1 = x_range
        self.y0, self.y1 = y_range
        if not self.x1 > self.x0:
            self.x1 = self.x0 + 1
        if not self.y1 > self.y0:
            self.y1 = self.y0 + 1
        self.title, self.x_label, self.percent = title, x_label, percent
        self.parts = []

    def x(self, value):
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - self.x0) / (self.x1 - self.x0)

    def y(self, value):
        value = min(max(value, self.y0), self.y1)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - self.y0) / (self.y1 - self.y0)

    def line(self, points, css, hint=""):
        """points: [(x, y)]."""
        if len(points) < 2:
            return
        text = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        self.parts.append(f'<polyline class="{css}" points="{text}"><title>{html.escape(hint)}</title></polyline>')

    def band(self, points, css):
        """points: [(x, low, high)]."""
        if len(points) < 2:
            return
        there = [f"{self.x(x):.1f},{self.y(high):.1f}" for x, _, high in points]
        back = [f"{self.x(x):.1f},{self.y(low):.1f}" for x, low, _ in reversed(points)]
        self.parts.append(f'<polygon class="{css}" points="{" ".join(there + back)}"/>')

    def steps(self, points, css, hint=""):
        """A staircase: points [(left, right, y)]."""
        corners = []
        for left, right, value in points:
            corners += [(left, value), (right, value)]
        self.line(corners, css, hint)

    def level(self, value, css="axis"):
        self.parts.append(f'<line class="{css}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self.y(value):.1f}" y2="{self.y(value):.1f}"/>')

    def svg(self):
        frame = []
        for tick in ticks(self.y0, self.y1):
            y = self.y(tick)
            text = number(100 * tick) + "%" if self.percent else number(tick)
            frame.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                         f'<text class="tick" x="{LEFT - 4}" y="{y + 3:.1f}" text-anchor="end">{text}</text>')
        x_ticks = ticks(self.x0, self.x1)
        for tick in x_ticks:
            anchor = "end" if self.x(tick) > WIDTH - RIGHT - 8 else "middle"
            frame.append(f'<text class="tick" x="{self.x(tick):.1f}" y="{HEIGHT - BOTTOM + 11}" text-anchor="{anchor}">{number(tick)}</text>')
        frame.append(f'<text class="tick" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 3}" text-anchor="middle">{html.escape(self.x_label)}</text>')
        return (f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(self.title, quote=True)}">'
                + "".join(frame) + "".join(self.parts) + "</svg>")


def limits(values, floor=None, ceiling=None):
    """A range with some room that holds the values and, when given, floor and ceiling."""
    found = [value for value in values if value is not None] + [value for value in (floor, ceiling) if value is not None]
    if not found:
        return 0.0, 1.0
    low, high = min(found), max(found)
    room = 0.05 * (high - low)
    return (low if low == floor else low - room), (high if high == ceiling else high + room)


ROW, ROWS_WIDTH, ROWS_LEFT, ROWS_RIGHT = 20, 460, 178, 14


def difference_rows(rows, label, unit=""):
    """Rows of paired differences. rows: [(title, [difference by seed], mean, se, outside)]; a hollow mark is inside the noise."""
    reach = max([abs(value) for _, found, _, _, _ in rows for value in found] + [abs(mean) + 2 * (se or 0) for _, _, mean, se, _ in rows if mean is not None]
                + [1e-9]) * 1.05
    height = ROW * len(rows) + 22

    def x(value):
        return ROWS_LEFT + (ROWS_WIDTH - ROWS_LEFT - ROWS_RIGHT) * (min(max(value, -reach), reach) + reach) / (2 * reach)

    parts = []
    for tick in ticks(-reach, reach, 6):
        parts.append(f'<line class="{"zero" if abs(tick) < 1e-12 else "grid"}" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="4" y2="{height - 18}"/>'
                     f'<text class="tick" x="{x(tick):.1f}" y="{height - 5}" text-anchor="middle">{"+" if tick > 1e-12 else ""}{number(tick)}</text>')
    for index, (title, found, mean, se, outside) in enumerate(rows):
        y = 4 + ROW * index + ROW / 2
        parts.append(f'<text class="row" x="{ROWS_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{html.escape(shortened(title))}</text>')
        for value in found:
            parts.append(f'<circle class="seed" cx="{x(value):.1f}" cy="{y:.1f}" r="2.2"/>')
        if mean is None:
            continue
        if se is not None:
            parts.append(f'<line class="bar" x1="{x(mean - 2 * se):.1f}" x2="{x(mean + 2 * se):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        hint = f"{title}: {mean:+.4g}{unit}" + (f" ± {se:.2g}" if se is not None else "")
        parts.append(f'<rect class="{"mark outside" if outside else "mark"}" x="{x(mean) - 4:.1f}" y="{y - 4:.1f}" width="8" height="8">'
                     f"<title>{html.escape(hint)}</title></rect>")
    return f'<svg viewBox="0 0 {ROWS_WIDTH} {height}" role="img" aria-label="{html.escape(label, quote=True)}">{"".join(parts)}</svg>'


def shortened(title, length=27):
    return title if len(title) <= length else title[:length - 1].rstrip(" ,") + "…"
