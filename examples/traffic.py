#!/usr/bin/env python3
"""One HTTP request, one DNS query and one echo request over loopback, on IPv4 and on IPv6, each answered.

Serves HTTP on port 8080 and DNS on port 53 itself, so it needs root, or a network namespace of its own. Exits 0 when
every answer came. Looks up no names.
"""

import http.client
import http.server
import os
import socket
import socketserver
import struct
import threading

SECONDS = 5  # the longest wait for any answer
HOSTS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))


class Http(http.server.BaseHTTPRequestHandler):
    wbufsize = -1  # header and body in one segment

    def do_GET(self):
        body = b"hello\n"
        self.send_response_only(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Dns(socketserver.BaseRequestHandler):
    def handle(self):
        query, sock = self.request
        # The same id and question, then one A record whose name points back at the question.
        header = query[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0)
        answer = struct.pack("!3HIH", 0xC00C, 1, 1, 60, 4) + bytes([192, 0, 2, 1])
        sock.sendto(header + query[12:] + answer, self.client_address)


def serve(base, family, address, handler):
    server = type("Server", (base,), {"address_family": family, "allow_reuse_address": True})(address, handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def http_get(_, host):
    connection = http.client.HTTPConnection(host, 8080, timeout=SECONDS)
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"hello\n", "HTTP answer"
    connection.close()


def dns_query(family, host):
    header = struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, 0)
    question = b"\x07example\x03org\x00" + struct.pack("!2H", 1, 1)
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(SECONDS)
        sock.sendto(header + question, (host, 53))
        assert sock.recv(512)[:2] == header[:2], "DNS answer"


def echo(family, host):
    protocol, request, reply = (1, 8, 0) if family == socket.AF_INET else (58, 128, 129)
    ident = os.getpid() & 0xFFFF

    def message(checksum):
        return struct.pack("!2B3H", request, 0, checksum, ident, 1) + b"pcap-nflog"

    # The Internet checksum; for ICMPv6 the kernel replaces it by its own.
    total = sum(struct.unpack("!9H", message(0)))
    total = (total & 0xFFFF) + (total >> 16)
    with socket.socket(family, socket.SOCK_RAW, protocol) as sock:
        sock.settimeout(SECONDS)
        sock.sendto(message(~total & 0xFFFF), (host, 0))
        while True:  # a raw socket on loopback receives the request as well
            packet = sock.recv(512)
            icmp = packet[20:] if family == socket.AF_INET else packet
            if icmp[0] == reply:
                break


def main():
    for family, host in HOSTS:
        serve(socketserver.TCPServer, family, (host, 8080), Http)
        serve(socketserver.UDPServer, family, (host, 53), Dns)
    for exchange in (http_get, dns_query, echo):
        for family, host in HOSTS:
            exchange(family, host)


if __name__ == "__main__":
    main()
