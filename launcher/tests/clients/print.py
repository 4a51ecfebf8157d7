"""Prints the payloads of three UDP datagrams over IPv4: libpcap by ctypes, loaded by its name."""
import ctypes
import sys

pcap = ctypes.CDLL("libpcap.so.0.8")
pcap.pcap_open_live.restype = ctypes.c_void_p
pcap.pcap_geterr.restype = ctypes.c_char_p


class Header(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("fraction", ctypes.c_long), ("caplen", ctypes.c_uint32), ("len", ctypes.c_uint32)]


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint), ("instructions", ctypes.c_void_p)]


error = ctypes.create_string_buffer(256)
p = ctypes.c_void_p(pcap.pcap_open_live(sys.argv[1].encode(), 65535, 0, 100, error))
if not p:
    sys.exit(error.value.decode())
program = Program()
if pcap.pcap_compile(p, ctypes.byref(program), sys.argv[2].encode(), 1, 0) or pcap.pcap_setfilter(p, ctypes.byref(program)):
    sys.exit(pcap.pcap_geterr(p).decode())
print("ready", file=sys.stderr, flush=True)
header, data = ctypes.POINTER(Header)(), ctypes.c_void_p()
packets = 0
while packets < 3:
    got = pcap.pcap_next_ex(p, ctypes.byref(header), ctypes.byref(data))
    if got < 0:
        sys.exit(pcap.pcap_geterr(p).decode())
    if got:
        print(ctypes.string_at(data.value + 28, header.contents.caplen - 28).decode())
        packets += 1
