#!/usr/bin/env python3
"""Judges a passively reassembled stream of which frames were dropped on purpose.

    gaps.py RUN PORT up|down STREAM

RUN/up and RUN/down are what the ends sent, RUN/tap-client.pcap and RUN/tap-server.pcap what
each sent on the wire, retransmissions included, RUN/fault.now what was dropped at the tap, one
frame a line of KEY=VALUE words, of which sport, dport, seq and len are read.  STREAM is the sink's file,
NAME.c2s or NAME.s2c; in NAME.gaps are the gaps, one a line: c2s|s2c OFFSET LENGTH REASON.
Prints `equal`, or what differs.
"""
import collections
import struct
import sys


def segments(path, port, way):
    """(sequence number after the SYN, [(offset, payload length)]) of one direction."""
    with open(path, "rb") as f:
        raw = f.read()
    endian = "<" if raw[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    at, start, found = 24, None, []
    while at + 16 <= len(raw):
        kept = struct.unpack_from(endian + "4I", raw, at)[2]
        frame, at = raw[at + 16 : at + 16 + kept], at + 16 + kept
        if frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        tcp = 14 + (frame[14] & 15) * 4
        sport, dport, seq = struct.unpack_from(">HHI", frame, tcp)
        if (dport if way == "up" else sport) != port:
            continue
        header = (frame[tcp + 12] >> 4) * 4
        length = struct.unpack_from(">H", frame, 16)[0] - (tcp - 14) - header
        if frame[tcp + 13] & 2:
            start = (seq + 1) & 0xFFFFFFFF
        elif length > 0 and start is not None:
            found.append(((seq - start) & 0xFFFFFFFF, length))
    return start, found


def dropped(path, port, way, start):
    found = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            word = dict(w.split("=", 1) for w in line.split())
            if int(word.get("dport" if way == "up" else "sport", 0)) != port:
                continue
            if int(word["len"]) > 0:
                found.append(((int(word["seq"]) - start) & 0xFFFFFFFF, int(word["len"])))
    return found


def holes(parts, total):
    """What of [0, total) the (offset, length) parts leave uncovered, merged."""
    missing, at = [], 0
    for offset, length in sorted(parts):
        if offset > at:
            missing.append((at, offset - at))
        at = max(at, offset + length)
    if at < total:
        missing.append((at, total - at))
    return missing


def merged(gaps):
    out = []
    for offset, length in sorted(gaps):
        if out and out[-1][0] + out[-1][1] == offset:
            out[-1] = (out[-1][0], out[-1][1] + length)
        else:
            out.append((offset, length))
    return out


def judge(run, port, way, stream):
    if not stream:
        return "there is no file of this direction"
    with open(f"{run}/{way}", "rb") as f:
        sent = f.read()
    end = "client" if way == "up" else "server"
    start, wire = segments(f"{run}/tap-{end}.pcap", port, way)
    if start is None or holes(wire, len(sent)):
        return "the capture is not complete: nothing can be said"
    lost = collections.Counter(dropped(f"{run}/fault.now", port, way, start))
    unknown = lost - collections.Counter(wire)
    if unknown:
        return f"dropped, but never sent: {sorted(unknown)[:5]}"
    came = (collections.Counter(wire) - lost).elements()
    want = holes(came, len(sent))
    name, direction = stream.rsplit(".", 1)
    with open(name + ".gaps", encoding="ascii") as f:
        lines = [line.split() for line in f]
    gaps = [(int(line[1]), int(line[2])) for line in lines if line[0] == direction]
    if merged(gaps) != want:
        return f"gaps {merged(gaps)[:5]} of {len(gaps)}, should be {want[:5]} of {len(want)}"
    with open(stream, "rb") as f:
        got = f.read().ljust(len(sent), b"\0")
    at = 0
    for offset, length in want + [(len(sent), 0)]:
        if got[at:offset] != sent[at:offset]:
            return f"bytes differ between {at} and {offset}"
        at = offset + length
    return "equal"


try:
    print(judge(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]))
except OSError as e:
    print(f"{e.filename}: {e.strerror}")
