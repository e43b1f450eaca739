#!/usr/bin/env python3
"""Both ends of connections that are reset at a moment of their life, and servers that speak first.

    moments.py serve PORT...                the servers' ends of moments, from each PORT on
    moments.py call HOST NOBODY PORT...     the clients' ends; NOBODY: an address that never answers
    moments.py speak PORT                   servers of protocols whose servers speak first, from PORT on
    moments.py listen HOST PORT GO          their clients: say nothing before the banner has come, and
                                            end when the file GO is there
    moments.py tls PORT CERT KEY            a TLS server: what becomes of each connection
    moments.py hello HOST PORT NAME         one TLS connection that asks for NAME
    moments.py wait HOST PORT NAME GO       the same, the ClientHello only when the file GO is there

Prints a line a connection: its port, its moment or protocol, and "ready" or its end's error.
"""
import errno
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time

MOMENTS = ["syn-sent", "idle", "in-flight", "moving", "half-closed", "closing"]
SYN_SENT, IDLE, IN_FLIGHT, MOVING, HALF_CLOSED, CLOSING = range(6)

MYSQL = (b"\x4a\0\0\0\x0a8.0.35\0\x0b\0\0\0abcdefgh\0\xff\xf7\x08\x02\0\xff\xc1\x15" + bytes(10) +
         b"ijklmnopqrst\0mysql_native_password\0")
SPOKEN = [  # protocol, the server's banner, what the client says to it
    ("smtp", b"220 mail.example ESMTP ready\r\n", b"EHLO client.example\r\n"),
    ("ftp", b"220 FTP server ready\r\n", b"USER anonymous\r\n"),
    ("pop3", b"+OK POP3 ready\r\n", b"CAPA\r\n"),
    ("imap", b"* OK [CAPABILITY IMAP4rev1] ready\r\n", b"a1 CAPABILITY\r\n"),
    ("mysql", struct.pack("<I", len(MYSQL) - 4)[:3] + MYSQL[3:],
     b"\x54\0\0\x01\x85\xa6\x0f\0\0\0\0\x01\x21" + bytes(23) + b"root\0"),
    ("ssh", b"SSH-2.0-server_1\r\n", b"SSH-2.0-client_1\r\n"),
    ("vnc", b"RFB 003.008\n", b"RFB 003.008\n"),
]


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")  # one write: threads share it
    sys.stdout.flush()


def wait_for(go):
    while not os.path.exists(go):
        time.sleep(0.02)


def error_of(sock, known=0):
    return errno.errorcode.get(known or sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), "none")


def await_error(sock):
    """Nothing is read or sent: the kernel alone says how it ends."""
    poll = select.poll()
    poll.register(sock, 0)  # POLLERR and POLLHUP are always told
    while not any(event & select.POLLERR for _, event in poll.poll()):
        time.sleep(0.05)  # POLLHUP is told where both directions are shut
    return error_of(sock)


def fill(sock):
    """Sends until there is no room, here or at the peer."""
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    sock.setblocking(False)
    while poll.poll(500):
        try:
            sock.send(bytes(1 << 16))
        except BlockingIOError:
            continue


def pump(sock, read, ready):
    """Reads or sends without end."""
    total = 0
    sock.setblocking(True)
    try:
        while True:
            n = len(sock.recv(1 << 16)) if read else sock.send(bytes(1 << 14))
            if n == 0:
                return "end"
            total += n
            if total - n < 1 << 20 <= total:
                ready()
    except OSError as e:
        return error_of(sock, e.errno)


def part(sock, port, moment, server):
    def ready():
        say(port, MOMENTS[moment], "ready")

    if moment == MOVING:
        return pump(sock, not server, ready)
    if server:
        sock.recv(1)
        sock.sendall(b"b")
    else:
        sock.sendall(b"a")
        sock.recv(1)
    if moment == IN_FLIGHT and not server:
        fill(sock)
    if moment in (HALF_CLOSED, CLOSING):
        if not server:
            sock.shutdown(socket.SHUT_WR)
        else:
            sock.recv(1)
            if moment == CLOSING:
                fill(sock)
                sock.shutdown(socket.SHUT_WR)  # its FIN waits behind what the client does not read
    ready()
    return await_error(sock)


def play(sock, port, moment, server):
    say(port, MOMENTS[moment], part(sock, port, moment, server))


def in_threads(calls):
    threads = [threading.Thread(target=fn, args=args, daemon=True) for fn, *args in calls]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def serve(*ports):
    listeners = {(int(port) + m, m): socket.create_server(("", int(port) + m))
                 for port in ports for m in range(IDLE, len(MOMENTS))}
    say("listening")
    in_threads([(lambda port, m, s: play(s.accept()[0], port, m, True), port, m, s)
                for (port, m), s in listeners.items()])


def call_one(host, nobody, port, moment):
    sock = socket.socket()
    if moment != SYN_SENT:
        sock.connect((host, port))
        play(sock, port, moment, False)
        return
    sock.setblocking(False)
    sock.connect_ex((nobody, port))
    say(port, MOMENTS[moment], "ready")
    say(port, MOMENTS[moment], await_error(sock))


def call(host, nobody, *ports):
    in_threads([(call_one, host, nobody, int(port) + m, m)
                for port in ports for m in range(len(MOMENTS))])


# --- servers that speak first ---

def speak_one(listener, banner):
    while True:
        sock = listener.accept()[0]
        sock.sendall(banner)
        while sock.recv(1000):
            pass
        sock.close()


def speak(port):
    listeners = [socket.create_server(("", int(port) + i)) for i in range(len(SPOKEN))]
    say("listening")
    in_threads([(speak_one, s, banner) for s, (_, banner, _) in zip(listeners, SPOKEN)])


def listen_one(host, port, spoken, go):
    protocol, banner, answer = spoken
    with socket.create_connection((host, port)) as sock:
        got = b""
        while len(got) < len(banner) and (chunk := sock.recv(1000)):
            got += chunk
        say(port, protocol, "banner-first" if got == banner else repr(got))
        sock.sendall(answer)
        wait_for(go)


def listen(host, port, go):
    in_threads([(listen_one, host, int(port) + i, s, go) for i, s in enumerate(SPOKEN)])


# --- TLS ---

def tls_one(sock, context):
    say("accepted")
    try:
        with context.wrap_socket(sock, server_side=True) as tls:
            tls.sendall(b"hello")
            tls.recv(1)
        say("end")
    except OSError as e:
        say(error_of(sock, e.errno))


def tls(port, cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with socket.create_server(("", int(port))) as s:
        say("listening")
        while True:
            threading.Thread(target=tls_one, args=(s.accept()[0], context), daemon=True).start()


def wait(host, port, name, go):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    sock = socket.create_connection((host, int(port)))
    say("connected")
    if go:
        wait_for(go)
    try:
        with context.wrap_socket(sock, server_hostname=name) as t:
            say(t.recv(5).decode())
    except OSError as e:
        say(error_of(sock, e.errno))


def hello(host, port, name):
    wait(host, port, name, None)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
