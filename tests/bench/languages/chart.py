#!/usr/bin/env python3
"""Makes a table and a picture of what measure.py has written: `chart.py FILE.json` writes FILE.md and FILE.svg. Measures nothing."""

import json
import sys
from html import escape
from pathlib import Path

#: What stands where a contender has no such figure.
ABSENT = "–"
#: Whose names begin so are no components.
OTHERS = ("Node.js, ", "Python, ")
COLUMNS = [
    ("Start", "exec to the first /next, ms", lambda one: one["next, ms"]["median"]),
    ("First byte", "of an invocation, ms", lambda one: one["first byte, ms"]["median"]),
    ("Memory", "after all invocations, MiB", lambda one: one["RSS at the end, MiB"]),
]
NAMES, COLUMN, BAR, ROW, TOP, MARGIN = 210, 200, 130, 30, 112, 24
STYLE = """
.page { fill: #ffffff } .strong { fill: #1c2024 } .weak { fill: #60646c } .ours { fill: #0d74ce } .other { fill: #b9bbc6 }
@media (prefers-color-scheme: dark) {
.page { fill: #111113 } .strong { fill: #edeef0 } .weak { fill: #b0b4ba } .ours { fill: #70b8ff } .other { fill: #5f606a } }
"""


def number(value):
    """Three digits say enough."""
    if value is None:
        return ABSENT
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def about(results):
    return f"{results['date']}, commit {results['commit']}. {results['machine']}. {results['note']}".strip()


def picture(results):
    contenders = results["contenders"]
    width, height = MARGIN * 2 + NAMES + COLUMN * len(COLUMNS), TOP + ROW * len(contenders) + 40
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="system-ui, sans-serif" font-size="13">',
        f"<title>One greeting in five kinds of components, beside AWS's own clients</title>\n<style>{STYLE}</style>",
        '<rect class="page" width="100%" height="100%"/>',
        f'<text class="strong" x="{MARGIN}" y="36" font-size="19" font-weight="600">One greeting, as components and on AWS\'s own clients</text>',
        f'<text class="weak" x="{MARGIN}" y="56">Shorter is better. Blue: components on Firstbyte, each request in an instance of its own. Grey: what AWS offers.</text>',
    ]
    for row, one in enumerate(contenders):
        base = TOP + row * ROW + 15
        weight = "" if one["name"].startswith(OTHERS) else ' font-weight="600"'
        lines.append(f'<text class="strong" x="{MARGIN}" y="{base}"{weight}>{escape(one["name"])}</text>')
    for column, (title, unit, figure) in enumerate(COLUMNS):
        x = MARGIN + NAMES + column * COLUMN
        longest = max(figure(one) for one in contenders)
        lines.append(f'<text class="strong" x="{x}" y="84" font-weight="600">{title}</text><text class="weak" x="{x}" y="100" font-size="11">{unit}</text>')
        for row, one in enumerate(contenders):
            length, top = max(2, figure(one) / longest * BAR), TOP + row * ROW
            kind = "other" if one["name"].startswith(OTHERS) else "ours"
            lines.append(
                f'<rect class="{kind}" x="{x}" y="{top}" width="{length:.1f}" height="20" rx="2"/>'
                f'<text class="strong" x="{x + length + 6:.1f}" y="{top + 15}">{number(figure(one))}</text>'
            )
    return "\n".join([*lines, f'<text class="weak" x="{MARGIN}" y="{height - 14}" font-size="10">{escape(results["machine"])}, {escape(results["date"])}</text>', "</svg>", ""])


def table(results, name):
    def cell(figures):
        return f"{number(figures['median'])} ({' to '.join(map(number, figures['quartiles']))})"

    lines = [
        "# One greeting, as components and on AWS's own clients\n", about(results) + "\n",
        f"Medians of {results['starts']} starts and of {results['invocations']} invocations, back to back, with quartiles in parentheses. All were measured in turns;"
        f" the load average at the end was {results['load']:.2f}. `tests/bench/languages/run.sh` measures the same elsewhere.\n",
        f"![Start, first byte and memory of each, as bars]({name}.svg)\n",
        "| | exec to `/next`, ms | CPU until then, ms | first byte, ms | its lowest decile | CPU per invocation, ms | RSS after init; at the end, MiB | zip, MB | failures |",
        "|---|" + "--:|" * 8,
    ]  # fmt: skip
    for one in results["contenders"]:
        size = one["zip, bytes"]
        cells = [
            one["name"], cell(one["next, ms"]), cell(one["CPU until next, ms"]), cell(one["first byte, ms"]), number(one["first byte, ms"]["lowest decile"]),
            number(one["CPU per invocation, ms"]), f"{number(one['RSS after init, MiB'])}; {number(one['RSS at the end, MiB'])}",
            number(size and size / 1e6), str(one["failures"]),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", "awslambdaric cannot stream: its first byte is its only one. A zip is a component's alone, without the layer that all share.", ""])


def main():
    source = Path(sys.argv[1])
    results = json.loads(source.read_text())
    source.with_suffix(".svg").write_text(picture(results))
    source.with_suffix(".md").write_text(table(results, source.stem))


main()
