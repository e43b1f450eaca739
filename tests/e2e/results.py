#!/usr/bin/env python3
"""The table of bench-e2e, and its goals:  results.py FILE...

Figures are medians over the rounds; a ratio is the median of the rounds' ratios, of figures that were
taken one after the other. After the table comes one JSON object a goal.
"""
import json
import statistics
import sys

MODES = ("none", "testpmd", "track", "proxy", "haproxy")
OURS = ("track", "proxy")
GB = 1e9


def cpu_per_gb(said):
    return said["cpu_s"] / (said["bytes"] / GB) if said.get("bytes") and "cpu_s" in said else None


def cpu_us_each(said):
    return said["cpu_s"] / said["n"] * 1e6 if said.get("n") and "cpu_s" in said else None


def key(name):
    return lambda said: said.get(name)


# title, measure, figure of a line, decimals
ROWS = (
    ("bulk, 1 flow, Mb/s", "bulk1", key("mbit"), 0),
    ("bulk, 8 flows, Mb/s", "bulk8", key("mbit"), 0),
    ("short connections/s", "short", key("per_second"), 0),
    ("request-response p50, us", "rr1", key("p50_us"), 0),
    ("request-response p99, us", "rr1", key("p99_us"), 0),
    ("16 at once, requests/s", "rr16", key("per_second"), 0),
    ("16 at once, p50, us", "rr16", key("p50_us"), 0),
    ("16 at once, p99, us", "rr16", key("p99_us"), 0),
    ("CPU s/GB, 1 flow", "cpu-bulk1", cpu_per_gb, 3),
    ("CPU s/GB, 8 flows", "cpu-bulk8", cpu_per_gb, 3),
    ("CPU us/short connection", "cpu-short", cpu_us_each, 2),
    ("CPU us/request, one at a time", "rr1", cpu_us_each, 2),
    ("CPU us/request, 16 at once", "rr16", cpu_us_each, 2),
    ("memory, B/idle connection", "hold", key("bytes"), 0),
)

# row, modes, beside, "ratio" or "difference", at least (+) or at most (-), goal
GOALS = (
    ("bulk, 1 flow, Mb/s", OURS, "testpmd", "ratio", +1, 0.95),
    ("bulk, 8 flows, Mb/s", OURS, "testpmd", "ratio", +1, 0.95),
    ("short connections/s", OURS, "testpmd", "ratio", +1, 0.9),
    ("request-response p50, us", OURS, "testpmd", "difference", -1, 10),
    ("CPU s/GB, 1 flow", OURS, "haproxy", "ratio", -1, 0.25),
    ("CPU s/GB, 8 flows", OURS, "haproxy", "ratio", -1, 0.25),
    ("CPU us/short connection", OURS, "haproxy", "ratio", -1, 0.25),
    ("memory, B/idle connection", ("proxy",), "haproxy", "ratio", -1, 0.25),
)


def load(paths):
    """{(measure, mode): {round: line}}"""
    cells = {}
    for path in paths:
        with open(path) as f:
            for line in map(json.loads, f):
                if line.get("bench") == "e2e" and "round" in line:
                    cells.setdefault((line["what"], line["mode"]), {})[line["round"]] = line
    return cells


class Figures:
    def __init__(self, cells):
        self.cells = cells
        self.rows = {title: (measure, figure) for title, measure, figure, _ in ROWS}

    def by_round(self, title, mode):
        measure, figure = self.rows[title]
        said = {r: figure(line) for r, line in self.cells.get((measure, mode), {}).items()}
        return {r: v for r, v in said.items() if v is not None}

    def median(self, title, mode):
        values = list(self.by_round(title, mode).values())
        return statistics.median(values) if values else None

    def beside(self, title, mode, other, kind):
        """The median of what the rounds that have both say."""
        ours, theirs = self.by_round(title, mode), self.by_round(title, other)
        both = [(ours[r], theirs[r]) for r in ours if r in theirs]
        if kind == "ratio":
            both = [a / b for a, b in both if b]
        else:
            both = [a - b for a, b in both]
        return statistics.median(both) if both else None


def text(value, decimals):
    return "-" if value is None else "%.*f" % (decimals, value)


def table(figures):
    print("\n%-30s" % "medians" + "".join("%10s" % m for m in MODES) +
          "   to testpmd: none track proxy   to haproxy: track proxy")
    for title, _, _, decimals in ROWS:
        def ratio(mode, other, row=title):
            return text(figures.beside(row, mode, other, "ratio"), 2)
        print("%-30s" % title + "".join("%10s" % text(figures.median(title, m), decimals) for m in MODES) +
              "   %16s %5s %5s   %17s %5s" % (ratio("none", "testpmd"), ratio("track", "testpmd"),
                                              ratio("proxy", "testpmd"), ratio("track", "haproxy"),
                                              ratio("proxy", "haproxy")))


def goals(figures):
    print("\n%-30s %-6s %-9s %9s %9s" % ("goal", "mode", "beside", "is", "should be"))
    lines = []
    for title, modes, other, kind, sign, goal in GOALS:
        for mode in modes:
            value = figures.beside(title, mode, other, kind)
            if value is None:
                continue
            met = value * sign >= goal * sign
            print("%-30s %-6s %-9s %9s %9s  %s" % (
                title, mode, other, ("%.3f" if kind == "ratio" else "%+.0f us") % value,
                (">= " if sign > 0 else "<= ") + (str(goal) if kind == "ratio" else "%+d us" % goal),
                "met" if met else "SHORT"))
            lines.append({"bench": "e2e", "goal": title, "mode": mode, "beside": other, "kind": kind,
                          "value": round(value, 4), "limit": goal, "met": met})
    for line in lines:
        print(json.dumps(line))


def main(paths):
    figures = Figures(load(paths))
    if not figures.cells:
        sys.exit("results.py: no results")
    table(figures)
    goals(figures)


main(sys.argv[1:])
