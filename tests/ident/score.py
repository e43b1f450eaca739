#!/usr/bin/env python3
"""Labels and names of capture files beside what is expected of them.

usage: score.py LEATD FOLDER EXPECTED.tsv

FOLDER has the captures, EXPECTED.tsv a row a flow: pcap, a, b, vlan, confidence, label, sni, alpn,
host. Rows whose confidence begins with DPI count. Prints every row that is not as expected and a
summary; exits 1 if a label or name is wrong (an unknown label is not wrong, and is counted).
"""
import csv
import json
import os
import subprocess
import sys


def flows_of(leatd, path):
    out = subprocess.run([leatd, "-r", path, "-f", "json"], stdout=subprocess.PIPE, check=False)
    flows = {}
    for line in out.stdout.decode().splitlines():
        f = json.loads(line)
        key = (frozenset((f["client"], f["server"])), f["vlan"] or "")
        flows.setdefault(key, []).append(f)
    return flows


def is_label(label, chain):
    return label == chain or label in (chain or "").split("+")


def judge(row, flows):
    """The verdict on a row: ok, unknown, missing, or what is wrong."""
    if not flows:
        return "missing"
    named = [f for f in flows if f["app"]]
    if not named:
        return "unknown"
    wrong = [f["app"] for f in named if not is_label(row["label"], f["app"])]
    # DNS over TLS is TLS, told more exactly.
    wrong = [w for w in wrong if not (w == "dot" and row["label"] == "tls")]
    if wrong:
        return "label " + ",".join(wrong)
    for name in ("sni", "alpn", "host"):
        if row[name] and row[name] not in [f[name] for f in named]:
            return f"{name} {[f[name] for f in named]}"
    return "ok"


def main():
    leatd, folder, expected = sys.argv[1:4]
    with open(expected, newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f, delimiter="\t"))
    rows = [r for r in rows if r["confidence"].startswith("DPI")]
    tally = {"ok": 0, "unknown": 0, "missing": 0, "wrong": 0}
    seen = {}
    for r in rows:
        path = os.path.join(folder, r["pcap"])
        if r["pcap"] not in seen:
            seen[r["pcap"]] = flows_of(leatd, path)
        what = judge(r, seen[r["pcap"]].get((frozenset((r["a"], r["b"])), r["vlan"] or "")))
        tally[what if what in tally else "wrong"] += 1
        if what != "ok":
            print(f"{r['pcap']} {r['a']} {r['b']} {r['vlan']}: expected {r['label']}: {what}")
    print(f"{len(rows)} rows: " + ", ".join(f"{n} {k}" for k, n in tally.items()))
    return 1 if tally["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
