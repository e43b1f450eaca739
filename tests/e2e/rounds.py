#!/usr/bin/env python3
"""The rounds of bench-e2e: each measure, each variant in turn, and what the function spent on it.

    rounds.py --run FOLDER --ends PROGRAM --client NETNS --server NETNS --rounds N --time SECONDS
              --hold N --only REGEX --core N --results FILE VARIANT=ADDRESS:PORT...

FOLDER has NAME.pid of leatd, testpmd, haproxy and vswitchd. Of these only what a variant needs runs
while it is measured; the others stand still (SIGSTOP). For a measure whose name begins with cpu- the
function's threads are real-time ones: nothing takes the core from them while they count cycles. For these,
and for rr, the two ends are on core N, which is not the function's. One JSON object a line goes to FILE.
"""
import argparse
import glob
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

MEASURES = {  # what ends.c does, connections, and its last argument
    "bulk1": ("bulk", 1),
    "bulk8": ("bulk", 8),
    "short": ("short", 32),
    "rr1": ("rr", 16, 1),
    "rr16": ("rr", 16, 16),
    "cpu-bulk1": ("bulk", 1),
    "cpu-bulk8": ("bulk", 8),
    "cpu-short": ("short", 32),
}
HOLD_RATE = 1000     # connections opened a second
SETTLE = 0.1
NEEDS = {            # variant: processes
    "none": ("vswitchd",),
    "testpmd": ("vswitchd", "testpmd"),
    "track": ("vswitchd", "leatd"),
    "proxy": ("vswitchd", "leatd"),
    "haproxy": ("haproxy",),
}
STOPPABLE = ("vswitchd", "testpmd", "leatd", "haproxy")


class Function:
    """A process, and the CPU seconds it has used so far for its work."""

    def __init__(self, run, name):
        self.run, self.name, self.stopped = run, name, False
        with open(os.path.join(run, name + ".pid")) as f:
            self.pid = int(f.read())

    def stop(self):
        if not self.stopped:
            os.kill(self.pid, signal.SIGSTOP)
        self.stopped = True

    def go_on(self):
        if self.stopped:
            os.kill(self.pid, signal.SIGCONT)
        self.stopped = False

    def threads(self):
        """{thread: (name, seconds)}, to the nanosecond: what utime and stime are made of."""
        said = {}
        for folder in glob.glob("/proc/%d/task/*" % self.pid):
            try:
                with open(folder + "/schedstat") as f:
                    seconds = int(f.read().split()[0]) / 1e9
                with open(folder + "/comm") as f:
                    said[int(os.path.basename(folder))] = (f.read().strip(), seconds)
            except OSError:
                pass    # it has ended
        return said

    def resident(self):
        with open("/proc/%d/statm" % self.pid) as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def real_time(self, on):
        """Threads that wait for orders come before those that poll: these would never let them."""
        for thread in self.threads():
            priority = 0 if not on else 2 if thread == self.pid else 1
            os.sched_setscheduler(thread, os.SCHED_FIFO if on else os.SCHED_OTHER, os.sched_param(priority))

    def cpu(self):
        return {"process": sum(s for _, s in self.threads().values())}

    def memory(self):
        return self.resident()


class Leatd(Function):
    def metrics(self):
        s = socket.socket(socket.AF_UNIX)
        s.connect(os.path.join(self.run, "metrics.sock"))
        s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = b""
        while chunk := s.recv(65536):
            text += chunk
        s.close()
        return dict(line.rsplit(" ", 1) for line in text.decode().splitlines() if line[:1] not in ("#", ""))

    def cpu(self):
        """The worker's thread polls: of it only the turns that found work count."""
        worker = others = 0.0
        for name, seconds in self.threads().values():
            if name.startswith("leat-work"):
                worker += seconds
            else:
                others += seconds
        busy = sum(float(v) for k, v in self.metrics().items() if k.startswith("leat_worker_busy_seconds_total"))
        return {"busy": busy, "worker": worker, "others": others}


class Testpmd(Function):
    TOTAL = re.compile(r"total cycles=(\d+).*at (\d+) MHz")

    def ask(self, command):
        log = os.path.join(self.run, "testpmd.log")
        at = os.path.getsize(log)
        with open(os.path.join(self.run, "testpmd.in"), "w") as f:
            f.write(command + "\n")
        for _ in range(200):
            time.sleep(0.02)
            with open(log, errors="replace") as f:
                f.seek(at)
                text = f.read()
            if "++++++++\n" in text.split("Accumulated")[-1] and "Accumulated" in text:
                break
        return text

    def cpu(self):
        m = self.TOTAL.search(self.ask("show fwd stats all"))
        worker = max(seconds for _, seconds in self.threads().values())
        return {"busy": int(m.group(1)) / (int(m.group(2)) * 1e6) if m else 0.0, "worker": worker}


KINDS = {"leatd": Leatd, "testpmd": Testpmd}


def difference(before, after):
    """CPU seconds of a function's work between two looks at it.

    Cycles of a turn are the clock's: what else ran on the core in its midst is in them. The thread's own
    time has none of that, but its polling; its work is in both, so it is no more than the lesser.
    """
    d = {k: after[k] - before[k] for k in after}
    if "process" in d:
        return d["process"], d
    return min(d["busy"], d.get("worker", d["busy"])) + d.get("others", 0.0), d


