"""Is standard input Prometheus' text format 0.0.4, and are its families named in the manual?

    metrics.py MANUAL        prints each fault; exit status 1 if there is any
"""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(r"(%s)(?:\{(%s(?:,%s)*)\})? (-?(?:[0-9.]+(?:e[+-]?[0-9]+)?|Inf)|NaN)$"
                    % (NAME, LABEL, LABEL))


def faults(text, manual):
    if not text.endswith("\n"):
        yield "the last line does not end"
    family, kind, seen, samples = None, {}, set(), 0
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            if family in kind:
                yield "family twice: " + family
            if len(line.split()) < 4:
                yield "no help: " + family
            if family not in manual:
                yield "not in the manual: " + family
        elif line.startswith("# TYPE "):
            _, _, name, what = line.split()
            if name != family or what not in ("counter", "gauge"):
                yield "wrong TYPE line: " + line
            if (what == "counter") != name.endswith("_total"):
                yield "counters, and only they, end in _total: " + name
            kind[name] = what
        else:
            sample = SAMPLE.match(line)
            if not sample:
                yield "wrong line: " + line
                continue
            if sample[1] != family or family not in kind:
                yield "outside of its family: " + line
            if (sample[1], sample[2]) in seen:
                yield "twice: " + line
            if float(sample[3]) < 0:
                yield "negative: " + line
            seen.add((sample[1], sample[2]))
            samples += 1
    for name in sorted(set(re.findall(r"\bleat_[a-z_]+", manual)) - set(kind)):
        yield "in the manual only: " + name
    if samples < 20:
        yield "only %d samples" % samples


found = list(faults(sys.stdin.read(), open(sys.argv[1]).read()))
print("\n".join(found))
sys.exit(1 if found else 0)
