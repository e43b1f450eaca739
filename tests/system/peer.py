#!/usr/bin/env python3
"""An end of a connection that does on purpose what ordinary programs seldom do.

    peer.py listen PORT recv|send|both FILE [FLAG]  accepts one connection, both families
    peer.py connect HOST PORT recv|send|both FILE [FLAG]
    peer.py probe HOST PORT                what connect() says
    peer.py abort HOST PORT BYTES          reads BYTES, then resets
    peer.py collect PORT N                 N connections at once, each to its end
    peer.py echo PORT N                    N connections at once, each answered to its end
    peer.py many HOST PORT N               N connections: asks on all of them, says how many were
                                           answered, and does so again after each line it reads
    peer.py late PORT SECONDS              accepts, and reads only after so long
    peer.py fast-open-listen PORT N        N connections with Fast Open, each answered
    peer.py fast-open HOST PORT TEXT       sends TEXT in the SYN, says what came back
    peer.py urgent-listen PORT             urgent bytes stay in the stream
    peer.py urgent HOST PORT               sends "before", "!" as urgent, "after"
    peer.py held HOST PORT PATH FLAG       an HTTP request that is ended when file FLAG is there
    peer.py knock HOST PORT PATIENCE       connects, for so many seconds at most, and closes, every
                                           10 ms until it is killed
    peer.py udp-echo PORT
    peer.py udp HOST PORT TEXT

`send` sends FILE and closes that direction before it reads; `recv` reads to the end
and sends only then: between a sender and a receiver each direction in turn is
half-closed while the other one carries data.  `both` does both at once, at 20 MB a second each:
what is copied to a tap has one chance, and client, server, switch and tap share two cores.  With
FLAG, the second half comes slowly until the file FLAG is there, and its end not before.
Prints one JSON object; `knock` a line a try: when it began, in ms since the epoch, ok or no, and how
long it took, in ms.
"""
import hashlib
import json
import os
import socket
import struct
import sys
import threading
import time


SO_MAX_PACING_RATE = 47  # <asm-generic/socket.h>; TCP paces itself without a qdisc


def receive(sock):
    digest, n = hashlib.sha256(), 0
    while chunk := sock.recv(1 << 16):
        digest.update(chunk)
        n += len(chunk)
    return {"bytes": n, "sha256": digest.hexdigest()}


def send(sock, path, flag=None):
    with open(path, "rb") as f:
        if flag:
            left = os.fstat(f.fileno()).st_size
            sock.sendfile(f, count=left // 2)
            left -= left // 2
            while not os.path.exists(flag):
                if left > 1 << 16:
                    sock.sendall(f.read(1 << 14))
                    left -= 1 << 14
                time.sleep(0.02)
        sock.sendfile(f, f.tell())
    sock.shutdown(socket.SHUT_WR)


def converse(sock, order, path, flag=None):
    try:
        if order == "both":
            sock.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, 20_000_000)
            sender = threading.Thread(target=send, args=(sock, path, flag))
            sender.start()
            got = receive(sock)
            sender.join()
            return got
        if order == "send":
            send(sock, path)
            return receive(sock)
        got = receive(sock)
        send(sock, path)
        return got
    except OSError as e:
        return {"error": e.strerror}


def listener(port):
    s = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    print("listening", file=sys.stderr, flush=True)
    return s


def probe(host, port):
    try:
        with socket.create_connection((host, port), timeout=60):
            return {"connected": True}
    except OSError as e:
        return {"error": e.strerror or str(e)}


def abort(host, port, n):
    with socket.create_connection((host, port), timeout=60) as sock:
        while n > 0:
            n -= len(sock.recv(min(n, 1 << 16)))
        # Linger of zero: close() sends RST.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return {"aborted": True}


def collect(port, n):
    got, readers = [], []
    with listener(port) as s:
        for _ in range(n):
            sock, _ = s.accept()
            readers.append(threading.Thread(target=lambda k=sock: got.append(receive(k))))
            readers[-1].start()
        for reader in readers:
            reader.join()
    return {"sha256": sorted(part["sha256"] for part in got)}


def answer_all(sock):
    with sock:
        while chunk := sock.recv(1 << 16):
            sock.sendall(chunk)


def echo(port, n):
    with listener(port) as s:
        threads = []
        for _ in range(n):
            threads.append(threading.Thread(target=answer_all, args=(s.accept()[0],)))
            threads[-1].start()
        for thread in threads:
            thread.join()
    return {"echoed": n}


