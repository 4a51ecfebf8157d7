"""What scapy does with NFLOG devices. Each function is one behaviour; a failed one is an AssertionError.

The rules log UDP to port 9000 to group 5 and to port 9001 to group 6, at the output hook, and
what arrives at port 9000 to group 7."""

import socket
import sys
import threading
import time

from scapy.config import conf

conf.use_pcap = True
from scapy.libs.winpcapy import pcap_geterr  # noqa: E402
from scapy.all import AsyncSniffer, Ether, IP, IPv6, UDP, Raw, get_if_list, sendp, sniff  # noqa: E402

version = tuple(int(part) for part in conf.version.split(".")[:2])
print("scapy", conf.version, flush=True)

receivers = []
for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    for port in (9000, 9001):
        receiver = socket.socket(family, socket.SOCK_DGRAM)
        receiver.bind((address, port))
        receivers.append(receiver)


def send(payload, port=9000, address="127.0.0.1"):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.sendto(payload, (address, port))


def sniffed(traffic, **options):
    """The packets of a sniffer that runs while `traffic` does, and how long it took after the traffic began."""
    started, outcome = threading.Event(), []

    def run():
        try:
            outcome.append(sniff(started_callback=started.set, **options))
        except Exception as error:  # pylint: disable=broad-except
            outcome.append(error)
            started.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert started.wait(10), "the sniffer did not start"
    begin = time.time()
    traffic()
    thread.join(timeout=20)
    assert outcome, "the sniffer did not end"
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0], time.time() - begin


def payloads(packets):
    return [bytes(packet[UDP].payload) for packet in packets]


def groups_are_listed():
    interfaces = get_if_list()
    if version < (2, 6):
        # It leaves out what has no MAC address, and opens devices that it does not list.
        assert "nflog:5" not in interfaces and len(sniff(iface="nflog:9", timeout=0.1)) == 0
        return
    assert "nflog:5" in interfaces and "nflog:6" in interfaces and "lo" in interfaces, interfaces


def packets_are_ip_and_ipv6_with_right_times():
    def traffic():
        send(b"four")
        send(b"six", address="::1")

    # The kernel stamps what arrives. For what is sent the library has an estimate, right within the flush time.
    for group, early in (("nflog:7", 0.00001), ("nflog:5", 0.012)):
        before = time.time()
        packets, _ = sniffed(traffic, iface=group, count=2)
        after = time.time()
        assert packets[0].__class__ is IP and packets[1].__class__ is IPv6, packets.summary()
        assert payloads(packets) == [b"four", b"six"]
        for packet in packets:
            assert before - early <= float(packet.time) <= after, (group, before, packet.time, after)


def a_hundred_packets_sent_at_once_arrive_at_once():
    expected = [b"%d" % number for number in range(100)]
    packets, took = sniffed(lambda: [send(payload) for payload in expected], iface="nflog:5", count=100, timeout=10)
    assert payloads(packets) == expected, len(packets)
    assert took < 2, took


def a_filter_selects():
    def traffic():
        for size in (5, 50, 6, 60):
            send(b"x" * size)

    packets, _ = sniffed(traffic, iface="nflog:5", filter="udp port 9000 and greater 60", count=2, timeout=10)
    assert [len(payload) for payload in payloads(packets)] == [50, 60]


def a_timeout_ends_the_sniffer():
    packets, took = sniffed(lambda: send(b"one"), iface="nflog:5", timeout=1)
    assert payloads(packets) == [b"one"]
    assert 0.8 < took < 3, took


def packets_are_handed_to_a_function_and_not_stored():
    seen = []
    packets, _ = sniffed(lambda: [send(b"a"), send(b"b")], iface="nflog:5", store=False, prn=seen.append, count=2, timeout=10)
    assert payloads(seen) == [b"a", b"b"] and not packets


def two_groups_at_once():
    packets, _ = sniffed(lambda: [send(b"a"), send(b"b", 9001)], iface=["nflog:5", "nflog:6"], count=2, timeout=10)
    assert sorted(payloads(packets)) == [b"a", b"b"]
    assert {packet.sniffed_on for packet in packets} == {"nflog:5", "nflog:6"}


def a_group_and_an_interface_at_once():
    packets, _ = sniffed(lambda: send(b"a"), iface=["nflog:5", "lo"], filter="udp port 9000", timeout=1)
    assert {packet.sniffed_on for packet in packets} == {"nflog:5", "lo"}, packets
    assert set(payloads(packets)) == {b"a"}


def sniff_itself_returns_packets():
    threading.Timer(0.5, send, (b"later",)).start()
    assert payloads(sniff(iface="nflog:5", count=1, timeout=10)) == [b"later"]


def an_asynchronous_sniffer_is_started_and_stopped():
    started = threading.Event()
    sniffer = AsyncSniffer(iface="nflog:5", started_callback=started.set)
    sniffer.start()
    assert started.wait(10)
    send(b"a")
    time.sleep(0.3)
    begin = time.time()
    assert payloads(sniffer.stop()) == [b"a"]
    assert time.time() - begin < 3


def frames_are_sent_on_other_interfaces():
    frame = Ether() / IP(dst="127.0.0.1") / UDP(sport=9002, dport=9000) / Raw(b"sent")
    packets, _ = sniffed(lambda: sendp(frame, iface="lo", verbose=0), iface="lo", filter="udp port 9000", count=1, timeout=10)
    assert payloads(packets) == [b"sent"]


def injecting_is_refused_with_a_text():
    # sendp does not look at what pcap_inject returns, so the socket is asked itself.
    out = conf.L2socket(iface="nflog:6")
    assert out.send(IP(dst="127.0.0.1") / UDP()) == -1
    text = pcap_geterr(out.pcap_fd.pcap)
    assert b"nflog" in bytes(text), text
    out.close()


def is_behaviour(value):
    code = getattr(value, "__code__", None)
    return code is not None and code.co_argcount == 0 and value.__module__ == "__main__"


behaviours = [value for value in list(globals().values()) if is_behaviour(value)]
for behaviour in behaviours:
    try:
        behaviour()
        print("ok", behaviour.__name__, flush=True)
    except Exception as error:  # pylint: disable=broad-except
        print("FAILED", behaviour.__name__, type(error).__name__, error, flush=True)
        sys.exit(1)
