#!/usr/bin/env python3
"""The comparisons' results: one JSON object a line, and the tables made of them.

    results.py add FILE RUN CELL STACK SEED DIRECTION    a run's line, from what lies in RUN
    results.py table FILE...
    results.py fair FILE RUN STACK SEED
    results.py fairness FILE...
"""
import json
import math
import os
import statistics
import sys

GOAL_CELL, GOAL_MEAN, GOAL_RESENT, GOAL_JAIN = 0.95, 1.0, 1.2, 0.98
SPLIT_GOAL = 3.0         # "several times more"
RESENT_NOISE = 0.0005    # a share below it is not compared: a handful of segments a run


def of_run(folder):
    def load(name):
        with open(os.path.join(folder, name)) as f:
            return json.load(f)

    ends, hop = load("ends.json"), load("relay-client.json")
    with open(os.path.join(folder, "cpu")) as f:
        ms, *ticks, hz = map(int, f.read().split())
    per = 100 / (ms / 1000)
    cpu = {"leatd": round((ticks[2] - ticks[0]) / hz * per), "switch": round((ticks[3] - ticks[1]) / hz * per),
           "hop": round(hop["cpu_s"] * per)}
    return ends, hop, cpu


def append(path, line):
    with open(path, "a") as f:
        f.write(json.dumps(line) + "\n")


def percentile(values, share):
    """Nearest rank: of few values it is the largest."""
    values = sorted(values)
    return values[max(0, math.ceil(share * len(values)) - 1)]


def add(path, folder, cell, stack, seed, direction):
    ends, hop, cpu = of_run(folder)
    way = hop[direction]
    line = {
        "cell": cell, "stack": stack, "seed": int(seed),
        "mbit": round(ends["bulk"][0]["bytes"] * 8 / ends["seconds"] / 1e6, 3),
        "by_second": ends["bulk"][0]["by_second"],
        "resent": round(way["again"] / max(1, way["bytes"]), 5),
        "short_ms": ends.get("short_ms", []),
        "short_resent": round(way["other_again"] / max(1, way["other_bytes"]), 5),
        "hop": {k: way[k] for k in ("received", "lost", "policed", "full", "reordered")},
        "faults": sum(hop[w][k] for w in ("up", "down") for k in ("unsent", "kernel_drops")),
        "cpu_percent": cpu,
    }
    append(path, line)
    p99 = percentile(line["short_ms"], 0.99) if line["short_ms"] else 0
    print(f"{cell:24} seed {seed:>2} {stack:5} {line['mbit']:7.2f} Mb/s  resent {line['resent']:7.2%}"
          f"  p99 {p99:7.0f} ms  cpu leatd {cpu['leatd']} switch {cpu['switch']} hop {cpu['hop']} %"
          + (f"  HOP LOST {line['faults']} FRAMES" if line["faults"] else ""), flush=True)


def load_all(paths):
    lines = []
    for path in paths:
        with open(path) as f:
            lines += [json.loads(line) for line in f]
    return lines


def medians(lines):
    short = [percentile(r["short_ms"], 0.99) for r in lines if r["short_ms"]]
    return {"mbit": statistics.median(r["mbit"] for r in lines),
            "resent": statistics.median(r["resent"] for r in lines),
            "p99": statistics.median(short) if short else None,
            "leatd": max(r["cpu_percent"]["leatd"] for r in lines)}


def mean(ratios):
    return math.exp(statistics.mean(math.log(max(r, 1e-9)) for r in ratios)) if ratios else float("nan")


def met(ok):
    return "met" if ok else "SHORT"


def row(cell, pairs):
    """Medians of both, and how Leat compares: above 1 it carries more, and is done sooner."""
    linux, leat = medians([p["linux"] for p in pairs]), medians([p["leat"] for p in pairs])
    r = {"n": len(pairs), "linux": linux, "leat": leat, "goodput": leat["mbit"] / max(linux["mbit"], 1e-9),
         "speed": linux["p99"] / leat["p99"] if linux["p99"] and leat["p99"] else None}
    goal = SPLIT_GOAL if cell.startswith("split") else GOAL_CELL
    r["short_of"] = [name for name, ok in (
        ("goodput", r["goodput"] >= goal),
        ("p99", r["speed"] is None or r["speed"] >= GOAL_CELL),
        ("resent", leat["resent"] <= max(GOAL_RESENT * linux["resent"], RESENT_NOISE))) if not ok]
    return r


