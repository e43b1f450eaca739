#!/usr/bin/env python3
"""Both ends of the connections that are compared: one program, one clock, sockets in two namespaces.

    ends.py --server NETNS --address A --port P --direction down|up --base PORT
            [--bulk SECONDS] [--short N --bytes B --lanes L] [--also PORT]

Runs in the client's namespace; the servers' sockets are made in NETNS (a file). `down`: the server
sends. First N connections of B bytes each, L at a time; then one that carries as much as it can for
SECONDS. With --also there are two of those at once, the second to that port.

A connection's client end has port BASE + 0 (bulk), + 1 (the one of --also), + 2 and on (short): the
hop draws a segment's fate by it. Prints one JSON object: the bulk's bytes that the receiver's
program has read, by the second too, from connect() on; each short one's time from connect() to the
last byte read, in ms. One that is not over after a minute counts as that minute.
"""
import argparse
import ctypes
import json
import os
import selectors
import socket
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
TCP_CONGESTION = socket.TCP_CONGESTION
CHUNK = 1 << 16
SHORT_LIMIT = 60
ZEROS = memoryview(bytes(1 << 18))


class InNamespace:
    """The thread stands in another network namespace meanwhile; what it opens stays there."""

    def __init__(self, path):
        self.path = path

    def _enter(self, fd):
        if ctypes.CDLL(None, use_errno=True).setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + self.path)

    def __enter__(self):
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(self.path, os.O_RDONLY)
        self._enter(there)
        os.close(there)

    def __exit__(self, *_):
        self._enter(self.home)
        os.close(self.home)


def cubic(sock):
    sock.setsockopt(socket.IPPROTO_TCP, TCP_CONGESTION, b"cubic")
    assert sock.getsockopt(socket.IPPROTO_TCP, TCP_CONGESTION, 16).rstrip(b"\0") == b"cubic"


def close_hard(sock):
    """What a bulk connection has queued is of no interest: RST."""
    if sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()


class Transfer:
    """One connection: `size` bytes, or as many as go until it is stopped."""

    def __init__(self, ends, port, local, size=None):
        self.ends, self.size, self.left, self.got = ends, size, size, 0
        self.by_second, self.began, self.done_at = [], time.monotonic(), None
        self.server = self.receiver = None
        self.client = socket.socket(ends.family, socket.SOCK_STREAM)
        self.client.setblocking(False)
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        cubic(self.client)
        self.client.bind(("", local))
        ends.waiting[local] = self
        self.client.connect_ex((ends.address, port))
        if ends.down:
            self.reads(self.client)
        else:
            self.writes(self.client)

    def accepted(self, sock):
        self.server = sock
        sock.setblocking(False)
        if self.ends.down:
            self.writes(sock)
        else:
            self.reads(sock)

    def reads(self, sock):
        self.receiver = sock
        self.ends.watch(sock, selectors.EVENT_READ, self.readable)

    def writes(self, sock):
        self.ends.watch(sock, selectors.EVENT_WRITE, self.writable)

    def writable(self, sock):
        try:
            n = sock.send(ZEROS if self.left is None else ZEROS[: self.left])
        except BlockingIOError:
            return
        if self.left is None:
            return
        self.left -= n
        if self.left == 0:
            sock.shutdown(socket.SHUT_WR)
            self.ends.unwatch(sock)

    def readable(self, sock):
        try:
            n = len(sock.recv(CHUNK))
        except BlockingIOError:
            return
        now = time.monotonic()
        self.got += n
        second = int(now - self.began)
        self.by_second += [0] * (second + 1 - len(self.by_second))
        self.by_second[second] += n
        if n == 0 or self.got == self.size:
            self.done_at = now
            self.ends.unwatch(sock)

    def end(self):
        for sock in (self.client, self.server):
            if sock:
                self.ends.unwatch(sock)
            if self.size is None or self.done_at is None:
                close_hard(sock)
            elif sock:
                sock.close()


class Ends:
    def __init__(self, args):
        self.down, self.address = args.direction == "down", args.address
        self.family = socket.AF_INET6 if ":" in args.address else socket.AF_INET
        self.selector, self.waiting = selectors.DefaultSelector(), {}
        for port in filter(None, (args.port, args.also)):
            with InNamespace(args.server):
                listener = socket.socket(self.family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            cubic(listener)
            listener.bind(("", port))
            listener.listen(128)
            listener.setblocking(False)
            self.watch(listener, selectors.EVENT_READ, self.acceptable)

    def watch(self, sock, events, act):
        self.selector.register(sock, events, act)

    def unwatch(self, sock):
        try:
            self.selector.unregister(sock)
        except (KeyError, ValueError):
            pass

    def acceptable(self, listener):
        sock, peer = listener.accept()
        self.waiting.pop(peer[1]).accepted(sock)

    def turn(self, until):
        for key, _ in self.selector.select(max(0, until - time.monotonic())):
            try:
                key.data(key.fileobj)
            except OSError as e:
                self.unwatch(key.fileobj)
                print("ends: " + str(e), file=sys.stderr)

    def short(self, args):
        """Milliseconds each, in the order they began."""
        taken, running, n = [], [], 0
        while n < args.short or running:
            while n < args.short and len(running) < args.lanes:
                running.append(Transfer(self, args.port, args.base + 2 + n, args.bytes))
                taken.append(None)
                running[-1].index = n
                n += 1
            self.turn(time.monotonic() + 0.1)
            for t in [t for t in running if self.is_over(t)]:
                running.remove(t)
                end = t.done_at or t.began + SHORT_LIMIT
                if t.got != t.size:
                    end = t.began + SHORT_LIMIT
                taken[t.index] = round((end - t.began) * 1000, 2)
                t.end()
        return taken

    def is_over(self, t):
        if t.done_at is not None:
            return self.down or t.left == 0
        return time.monotonic() > t.began + SHORT_LIMIT

    def bulk(self, args):
        ports = list(filter(None, (args.port, args.also)))
        began = time.monotonic()
        all_ = [Transfer(self, port, args.base + i) for i, port in enumerate(ports)]
        while time.monotonic() < began + args.bulk:
            self.turn(began + args.bulk)
        for t in all_:
            t.end()
        return [{"port": p, "bytes": t.got, "by_second": t.by_second} for p, t in zip(ports, all_)]


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--server", required=True)
    a.add_argument("--address", required=True)
    a.add_argument("--port", type=int, required=True)
    a.add_argument("--also", type=int)
    a.add_argument("--direction", choices=("down", "up"), required=True)
    a.add_argument("--base", type=int, required=True)
    a.add_argument("--bulk", type=float, default=0)
    a.add_argument("--short", type=int, default=0)
    a.add_argument("--bytes", type=int, default=100000)
    a.add_argument("--lanes", type=int, default=1)
    args = a.parse_args()
    ends, said = Ends(args), {}
    if args.short:
        said["short_ms"] = ends.short(args)
    if args.bulk:
        said["bulk"], said["seconds"] = ends.bulk(args), args.bulk
    print(json.dumps(said), flush=True)


main()
