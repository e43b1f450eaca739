#!/usr/bin/env python3
"""Both ends of connections whose sockets are made as a case wants them.

    ends.py serve PORT N FILE [SETTING...]          N connections, on both families
    ends.py call PORT FILE HOST... [SETTING...]     one to each HOST, all at once

Each end sends FILE, and closes that direction, while it reads to the end.  A SETTING is
    cc=NAME             congestion control
    rcvbuf=BYTES        receive buffer, as SO_RCVBUFFORCE takes it: before listen() and connect()
    fastopen            TCP_FASTOPEN at the server; the file's first 1000 bytes in the client's SYN
    mptcp               Multipath TCP
    stall=FLAG          reads nothing until the file FLAG is there
    timeout=SECONDS     the most that one call may take (120)

Prints a line a connection, by family: FAMILY BYTES SHA256 of what came, and on standard error what
the kernel says of the connection: cc, the size of segments sent and received, how often it sent again,
how many of its segments met congestion, what was agreed on.
"""
import hashlib
import os
import socket
import struct
import sys
import threading
import time

SO_RCVBUFFORCE, MPTCP, SOL_MPTCP, MPTCP_INFO = 33, 262, 284, 1  # <asm-generic/socket.h>, <linux/mptcp.h>
OPTIONS = ["ts", "sack", "wscale", "ecn", "ecn-seen", "syn-data"]  # <linux/tcp.h> TCPI_OPT_*


def settings_of(words):
    settings = dict(word.partition("=")[::2] for word in words)
    unknown = set(settings) - {"cc", "rcvbuf", "fastopen", "mptcp", "stall", "timeout"}
    if unknown:
        sys.exit(f"ends.py: unknown: {unknown}\n{__doc__}")
    return settings


def new_socket(family, settings):
    sock = socket.socket(family, socket.SOCK_STREAM, MPTCP if "mptcp" in settings else 0)
    if "rcvbuf" in settings:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, int(settings["rcvbuf"]))
    return sock


def kernel_says(sock):
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    agreed = [name for bit, name in enumerate(OPTIONS) if info[5] >> bit & 1]
    snd_mss, rcv_mss = struct.unpack_from("II", info, 16)
    total_retrans = struct.unpack_from("I", info, 100)[0]
    delivered_ce = struct.unpack_from("I", info, 196)[0]
    cc = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).partition(b"\0")[0].decode()
    agreed += ["mptcp"] if is_multipath(sock) else []
    return f"cc={cc} mss={snd_mss} rcv-mss={rcv_mss} retrans={total_retrans} ce={delivered_ce} {' '.join(agreed)}"


def is_multipath(sock):
    """Neither plain TCP nor fallen back to it."""
    try:
        flags = struct.unpack_from("I", sock.getsockopt(SOL_MPTCP, MPTCP_INFO, 64), 8)[0]
    except OSError:
        return False
    return not flags & 1  # MPTCP_INFO_FLAG_FALLBACK


def send(sock, content):
    sock.sendall(content)
    sock.shutdown(socket.SHUT_WR)


def receive(sock, flag):
    digest, n = hashlib.sha256(), 0
    while flag and not os.path.exists(flag):
        time.sleep(0.05)
    while chunk := sock.recv(1 << 16):
        digest.update(chunk)
        n += len(chunk)
    return f"{n} {digest.hexdigest()}"


def converse(sock, family, content, settings, results):
    try:
        sock.settimeout(float(settings.get("timeout", 120)))
        if "cc" in settings:  # only now: the route's choice takes the place of an earlier one
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, settings["cc"].encode())
        sender = threading.Thread(target=send, args=(sock, content))
        sender.start()
        got = receive(sock, settings.get("stall"))
        sender.join()
        results.append((f"{family} {got}", f"{family} {kernel_says(sock)}"))
    except OSError as e:
        results.append((f"{family} {e.strerror or e}", f"{family} -"))
    finally:
        sock.close()


def family_of(address):
    return 6 if ":" in address.removeprefix("::ffff:") else 4


def serve(port, n, content, settings):
    results, threads = [], []
    with new_socket(socket.AF_INET6, settings) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if "fastopen" in settings:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
        sock.bind(("::", port))
        sock.listen(16)
        sock.settimeout(float(settings.get("timeout", 120)))
        print("listening", file=sys.stderr, flush=True)
        for _ in range(n):
            end, peer = sock.accept()
            threads.append(threading.Thread(
                target=converse, args=(end, family_of(peer[0]), content, settings, results)))
            threads[-1].start()
    for thread in threads:
        thread.join()
    return results


def call_one(host, port, content, settings, results):
    family = family_of(host)
    sock = new_socket(socket.AF_INET6 if family == 6 else socket.AF_INET, settings)
    try:
        # Not settimeout(): that makes it non-blocking, and then a Fast Open is a connect() only.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 60, 0))
        if "fastopen" in settings:
            sent = sock.sendto(content[:1000], socket.MSG_FASTOPEN, (host, port))
            content = content[sent:]
        else:
            sock.connect((host, port))
    except OSError as e:
        results.append((f"{family} {e.strerror or e}", f"{family} -"))
        return
    converse(sock, family, content, settings, results)


def call(port, content, hosts, settings):
    results = []
    threads = [threading.Thread(target=call_one, args=(host, port, content, settings, results))
               for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def content_of(path):
    with open(path, "rb") as f:
        return f.read()


def main(verb, *args):
    if verb == "serve":
        port, n, path, *words = args
        results = serve(int(port), int(n), content_of(path), settings_of(words))
    elif verb == "call":
        port, path, *words = args
        hosts = [word for word in words if word[0].isdigit() or word.startswith("fd")]
        results = call(int(port), content_of(path), hosts, settings_of(words[len(hosts):]))
    else:
        sys.exit(__doc__)
    for line, _ in sorted(results):
        print(line, flush=True)
    for _, line in sorted(results):
        print(line, file=sys.stderr, flush=True)


main(*sys.argv[1:])
