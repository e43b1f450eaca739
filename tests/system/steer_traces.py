"""Which way the switch sends connections: traces of both directions, without a process for each.

	steer_traces.py CONTROL_SOCKET BRIDGE CLIENT SERVER CLIENT_MAC SERVER_MAC COUNT

A line for each of COUNT random connections to port 80, half of them IPv6: the tuple, and the
datapath actions of its first packet, of its reply.
"""
import json
import random
import socket
import sys


class Switch:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.left = ""

    def call(self, method, *params):
        request = {"id": 0, "method": method, "params": params}
        self.sock.sendall(json.dumps(request).encode())
        while True:
            try:
                answer, end = json.JSONDecoder().raw_decode(self.left)
                self.left = self.left[end:]
                break
            except ValueError:
                more = self.sock.recv(65536)
                if not more:
                    sys.exit("the switch closed the connection")
                self.left += more.decode()
        if answer["error"] is not None:
            sys.exit(answer["error"])
        return answer["result"]

    def actions(self, bridge, flow):
        for line in self.call("ofproto/trace", bridge, flow).splitlines():
            if line.startswith("Datapath actions: "):
                return line[len("Datapath actions: "):].replace(" ", "")
        sys.exit("no datapath actions for " + flow)


def packet(port, macs, v6, src, dst, sport, dport):
    kind, field = ("tcp6", "ipv6") if v6 else ("tcp", "nw")
    return (f"in_port={port},{kind},dl_src={macs[0]},dl_dst={macs[1]},"
            f"{field}_src={src},{field}_dst={dst},tp_src={sport},tp_dst={dport}")


def main():
    path, bridge, client, server, client_mac, server_mac, count = sys.argv[1:]
    rnd = random.Random(1)
    switch = Switch(path)
    for i in range(int(count)):
        v6 = i % 2 == 1
        base = "fd77::%x" if v6 else "10.77.0.%d"
        src, dst = base % rnd.randint(1, 99), base % rnd.randint(100, 199)
        sport = rnd.randint(1024, 65535)
        there = packet(client, (client_mac, server_mac), v6, src, dst, sport, 80)
        back = packet(server, (server_mac, client_mac), v6, dst, src, 80, sport)
        print(f"{src}:{sport}-{dst}", switch.actions(bridge, there), switch.actions(bridge, back))


main()
