#!/usr/bin/python3
"""report.py RESULTS.json FOLDER: the results as a Markdown page with plots (SVG)."""
import dataclasses
import json
import pathlib
import sys
from xml.sax.saxutils import escape

MARKS = {True: "reached", False: "missed", None: ""}


def as_dict(row):
    return {**dataclasses.asdict(row), "reached": row.reached}


def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def line(row):
    """One result on one line of a terminal."""
    text = f"{row.name:46} {number(row.ours):>9} {row.unit}"
    if row.against:
        text += f", {number(row.theirs)} {row.against}: {row.ratio:.2f}"
        if row.spread:
            text += f" ({row.spread[0]:.2f}..{row.spread[1]:.2f})"
    if row.goal is not None:
        sign = "<=" if row.smaller_is_better else ">="
        text += f"  [{sign} {row.goal:g}: {MARKS[row.reached]}]"
    for name, value in row.notes.items():
        text += f"\n    {name}: {value}"
    return text


def table(rows):
    yield "| what | ours | compared with | ratio (all pairs) | goal | |"
    yield "|---|--:|---|--:|--:|---|"
    for row in rows:
        ratio = ""
        if row["ratio"] is not None:
            ratio = f"{row['ratio']:.2f}"
            if row["spread"]:
                ratio += f" ({row['spread'][0]:.2f}..{row['spread'][1]:.2f})"
        against = f"{number(row['theirs'])}, {row['against']}" if row["against"] else ""
        sign = "≤" if row["smaller_is_better"] else "≥"
        goal = "" if row["goal"] is None else f"{sign} {row['goal']:g}"
        cells = (row["name"], f"{number(row['ours'])} {row['unit']}", against, ratio, goal, MARKS[row["reached"]])
        yield f"| {' | '.join(cells)} |"


def page(results):
    machine = results["machine"]
    yield f"# Results of {machine['date']}"
    yield ""
    yield (f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, Linux {machine['kernel']}; everything "
           f"on this one machine; commit {machine['commit']}; {results['seconds'] // 60} minutes"
           + (", **quick**: a first look, not a result" if results["quick"] else "") + ".")
    yield ""
    yield from table(results["rows"])
    yield ""
    yield "![Ratios](ratios.svg)"
    costs = [row for row in results["rows"] if "CPU an order, us" in row["notes"]]
    if costs:
        yield ""
        yield "![CPU an order](cpu.svg)"


def bars(title, entries, goal_of=lambda _: None):
    """A horizontal bar for each (label, value) of ENTRIES; a mark where its goal is."""
    left, width, height = 250, 420, 22
    most = max([value for _, value in entries] + [goal_of(label) or 0 for label, _ in entries]) or 1
    total = 40 + height * len(entries) + 10
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 80} {total}" '
           f'font-family="sans-serif" font-size="12" role="img" aria-label="{escape(title)}">')
    yield f'<rect width="100%" height="100%" fill="#fff"/><text x="10" y="22" font-size="14">{escape(title)}</text>'
    for i, (label, value) in enumerate(entries):
        y = 38 + i * height
        goal = goal_of(label)
        size = value / most * width
        color = "#b35900" if goal is not None and value < goal else "#2a6f97"
        yield f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(label)}</text>'
        yield f'<rect x="{left}" y="{y}" width="{size:.1f}" height="16" fill="{color}"/>'
        yield f'<text x="{left + size + 5:.1f}" y="{y + 13}">{number(value)}</text>'
        if goal is not None:
            x = left + goal / most * width
            yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 2}" y2="{y + 18}" stroke="#111" stroke-width="2"/>'
    yield "</svg>"


def plots(results):
    rows = [row for row in results["rows"] if row["ratio"] is not None]
    if rows:
        goals = {row["name"]: row["goal"] for row in rows}
        yield "ratios.svg", bars("Ours over what it is compared with; the mark is the goal",
                                 [(row["name"], row["ratio"]) for row in rows], goals.get)
    for row in results["rows"]:
        if "CPU an order, us" in row["notes"]:
            yield "cpu.svg", bars("CPU an order by process, microseconds", list(row["notes"]["CPU an order, us"].items()))


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    results, folder = json.loads(pathlib.Path(sys.argv[1]).read_text()), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text("\n".join(page(results)) + "\n")
    for name, lines in plots(results):
        (folder / name).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
