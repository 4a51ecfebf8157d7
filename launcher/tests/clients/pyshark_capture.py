"""Prints the payloads of three UDP datagrams, captured by pyshark: pyshark_capture.py DEVICE FILTER."""
import sys

import pyshark

capture = pyshark.LiveCapture(interface=sys.argv[1], bpf_filter=sys.argv[2])
for packet in capture.sniff_continuously(packet_count=3):
    print(bytes.fromhex(packet.data.data).decode(), flush=True)
capture.close()
