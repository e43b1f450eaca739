#!/usr/bin/env python3
"""Ends that wait until they are told to go on: by a file that appears.

    patient.py echo PORT                    sends back what comes, any number of connections
    patient.py idle HOST PORT N GO BYTES    N connections to an echo: a kilobyte each, then nothing
                                            until GO is there, then BYTES each, and the end
    patient.py hold PORT BYTES GO           reads BYTES of one connection, then nothing until GO is
                                            there, then to its end
    patient.py push HOST PORT GO            sends without end, until the connection fails; at first
                                            so that it never waits for a window: what is between
                                            sees a reader that could take more
    patient.py sip BYTES GO                 copies its input, 5 MB a second and BYTES at most until
                                            GO is there, then the rest at once

All but `echo` and `sip` print one JSON object; times are milliseconds since GO appeared.
"""
import hashlib
import itertools
import json
import os
import shutil
import socket
import sys
import threading
import time


def say(text):
    print(text, file=sys.stderr, flush=True)


def wait_for(go):
    while not os.path.exists(go):
        time.sleep(0.02)


def since(go):
    return round((time.time() - os.stat(go).st_mtime) * 1000) if os.path.exists(go) else None


def listener(port):
    s = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    say("listening")
    return s


def send_back(sock):
    try:
        while chunk := sock.recv(1 << 16):
            sock.sendall(chunk)
        sock.close()
    except OSError as e:
        say(e)


def echo(port):
    with listener(port) as s:
        while True:
            threading.Thread(target=send_back, args=(s.accept()[0],), daemon=True).start()


def pattern(key, n):
    block = hashlib.sha256(str(key).encode()).digest()
    return (block * (n // len(block) + 1))[:n]


def read_exactly(sock, n):
    got = b""
    while len(got) < n and (chunk := sock.recv(n - len(got))):
        got += chunk
    return got


def talk(sock, key, n, results):
    want = pattern(key, n)
    try:
        sender = threading.Thread(target=sock.sendall, args=(want,))
        sender.start()
        got = read_exactly(sock, n)
        sender.join()
        sock.shutdown(socket.SHUT_WR)
        results.append("right" if got == want and not sock.recv(1) else "wrong")
    except OSError as e:
        results.append(e.strerror or str(e))


def idle(host, port, n, go, size):
    socks, results = [], []
    for key in range(n):
        sock = socket.create_connection((host, port), timeout=60)
        sock.sendall(pattern(key, 1000))
        if read_exactly(sock, 1000) != pattern(key, 1000):
            results.append("wrong at first")
        socks.append(sock)
    say("idle")
    wait_for(go)
    talks = [threading.Thread(target=talk, args=(sock, key, size, results))
             for key, sock in enumerate(socks)]
    for t in talks:
        t.start()
    for t in talks:
        t.join()
    return {kind: results.count(kind) for kind in set(results)}


def hold(port, first, go):
    with listener(port) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
        sock, _ = s.accept()
        while first > 0 and (chunk := sock.recv(1 << 16)):
            first -= len(chunk)
        say("holding")
        wait_for(go)
        try:
            while sock.recv(1 << 16):
                pass
            return {"end": "in order", "ms": since(go)}
        except OSError as e:
            return {"end": e.strerror, "ms": since(go)}


def push(host, port, go):
    chunk = bytes(1 << 16)
    with socket.create_connection((host, port), timeout=600) as sock:
        try:
            for sent in itertools.count():
                sock.sendall(chunk)
                if sent < 256:
                    time.sleep(0.002)
        except OSError as e:
            return {"end": e.strerror, "ms": since(go)}


def sip(most, go):
    chunk = 1 << 18
    while not os.path.exists(go):
        if most > 0 and (got := sys.stdin.buffer.read(min(chunk, most))):
            most -= len(got)
            sys.stdout.buffer.write(got)
        time.sleep(0.05)
    shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)
    sys.exit(0)


def main(verb, *args):
    if verb == "echo":
        return echo(int(args[0]))
    if verb == "idle":
        return idle(args[0], int(args[1]), int(args[2]), args[3], int(args[4]))
    if verb == "hold":
        return hold(int(args[0]), int(args[1]), args[2])
    if verb == "push":
        return push(args[0], int(args[1]), args[2])
    if verb == "sip":
        return sip(int(args[0]), args[1])
    return sys.exit(__doc__)


print(json.dumps(main(*sys.argv[1:])), flush=True)
