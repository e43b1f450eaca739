"""Is standard input Prometheus' text format 0.0.4, and are its families named in the manual?

    metrics.py MANUAL        prints each fault; exit status 1 if there is any
"""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(r"(%s)(?:\{(%s(?:,%s)*)\})? (-?(?:[0-9.]+(?:e[+-]?[0-9]+)?|Inf)|NaN)$"
                    % (NAME, LABEL, LABEL))


class Steps:
    """A histogram's buckets go up, the last is +Inf and is its count."""
    def __init__(self):
        self.last = {}

    def faults(self, name, line, sample):
        labels = [x for x in (sample[2] or "").split(",") if not x.startswith("le=")]
        member, n = sample[1][len(name):], float(sample[3])
        bound = re.search('le="([^"]*)"', sample[2])
        key = name, tuple(labels)
        before = self.last.get(key, (float("-inf"), 0))
        if member == "_bucket":
            if not bound or float(bound[1]) <= before[0] or n < before[1]:
                yield "no step up: " + line
            self.last[key] = float(bound[1]), n
        elif member == "_count" and before != (float("inf"), n):
            yield "the count is not the last bucket: " + line


def faults(text, manual):
    steps = Steps()
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
            if name != family or what not in ("counter", "gauge", "histogram"):
                yield "wrong TYPE line: " + line
            if (what == "counter") != name.endswith("_total"):
                yield "counters, and only they, end in _total: " + name
            kind[name] = what
        else:
            sample = SAMPLE.match(line)
            if not sample:
                yield "wrong line: " + line
                continue
            name = sample[1]
            if kind.get(family) == "histogram":
                name = re.sub("_(bucket|sum|count)$", "", name)
                yield from steps.faults(name, line, sample)
            if name != family or family not in kind:
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
