"""Frames written and read byte by byte, and captures of them, for tests of the examples."""
import struct

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT_MAC, SERVER_MAC = b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x07"
EPOCH = 1000		# seconds: when captures begin


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def tcp4(client, reverse, flags, seq, ack, payload=b"", options=b"", window=65535):
    """A segment of `client`, a dict of src, dst (4 bytes), sport, dport; or with `reverse` to it."""
    src, dst, sport, dport = (client[k] for k in ("src", "dst", "sport", "dport"))
    macs = SERVER_MAC + CLIENT_MAC
    if reverse:
        src, dst, sport, dport, macs = dst, src, dport, sport, CLIENT_MAC + SERVER_MAC
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff,
                      (20 + len(options)) // 4 << 4, flags, window, 0, 0) + options + payload
    pseudo = src + dst + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0x4000, 64, 6, 0) + src + dst
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return macs + client.get("tags", b"") + b"\x08\x00" + ip + tcp


def segment(data):
    """What tcp4() wrote: a dict, or None for other frames."""
    at = 12
    while data[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    ip = data[at + 2:]
    if data[at:at + 2] != b"\x08\x00" or ip[9] != 6:
        return None
    src, dst, tcp = ip[12:16], ip[16:20], ip[20:struct.unpack("!H", ip[2:4])[0]]
    sport, dport, seq, ack = struct.unpack("!HHII", tcp[:12])
    pseudo = src + dst + struct.pack("!BBH", 0, 6, len(tcp))
    return {"macs": data[:12], "tags": data[12:at], "src": src, "dst": dst, "sport": sport,
            "dport": dport, "seq": seq, "ack": ack, "flags": tcp[13],
            "options": tcp[20:(tcp[12] >> 4) * 4], "payload": tcp[(tcp[12] >> 4) * 4:],
            "good": checksum(pseudo + tcp) == 0 and checksum(ip[:20]) == 0}


def write_capture(path, frames):
    """Frames as (microseconds since EPOCH, bytes)."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for us, data in frames:
            f.write(struct.pack("<IIII", EPOCH + us // 1000000, us % 1000000, len(data),
                                len(data)))
            f.write(data)


def read_capture(path):
    with open(path, "rb") as f:
        data = f.read()
    order = "<" if struct.unpack("<I", data[:4])[0] in (0xa1b2c3d4, 0xa1b23c4d) else ">"
    at = 24
    while at < len(data):
        length = struct.unpack(order + "8xI4x", data[at:at + 16])[0]
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def read_pcapng(path):
    """Packets as (microseconds since EPOCH, interface, direction, bytes); checks each block's form."""
    with open(path, "rb") as f:
        data = f.read()
    at = 0
    while at < len(data):
        kind, length = struct.unpack("=II", data[at:at + 8])
        if struct.unpack("=I", data[at + length - 4:at + length])[0] != length:
            raise ValueError(f"block at {at}: lengths differ")
        if kind == 6:
            interface, high, low, captured, _ = struct.unpack("=IIIII", data[at + 8:at + 28])
            options = at + 28 + (captured + 3) // 4 * 4
            code, size, flags = struct.unpack("=HHI", data[options:options + 8])
            if (code, size) != (2, 4):
                raise ValueError(f"block at {at}: no flags")
            yield ((high << 32 | low) - EPOCH * 1000000, interface, {1: "in", 2: "out"}[flags & 3],
                   data[at + 28:at + 28 + captured])
        at += length