def answered(sock, text):
    try:
        sock.sendall(text)
        return sock.recv(1 << 16) == text
    except OSError:
        return False


def many(host, port, n):
    socks = [socket.create_connection((host, port), timeout=60) for _ in range(n)]
    for name in ("first", "second"):
        right = sum(answered(sock, name.encode()) for sock in socks)
        print(name, right, flush=True)
        sys.stdin.readline()
    return {"asked": n}


def late(port, seconds):
    with listener(port) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        sock, _ = s.accept()
        with sock:
            time.sleep(seconds)
            return receive(sock)


def fast_open_listen(port, n):
    with socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
        print("listening", file=sys.stderr, flush=True)
        got = []
        for _ in range(n):
            sock, _ = s.accept()
            with sock:
                got.append(sock.recv(1 << 16).decode())
                sock.sendall(got[-1].encode())
        return {"got": got}


def fast_open(host, port, text):
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(kind, socket.SOCK_STREAM) as sock:
        # Not settimeout(): that makes it non-blocking, and this call is a connect().
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 60, 0))
        sock.sendto(text.encode(), socket.MSG_FASTOPEN, (host, port))
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := sock.recv(1 << 16):
            answer += chunk
        return {"answer": answer.decode()}


def urgent_listen(port):
    with listener(port) as s:
        sock, _ = s.accept()
        with sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
            got = b""
            while chunk := sock.recv(1 << 16):
                got += chunk
            return {"got": got.decode()}


def urgent(host, port):
    with socket.create_connection((host, port), timeout=60) as sock:
        sock.sendall(b"before")
        sock.send(b"!", socket.MSG_OOB)
        sock.sendall(b"after")
    return {"sent": True}


def held(host, port, path, flag):
    with socket.create_connection((host, port), timeout=60) as sock:
        sock.sendall(f"GET {path} HTTP/1.0\r\n".encode())
        print("connected", file=sys.stderr, flush=True)
        while not os.path.exists(flag):
            time.sleep(0.01)
        sock.sendall(b"\r\n")
        answer = b"".join(iter(lambda: sock.recv(1 << 16), b""))
    return {"sha256": hashlib.sha256(answer.partition(b"\r\n\r\n")[2]).hexdigest()}


def knock(host, port, patience):
    while True:
        began = time.time()
        try:
            socket.create_connection((host, port), timeout=patience).close()
            result = "ok"
        except OSError:
            result = "no"
        took = time.time() - began
        print(int(began * 1000), result, int(took * 1000), flush=True)
        time.sleep(max(0, 0.01 - took))


def udp_echo(port):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", port))
        print("listening", file=sys.stderr, flush=True)
        while True:
            text, who = sock.recvfrom(2048)
            sock.sendto(text, who)


def udp(host, port, text):
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(kind, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        for _ in range(60):
            sock.sendto(text.encode(), (host, port))
            try:
                return {"answer": sock.recv(2048).decode()}
            except TimeoutError:
                pass
        return {"answer": None}


def main(verb, *args):
    if verb == "listen":
        with listener(int(args[0])) as s:
            sock, _ = s.accept()
            with sock:
                return converse(sock, *args[1:])
    if verb == "connect":
        with socket.create_connection((args[0], int(args[1])), timeout=60) as sock:
            return converse(sock, *args[2:])
    if verb == "probe":
        return probe(args[0], int(args[1]))
    if verb == "abort":
        return abort(args[0], int(args[1]), int(args[2]))
    if verb == "collect":
        return collect(int(args[0]), int(args[1]))
    if verb == "echo":
        return echo(int(args[0]), int(args[1]))
    if verb == "many":
        return many(args[0], int(args[1]), int(args[2]))
    if verb == "late":
        return late(int(args[0]), float(args[1]))
    if verb == "fast-open-listen":
        return fast_open_listen(int(args[0]), int(args[1]))
    if verb == "fast-open":
        return fast_open(args[0], int(args[1]), args[2])
    if verb == "urgent-listen":
        return urgent_listen(int(args[0]))
    if verb == "urgent":
        return urgent(args[0], int(args[1]))
    if verb == "held":
        return held(args[0], int(args[1]), args[2], args[3])
    if verb == "knock":
        return knock(args[0], int(args[1]), float(args[2]))
    if verb == "udp-echo":
        return udp_echo(int(args[0]))
    if verb == "udp":
        return udp(args[0], int(args[1]), args[2])
    sys.exit(__doc__)


print(json.dumps(main(*sys.argv[1:])), flush=True)
