#!/usr/bin/python3
"""Short connections, as many as can be, and how many of them there were at which moment.

    short.py server ADDRESS PORT
    short.py client ADDRESS PORT FILE

The server answers a byte with a byte and closes. The client begins new ones until SIGTERM, ends those
it has, and writes a line a tenth of a second to FILE: the time (us since 1970) and the connections
that had ended by then, well or not. One that takes more than 30 s has not ended well.
"""
import select
import signal
import socket
import sys
import time

AT_ONCE = 8
PATIENCE = 30


def server(address, port):
    listener = socket.create_server((address, port), backlog=512)
    poller = select.epoll()
    poller.register(listener, select.EPOLLIN)
    known = {}
    while True:
        for fd, _ in poller.poll():
            if fd == listener.fileno():
                conn, _ = listener.accept()
                known[conn.fileno()] = conn
                poller.register(conn, select.EPOLLIN)
                continue
            conn = known.pop(fd)
            poller.unregister(fd)
            try:
                if conn.recv(1):
                    conn.sendall(b"b")
            except OSError:
                pass
            conn.close()


def begin(address, port, poller, known):
    conn = socket.socket()
    conn.setblocking(False)
    conn.connect_ex((address, port))
    known[conn.fileno()] = [conn, False, time.time()]
    poller.register(conn, select.EPOLLOUT)


def step(fd, poller, known):
    """True, False: the connection ended well or not; None: it goes on."""
    conn, sent, _ = known[fd]
    try:
        if not sent:
            conn.send(b"a")
            known[fd][1] = True
            poller.modify(fd, select.EPOLLIN)
            return None
        answer = conn.recv(1)
        if answer:
            return None     # its end is still to come
        return True
    except OSError:
        return False


def client(address, port, path):
    poller = select.epoll()
    known = {}
    count = {True: 0, False: 0}
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(True))
    tell = 0
    with open(path, "w", buffering=1) as out:
        while known or not told:
            while len(known) < AT_ONCE and not told:
                begin(address, port, poller, known)
            now = time.time()
            done = [(fd, step(fd, poller, known)) for fd, _ in poller.poll(0.05)]
            done = [(fd, how) for fd, how in done if how is not None]
            done += [(fd, False) for fd, (_, _, t) in known.items() if now - t > PATIENCE]
            for fd, how in done:
                if fd in known:
                    poller.unregister(fd)
                    known.pop(fd)[0].close()
                    count[how] += 1
            if now >= tell:
                print(int(now * 1e6), count[True], count[False], file=out)
                tell = now + 0.1
        print(int(time.time() * 1e6), count[True], count[False], file=out)


if sys.argv[1] == "server":
    server(sys.argv[2], int(sys.argv[3]))
else:
    client(sys.argv[2], int(sys.argv[3]), sys.argv[4])
