#!/usr/bin/env python3
"""Honest clients, each with one connection, and how long each waited for its first byte.

    herd.py serve PORT                  answers a line with a line, any number at once, until killed
    herd.py ask HOST PORT N AT_ONCE     N clients, AT_ONCE of them at a time

A client connects, sends a line, and waits for the answer; it gives up after 60 s.  `ask` prints one
JSON object: how many were answered at all and within 3 s, and the wait, in ms, of the worst and of
the 99th of 100.
"""
import json
import select
import socket
import sys
import time

PATIENCE = 60
IN_TIME = 3
LINE = b"who is there?\n"


def serve(port):
    listener = socket.create_server(("", port), backlog=1024)
    listener.setblocking(False)
    poller = select.epoll()
    poller.register(listener, select.EPOLLIN)
    known = {}
    print("listening", file=sys.stderr, flush=True)
    while True:
        for fd, _ in poller.poll():
            if fd == listener.fileno():
                try:
                    conn, _ = listener.accept()
                except OSError:
                    continue
                known[conn.fileno()] = conn
                poller.register(conn, select.EPOLLIN)
                continue
            conn = known[fd]
            try:
                text = conn.recv(1 << 12)
                if text:
                    conn.sendall(text)
                    continue
            except OSError:
                pass
            poller.unregister(fd)
            known.pop(fd).close()


def begin(where, poller, known):
    conn = socket.socket()
    conn.setblocking(False)
    conn.connect_ex(where)
    known[conn.fileno()] = [conn, time.monotonic(), False]
    poller.register(conn, select.EPOLLOUT)


def step(client, poller):
    """The seconds that it waited, None: it goes on waiting, inf: in vain."""
    conn, began, sent = client
    try:
        if not sent:
            conn.sendall(LINE)
            client[2] = True
            poller.modify(conn.fileno(), select.EPOLLIN)
            return None
        return time.monotonic() - began if conn.recv(1 << 12) == LINE else float("inf")
    except OSError:
        return float("inf")


def ask(host, port, n, at_once):
    poller = select.epoll()
    known, waits = {}, []
    while len(waits) < n:
        while len(known) < at_once and len(known) + len(waits) < n:
            begin((host, port), poller, known)
        done = [(fd, step(known[fd], poller)) for fd, _ in poller.poll(0.1) if fd in known]
        late = time.monotonic() - PATIENCE
        done += [(fd, float("inf")) for fd, client in known.items() if client[1] < late]
        for fd, wait in done:
            if wait is not None and fd in known:
                poller.unregister(fd)
                known.pop(fd)[0].close()
                waits.append(wait)
    waits.sort()

    def ms(wait):
        return int(wait * 1000) if wait < PATIENCE else PATIENCE * 1000

    return {
        "asked": n,
        "answered": sum(w < PATIENCE for w in waits),
        "in_time": sum(w < IN_TIME for w in waits),
        "p99_ms": ms(waits[n * 99 // 100 - 1]),
        "worst_ms": ms(waits[-1]),
    }


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    print(json.dumps(ask(sys.argv[2], *map(int, sys.argv[3:]))), flush=True)