class Bench:
    def __init__(self, args):
        self.args = args
        self.function = {n: KINDS.get(n, Function)(args.run, n) for n in STOPPABLE}
        self.variants = dict(v.split("=") for v in args.variants)
        self.chosen = [m for m in (*MEASURES, "hold") if re.match(args.only, m)]
        self.n_failed = 0

    def only(self, variant):
        for name, f in self.function.items():
            if name not in NEEDS[variant]:
                f.stop()
        for name in NEEDS[variant]:
            self.function[name].go_on()
        time.sleep(SETTLE)

    def measured(self, variant):
        return self.function[NEEDS[variant][-1]] if variant != "none" else None

    def command(self, variant, what, *extra, pinned=False):
        address, port = self.variants[variant].split(":")
        a = self.args
        pin = ["taskset", "-c", a.core] if pinned else []
        return [*pin, a.ends, a.client, a.server, address, port, what, *map(str, extra)]

    def run(self, variant, pinned, what, n, *extra):
        """What the ends say, and the CPU seconds."""
        f = self.measured(variant)
        before = f.cpu() if f else {}
        done = subprocess.run(self.command(variant, what, n, self.args.time, *extra, pinned=pinned),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=self.args.time + 30)
        after = f.cpu() if f else {}
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode().strip() or "ends with %d" % done.returncode)
        said = json.loads(done.stdout)
        if f:
            said["cpu_s"], said["cpu"] = difference(before, after)
        return said

    def one(self, name, variant):
        self.only(variant)
        if not name.startswith("cpu-"):
            return self.run(variant, name.startswith("rr"), *MEASURES[name])
        f = self.measured(variant)
        f.real_time(True)
        try:
            return self.run(variant, True, *MEASURES[name])
        finally:
            f.real_time(False)

    def record(self, round_, measure, variant, said):
        with open(self.args.results, "a") as f:
            f.write(json.dumps({"bench": "e2e", "round": round_, "what": measure, "mode": variant, **said}) + "\n")

    def measure(self, round_, name):
        """One measure of all variants; every second round backwards, so that none is always first."""
        cells = {}
        order = [v for v in self.variants if v != "none" or not name.startswith("cpu-")]
        for variant in order if round_ % 2 else order[::-1]:
            try:
                said = self.one(name, variant)
            except (RuntimeError, ValueError, subprocess.TimeoutExpired) as e:
                self.n_failed += 1
                print("round %d %s %s: no result: %s" % (round_, name, variant, e), flush=True)
                continue
            self.record(round_, name, variant, said)
            cells[variant] = said
        print("round %d/%d %-9s %s" % (round_, self.args.rounds, name, "  ".join(
            "%s %s" % (v, brief(name, cells[v])) for v in self.variants if v in cells)), flush=True)

    # --- memory ---

    def hold(self, variant):
        """Bytes a connection, by what the function's process has more of than before; and the kernel's
        sockets, which are HAProxy's two and the ends' two: half of what there is more of."""
        f = self.measured(variant)
        self.only(variant)
        subprocess.run(self.command(variant, "short", 50, 0.5), stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, timeout=30, check=True)
        time.sleep(1)
        before, slab = f.memory(), slab_bytes()
        ends = subprocess.Popen(self.command(variant, "hold", self.args.hold, 60, HOLD_RATE),
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        opened = json.loads(ends.stdout.readline())
        time.sleep(3)
        after, slab = f.memory(), slab_bytes() - slab
        rest, _ = ends.communicate(timeout=60)
        n = opened["open"]
        said = {"open": n, "still": json.loads(rest)["still"], "failed": opened["failed"],
                "process_bytes": (after - before) / max(n, 1),
                "socket_bytes": slab / 2 / max(n, 1) if variant == "haproxy" else 0.0}
        said["bytes"] = said["process_bytes"] + said["socket_bytes"]
        self.record(0, "hold", variant, said)
        print("hold %-8s %d connections, %d B each in the process, %d B in the kernel's sockets" % (
            variant, n, said["process_bytes"], said["socket_bytes"]), flush=True)

    def all(self):
        if "hold" in self.chosen:
            for variant in ("proxy", "haproxy"):
                self.hold(variant)
        for round_ in range(1, self.args.rounds + 1):
            for name in self.chosen:
                if name != "hold":
                    self.measure(round_, name)

    def end(self):
        for f in self.function.values():
            f.go_on()


def slab_bytes():
    with open("/proc/meminfo") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("Slab:"))


def brief(name, said):
    if name.startswith("cpu-") and said.get("bytes"):
        return "%.3f s/GB" % (said["cpu_s"] / said["bytes"] * 1e9)
    if name.startswith("cpu-") and said.get("n"):
        return "%.1f us" % (said["cpu_s"] / said["n"] * 1e6)
    if "mbit" in said:
        return "%.2f Gb/s" % (said["mbit"] / 1000)
    return "%.0f/s p50 %d p99 %d us" % (said["per_second"], said["p50_us"], said["p99_us"])


def main():
    a = argparse.ArgumentParser()
    for name in ("run", "ends", "client", "server", "only", "core", "results"):
        a.add_argument("--" + name, required=True)
    a.add_argument("--rounds", type=int, required=True)
    a.add_argument("--hold", type=int, required=True)
    a.add_argument("--time", type=float, required=True)
    a.add_argument("variants", nargs="+")
    bench = Bench(a.parse_args())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        bench.all()
    finally:
        bench.end()
    sys.exit(bench.n_failed > 0)


main()
