"""Charts as SVG text, readable on a light page and on a dark one."""
import math
from dataclasses import dataclass, field

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 78, 46, 64, 58

STYLE = """
    text { font: 13px system-ui, sans-serif; fill: #6e7781; }
    .title { font-size: 16px; font-weight: 600; }
    .grid { stroke: #8c959f; stroke-opacity: 0.3; }
    .c0 { stroke: #d1495b; fill: #d1495b; } .c1 { stroke: #1a7fd4; fill: #1a7fd4; }
    .c2 { stroke: #8c8c8c; fill: #8c8c8c; } .c3 { stroke: #2a9d6f; fill: #2a9d6f; }
    .line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
    .dashed { stroke-dasharray: 6 4; }
    @media (prefers-color-scheme: dark) { text { fill: #9198a1; } .title { fill: #f0f6fc; } }
"""


@dataclass
class Axis:
    """What an axis says, where it is marked, and whether equal steps are equal factors."""
    label: str
    ticks: dict
    log: bool = True

    def place(self, value):
        """0 at the first tick, 1 at the last."""
        first, last = min(self.ticks), max(self.ticks)
        value = min(max(value, first), last)
        if self.log:
            return math.log(value / first) / math.log(last / first)
        return (value - first) / (last - first)


@dataclass
class Series:
    """A line: points (x, y), and where they have a spread, (x, lowest, highest)."""
    name: str
    colour: int
    points: list
    spread: list = field(default_factory=list)
    dashed: bool = False


def log_ticks(values, name):
    """1, 10, 100 … around some values."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return {10.0 ** power: name(10.0 ** power) for power in range(first, max(last, first + 1) + 1)}


def line_chart(title, x_axis, y_axis, series):
    """The SVG document of lines over two axes, with a legend."""
    def x(value):
        return LEFT + x_axis.place(value) * (WIDTH - LEFT - RIGHT)

    def y(value):
        return HEIGHT - BOTTOM - y_axis.place(value) * (HEIGHT - TOP - BOTTOM)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
           f' role="img" aria-label="{title}">', f"<style>{STYLE}</style>",
           f'<text class="title" x="{LEFT}" y="22">{title}</text>']
    bottom, middle = HEIGHT - BOTTOM, (TOP + HEIGHT - BOTTOM) / 2
    for value, name in x_axis.ticks.items():
        out.append(f'<path class="grid" d="M{x(value):.1f} {TOP}V{bottom}"/>')
        out.append(f'<text x="{x(value):.1f}" y="{bottom + 19}" text-anchor="middle">{name}</text>')
    for value, name in y_axis.ticks.items():
        out.append(f'<path class="grid" d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{name}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 14}" text-anchor="middle">{x_axis.label}</text>')
    out.append(f'<text transform="translate(18 {middle}) rotate(-90)" text-anchor="middle">{y_axis.label}</text>')

    at = LEFT
    for one in series:
        dashed = " dashed" if one.dashed else ""
        colour = f"c{one.colour}"
        path = "L".join(f"{x(a):.1f} {y(b):.1f}" for a, b in one.points)
        out.append(f'<path class="line {colour}{dashed}" d="M{path}"/>')
        for a, lowest, highest in one.spread:
            out.append(f'<path class="line {colour}" d="M{x(a):.1f} {y(lowest):.1f}V{y(highest):.1f}"/>')
            out.extend(f'<circle class="{colour}" cx="{x(a):.1f}" cy="{y(b):.1f}" r="3.2"/>'
                       for c, b in one.points if c == a)
        out.append(f'<path class="line {colour}{dashed}" d="M{at} 44h26"/>')
        out.append(f'<text x="{at + 33}" y="48.5">{one.name}</text>')
        at += 33 + 7.2 * len(one.name) + 24
    return "\n".join([*out, "</svg>", ""])
