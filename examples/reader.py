#!/usr/bin/env python3
"""The streams that leatd tells its readers of (leat-stream(5)), each in a file FOLDER/FLOW-c2s or -s2c.

reader.py /run/leat/leat.stream FOLDER           the running leatd's
leatd -r FILE -f stream | reader.py - FOLDER     a capture's
"""
import os
import socket
import struct
import sys

META, DATA, GAP, END, ROLES = 3, 4, 5, 7, 9


def records(source):
    while len(head := source.read(16)) == 16:
        length, kind, direction, _, flow = struct.unpack("<IBBHQ", head)
        yield kind, direction, flow, source.read(length - 16)


path, folder = sys.argv[1:]
connection = socket.socket(socket.AF_UNIX)
if path != "-":
    connection.connect(path)
source = sys.stdin.buffer if path == "-" else connection.makefile("rb")
turned = set()
for kind, direction, flow, body in records(source):
    both = [os.path.join(folder, f"{flow}-{way}") for way in ("c2s", "s2c")]
    stream = both[direction ^ (flow in turned)]
    if kind == DATA:
        offset, _ = struct.unpack_from("<Qq", body)
        with open(stream, "r+b" if os.path.exists(stream) else "wb") as f:
            f.seek(offset)
            f.write(body[16:])
    elif kind == GAP:
        offset, length, why = struct.unpack("<QQ16s", body)
        print(f"{stream}: {length} bytes at {offset} are missing: {why.rstrip(bytes(1)).decode()}", flush=True)
    elif kind in (META, END):
        text = body.decode() if kind == META else "end=" + body[40:].rstrip(b"\0").decode()
        print(f"{flow}: {' '.join(text.split())}", flush=True)
    elif kind == ROLES and body[0]:     # who was called the client is the server
        turned.add(flow)
        for name, other in (both[0], both[0] + "~"), both[::-1], (both[0] + "~", both[1]):
            os.path.exists(name) and os.rename(name, other)
