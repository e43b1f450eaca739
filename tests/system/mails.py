"""What sinks.test lets leatd see: connections, frame by frame, out of this namespace's eth0.

mails.py flows TRUTH            two connections, one of which lacks bytes; their streams in TRUTH/
mails.py flow PORT              a whole connection from this port
mails.py begin PORT             its beginning; mails.py rest PORT: the rest of it
mails.py is rest up|down FILE   is it what the rest of a connection has in that direction?
mails.py twice PORT             one whose client says the same bytes twice, and not the same
mails.py bulk PORT BYTES        a connection whose server sends so many
mails.py holed DIR LOG BYTES    what the reader has of that, and what it lacks: is that all of it?
"""
import os
import re
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../unit/lib"))
from wire import ACK, FIN, PSH, SYN, tcp4  # noqa: E402

C, S, MSS = 0xfffff000, 70000, 1000
UP = b"MAIL FROM:<a@x.example>\r\n\x1b[2J" + bytes(range(256)) * 8
DOWN = b"250 ok\r\n" + bytes(reversed(range(256))) * 20


def byte_at(n):
    return bytes((i * 7 + (i >> 10)) & 0xff for i in range(n, n + MSS))


def emit(frames):
    """No faster than a busy machine reads them."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind(("eth0", 0))
        for i, data in enumerate(frames):
            wire.send(data)
            if i % 20 == 19:
                time.sleep(0.002)


def segment(port, reverse, flags, at, of_other, data=b""):
    who = {"src": bytes([192, 0, 2, 1]), "dst": bytes([203, 0, 113, 9]), "sport": port, "dport": 25}
    mine, theirs = (S, C) if reverse else (C, S)
    return tcp4(who, reverse, flags, mine + at, theirs + of_other if flags & ACK else 0, data)


def opening(port):
    return [segment(port, False, SYN, 0, 0), segment(port, True, SYN | ACK, 0, 1),
            segment(port, False, ACK, 1, 1)]


def body(port, up, down, lost=(), up_at=0, down_at=0):
    for at in range(0, len(up), MSS):
        yield segment(port, False, ACK | PSH, 1 + up_at + at, 1 + down_at, up[at:at + MSS])
    n = 1 + up_at + len(up)
    for at in range(0, len(down), MSS):
        if at not in lost:
            yield segment(port, True, ACK | PSH, 1 + down_at + at, n, down[at:at + MSS])
        yield segment(port, False, ACK, n, 1 + down_at + min(at + MSS, len(down)))


def closing(port, n_up, n_down):
    n, m = 1 + n_up, 1 + n_down
    return [segment(port, False, ACK | FIN, n, m), segment(port, True, ACK | FIN, m, n + 1),
            segment(port, False, ACK, n + 1, m + 1)]


def whole(port, up, down, lost=()):
    return opening(port) + list(body(port, up, down, lost)) + closing(port, len(up), len(down))


def bulk(port, total):
    yield from opening(port)
    for at in range(0, total, MSS):
        yield segment(port, True, ACK, 1 + at, 1, byte_at(at))
        yield segment(port, False, ACK, 1, 1 + at + MSS)
    yield from closing(port, 0, total)


def write_truth(folder):
    os.mkdir(folder)
    holed = DOWN[:2000] + bytes(1000) + DOWN[3000:]
    for name, data in (("1-c2s", UP), ("1-s2c", holed), ("2-c2s", UP), ("2-s2c", DOWN)):
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


def holed(folder, log, total):
    """The latest flow's server stream: what is no gap is as it was sent."""
    flow = max(int(name.split("-")[0]) for name in os.listdir(folder) if name.endswith("s2c"))
    with open(os.path.join(folder, f"{flow}-s2c"), "rb") as f:
        got = f.read()
    with open(log, encoding="ascii") as f:
        gaps = [(int(at), int(n)) for n, at in
                re.findall(rf"/{flow}-s2c: (\d+) bytes at (\d+) are missing: ", f.read())]
    want = bytearray().join(byte_at(at) for at in range(0, total, MSS))
    got = got.ljust(total, b"\0")
    for at, n in gaps:
        want[at:at + n] = bytes(n)
    return gaps and got == bytes(want)


REST = b"250 ok\r\n" + b"x" * 2200
what, args = sys.argv[1], sys.argv[2:]
if what == "flows":
    write_truth(args[0])
    emit(whole(40001, UP, DOWN, lost=(2000,)) + whole(40002, UP, DOWN))
elif what == "flow":
    emit(whole(int(args[0]), UP, DOWN))
elif what == "begin":
    emit(opening(int(args[0])))
elif what == "rest":
    port = int(args[0])
    emit(list(body(port, UP, REST, lost=(1000,))) + closing(port, len(UP), len(REST)))
elif what == "is":
    with open(args[2], "rb") as f:
        sys.exit(f.read() != (UP if args[1] == "up" else REST[:1000] + REST[2000:]))
elif what == "twice":
    port = int(args[0])
    emit(opening(port) + [segment(port, False, ACK | PSH, 1, 1, data)
                          for data in (b"MAIL FROM:<GOOD>", b"MAIL FROM:<EVIL>")] +
         [segment(port, True, ACK, 1, 17)] + closing(port, 16, 0))
elif what == "bulk":
    emit(bulk(int(args[0]), int(args[1])))
else:
    sys.exit(0 if holed(args[0], args[1], int(args[2])) else 1)
