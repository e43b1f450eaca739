#!/usr/bin/env python3
"""make bench-passive: leatd -r beside others that read captures; README.md says what is measured.

Variables: ROUNDS, CORE, BULK, SHORT, DIRTY (sizes), ONLY (regular expression, KIND/TOOL),
TSHARK_FRAMES, FOLDER, RESULTS, STREAMS.
"""
import json
import os
import re
import shutil
import statistics
import struct
import subprocess
import sys

BUILD = os.environ["LEAT_BUILDDIR"]
HERE = os.path.join(BUILD, "obj/tests/passive")
FOLDER = os.environ.get("FOLDER", os.path.join(BUILD, "bench-passive"))
RESULTS = os.environ.get("RESULTS", os.path.join(BUILD, "bench-passive.jsonl"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
CORE = int(os.environ.get("CORE", str(max(os.sched_getaffinity(0)))))
SIZES = {"bulk": int(os.environ.get("BULK", "1000000")),
         "short": int(os.environ.get("SHORT", "200000")),
         "dirty": int(os.environ.get("DIRTY", "60000"))}
TSHARK_FRAMES = int(os.environ.get("TSHARK_FRAMES", "20000"))
ONLY = re.compile(os.environ.get("ONLY", ""))
# Hundreds of thousands of small files: in memory, or the disk is what is measured.
STREAMS = os.environ.get("STREAMS", f"/dev/shm/leat-bench-passive-{os.getpid()}")

# What is run on a capture {f}; {t} is its truth, {o} an empty folder.
TOOLS = {
    "null": [f"{HERE}/null", "{f}"],
    "leatd": [f"{BUILD}/leatd", "-r", "{f}", "-f", "none"],
    "libnids": [f"{HERE}/nids/counter", "{f}"],
    "ndpiReader": ["ndpiReader", "-q", "-i", "{f}"],
    "tcpflow": ["tcpflow", "-q", "-r", "{f}", "-o", "{o}"],
    "tshark": ["tshark", "-n", "-q", "-c", str(TSHARK_FRAMES), "-r", "{f}", "-z",
               "io,stat,0"],
}
FEWER = {"tshark": 1, "tcpflow": 1}   # rounds: they take long
# What says which bytes are right: leatd and tcpflow by their files, libnids as they come.
JUDGED = {
    "leatd": ([f"{BUILD}/leatd", "-r", "{f}", "-f", "none", "-o", "{o}"],
              [f"{HERE}/judge", "{t}", "{o}"]),
    "tcpflow": (TOOLS["tcpflow"], [f"{HERE}/judge", "{t}", "{o}"]),
    "libnids": (None, [f"{HERE}/nids/counter", "{f}", "{t}"]),
}
# Capture, beside whom, how many times as fast at least; and bytes that have to be right.
GOALS = (("bulk", "libnids", 1.8), ("bulk", "null", 0.7), ("short", "libnids", 2),
         ("short", "ndpiReader", 5), ("short", "tcpflow", 10), ("dirty", "libnids", 2))


def fill(command, kind):
    names = {"f": f"{FOLDER}/{kind}.pcap", "t": f"{FOLDER}/{kind}.truth", "o": STREAMS}
    return [word.format(**names) for word in command]


def empty():
    shutil.rmtree(STREAMS, ignore_errors=True)
    os.makedirs(STREAMS)


def output(command):
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def frame_bytes(path, n):
    """Of the first n frames of a capture of ours."""
    total = 0
    with open(path, "rb") as f:
        f.read(24)
        for _ in range(n):
            head = f.read(16)
            if len(head) < 16:
                break
            length = struct.unpack("<I", head[8:12])[0]
            f.seek(length, 1)
            total += length
    return total


def make(kind):
    """The capture, unless it is there; its frames and their bytes."""
    mark = f"{FOLDER}/{kind}.size"
    want = f"{SIZES[kind]} {os.path.getmtime(HERE + '/make')}"
    pcap, truth = fill(["{f}", "{t}"], kind)
    old = open(mark).read() if os.path.exists(mark) else ""
    if old != want:
        subprocess.run([f"{HERE}/make", kind, str(SIZES[kind]), pcap, truth], check=True)
        with open(mark, "w") as f:
            f.write(want)
    with open(pcap, "rb") as f:     # into the page cache
        while f.read(1 << 24):
            pass
    size = output(fill(TOOLS["null"], kind))
    few = min(size["frames"], TSHARK_FRAMES)
    return {"*": (size["frames"], size["frame_bytes"]), "tshark": (few, frame_bytes(pcap, few))}


def is_there(tool):
    return shutil.which(TOOLS[tool][0]) is not None


def say(line):
    with open(RESULTS, "a") as f:
        f.write(json.dumps({"bench": "passive", **line}) + "\n")


def measure(kind, size, tools):
    """{tool: [seconds a round]}, a line each; the tools in turns."""
    seconds = {t: [] for t in tools}
    for r in range(ROUNDS):
        for tool in tools:
            if r >= FEWER.get(tool, ROUNDS):
                continue
            empty()
            one = output([f"{HERE}/timed", str(CORE)] + fill(TOOLS[tool], kind))
            frames, n_bytes = size.get(tool, size["*"])
            if one["status"] not in (0, 3):
                print(f"bench-passive: {kind}: {tool}: exit status {one['status']}")
                continue
            seconds[tool].append((one["cpu"], one["wall"], one["rss_mb"]))
            say({"capture": kind, "tool": tool, "round": r, "cpu_s": one["cpu"],
                 "wall_s": one["wall"], "rss_mb": one["rss_mb"], "frames": frames,
                 "bytes": n_bytes})
    return seconds


def judge(kind, tool):
    if tool not in JUDGED:
        return None
    before, command = JUDGED[tool]
    empty()
    if before:
        subprocess.run(fill(before, kind), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=False)
    told = output(fill(command, kind))
    say({"capture": kind, "tool": tool, "judged": told})
    return told


def ways_are_same(kind):
    """Check I8 on a capture of millions: by the file, a pcap: port and a ring."""
    done = subprocess.run([f"{BUILD}/obj/tests/prop/same", fill(["{f}"], kind)[0]],
                          stdout=subprocess.PIPE, check=False)
    print(done.stdout.decode(), end="")
    say({"capture": kind, "same_by_every_way": done.returncode == 0})


def row(kind, tool, size, seconds, told):
    cpu = [s[0] for s in seconds]
    best, middle = min(cpu), statistics.median(cpu)
    frames, n_bytes = size.get(tool, size["*"])
    right = "-"
    if told:
        right = f"{100 * told['right'] / told['shown']:.4f}"
    print(f"{kind:6} {tool:11} {frames / best / 1e6:8.3f} "
          f"{n_bytes / best / 1e6:8.0f} {n_bytes / middle / 1e6:8.0f} "
          f"{best:8.3f} {min(s[1] for s in seconds):8.3f} {max(s[2] for s in seconds):8.0f} "
          f"{right:>9} {told['wrong'] if told else '-':>9} "
          f"{str(told['whole']) + '/' + str(told['streams']) if told else '-':>15}")


def goals(best, told):
    print(f"\n{'goal':30} {'is':>8} {'at least':>9}")
    lines = []
    for kind, other, factor in GOALS:
        if (kind, "leatd") in best and (kind, other) in best:
            lines.append((f"{kind}, times {other}", best[kind, other] / best[kind, "leatd"],
                          factor))
    for kind in SIZES:
        if told.get((kind, "leatd")):
            j = told[kind, "leatd"]
            good = j["right"] - j["wrong"] - j["beyond"] - j["gaps_wrong"]
            good -= j["gaps"] - j["gaps_right"]
            lines.append((f"{kind}, bytes right", good / j["shown"], 1))
    for what, value, factor in lines:
        print(f"{what:30} {value:8.3f} {factor:9}  {'met' if value >= factor else 'SHORT'}")
        say({"goal": what, "value": round(value, 4), "limit": factor, "met": value >= factor})


def main():
    os.makedirs(FOLDER, exist_ok=True)
    lacking = [t for t in TOOLS if not is_there(t)]
    if lacking:
        print(f"bench-passive: not here: {', '.join(lacking)} "
              "(build-aux/packages bench installs them, as root)")
    best, told = {}, {}
    print(f"one core ({CORE}), {ROUNDS} rounds; rates by CPU time (user and system)")
    print(f"{'':6} {'':11} {'M pkt/s':>8} {'MB/s':>8} {'median':>8} {'CPU s':>8} {'wall s':>8} "
          f"{'peak MB':>8} {'% right':>9} {'wrong':>9} {'whole streams':>15}")
    for kind in SIZES:
        tools = [t for t in TOOLS if t not in lacking and ONLY.search(f"{kind}/{t}")]
        if not tools:
            continue
        size = make(kind)
        seconds = measure(kind, size, tools)
        for tool in tools:
            if not seconds[tool]:
                continue
            told[kind, tool] = judge(kind, tool)
            best[kind, tool] = min(s[0] for s in seconds[tool])
            row(kind, tool, size, seconds[tool], told[kind, tool])
            sys.stdout.flush()
        if ONLY.search(f"{kind}/same"):
            ways_are_same(kind)
    goals(best, told)


try:
    main()
finally:
    shutil.rmtree(STREAMS, ignore_errors=True)