def pairs_of(lines):
    """{cell: [{"linux": line, "leat": line}]} of the seeds that both have; a later line counts."""
    cells = {}
    for line in lines:
        cells.setdefault(line["cell"], {}).setdefault(line["seed"], {})[line["stack"]] = line
    cells = {c: [p for p in seeds.values() if len(p) == 2] for c, seeds in cells.items()}
    return {c: p for c, p in cells.items() if p}


def table(paths):
    rows = {c: row(c, p) for c, p in pairs_of(load_all(paths)).items()}
    print("\n%-22s %3s | %7s %7s %6s | %7s %7s %6s | %6s %6s | %5s | %s" % (
        "cell", "n", "Linux", "Leat", "ratio", "Linux", "Leat", "ratio", "Linux", "Leat", "leatd", ""))
    print("%-22s %3s | %22s | %22s | %13s | %5s |" % (
        "", "", "goodput, Mb/s", "p99 of 100 KB, ms *", "sent again, %", "cpu %"))
    for cell, r in rows.items():
        linux, leat = r["linux"], r["leat"]
        short = "%7.0f %7.0f %6.2f" % (linux["p99"], leat["p99"], r["speed"]) if r["speed"] else " " * 22
        print("%-22s %3d | %7.2f %7.2f %6.2f | %s | %6.2f %6.2f | %5d | %s" % (
            cell, r["n"], linux["mbit"], leat["mbit"], r["goodput"], short, 100 * linux["resent"],
            100 * leat["resent"], leat["leatd"],
            "met" if not r["short_of"] else "SHORT: " + ", ".join(r["short_of"])))
    print("* ratio: Linux's time by Leat's, so that above 1 is better in every column")
    plain = [r for c, r in rows.items() if not c.startswith("split")]
    goodput = mean([r["goodput"] for r in plain])
    speed = mean([r["speed"] for r in plain if r["speed"]])
    n_short = sum(bool(r["short_of"]) for r in rows.values())
    print(f"\ngoodput, geometric mean of {len(plain)} cells: {goodput:.3f} ({met(goodput >= GOAL_MEAN)},"
          f" goal {GOAL_MEAN}); p99: {speed:.3f} ({met(speed >= GOAL_MEAN)}); cells that fall short of"
          f" {GOAL_CELL}, of {GOAL_RESENT} times as much sent again, or of {SPLIT_GOAL} in split: {n_short} of {len(rows)}")
    if min((r["n"] for r in rows.values()), default=20) < 20:
        print("the goals are stated for 20 seeds a cell: SEEDS=20")


def jain(a, b):
    return (a + b) ** 2 / (2 * (a * a + b * b)) if a + b else 0.0


def fair(path, folder, stack, seed):
    ends, hop, cpu = of_run(folder)
    first, second = ends["bulk"]
    index = jain(first["bytes"], second["bytes"])
    mbit = [round(b["bytes"] * 8 / ends["seconds"] / 1e6, 3) for b in (first, second)]
    way = hop["down"]
    resent = [round(way[o + "again"] / max(1, way[o + "bytes"]), 5) for o in ("", "other_")]
    append(path, {"stack": stack, "seed": int(seed), "mbit": mbit, "jain": round(index, 4),
                  "by_second": [first["by_second"], second["by_second"]], "full": way["full"],
                  "resent": resent, "cpu_percent": cpu})
    who = "Leat" if stack == "leat" else "Linux"
    print(f"run {seed}: {who} {mbit[0]:.2f} Mb/s, {resent[0]:.2%} sent again; Linux {mbit[1]:.2f} Mb/s,"
          f" {resent[1]:.2%}; Jain {index:.4f} (leatd {cpu['leatd']} % cpu)", flush=True)


def fairness(paths):
    lines = load_all(paths)
    if not lines:
        sys.exit("no run has a result")
    for stack in sorted({r["stack"] for r in lines}):
        of = [r["jain"] for r in lines if r["stack"] == stack]
        shares = [r["mbit"][0] / max(sum(r["mbit"]), 1e-9) for r in lines if r["stack"] == stack]
        who = "Leat beside Linux" if stack == "leat" else "control, Linux beside Linux"
        goal = f" ({met(min(of) >= GOAL_JAIN)}, goal {GOAL_JAIN} in every run)" if stack == "leat" else ""
        print(f"{who}: Jain median {statistics.median(of):.4f}, least {min(of):.4f} of {len(of)} runs{goal};"
              f" first flow's share {statistics.median(shares):.1%}")


def main(verb, *args):
    if verb == "add":
        add(*args)
    elif verb == "table":
        table(args)
    elif verb == "fair":
        fair(*args)
    elif verb == "fairness":
        fairness(args)
    else:
        sys.exit(__doc__)


main(*sys.argv[1:])
