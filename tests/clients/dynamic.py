"""The same as dynamic.c, with ctypes."""

import ctypes
import sys

source, last = sys.argv[1].encode(), int(sys.argv[2])


class Header(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("fraction", ctypes.c_long), ("caplen", ctypes.c_uint), ("len", ctypes.c_uint)]


pcap = ctypes.CDLL("libpcap.so.0.8")
pcap.pcap_open_live.restype = ctypes.c_void_p
pcap.pcap_open_live.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_char_p]
pcap.pcap_open_offline.restype = ctypes.c_void_p
pcap.pcap_open_offline.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
pcap.pcap_next_ex.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
pcap.pcap_datalink.argtypes = [ctypes.c_void_p]
pcap.pcap_close.argtypes = [ctypes.c_void_p]

error = ctypes.create_string_buffer(256)
if b"/" in source:
    p = pcap.pcap_open_offline(source, error)
else:
    p = pcap.pcap_open_live(source, 65535, 0, 100, error)
if not p:
    sys.exit(error.value.decode())
print("ready", file=sys.stderr, flush=True)
header, data = ctypes.POINTER(Header)(), ctypes.c_void_p()
packets = lens = 0
while (result := pcap.pcap_next_ex(p, ctypes.byref(header), ctypes.byref(data))) >= 0:
    if result == 1:
        packets += 1
        lens += header.contents.len
        if header.contents.len == last:
            break
print(f"end={result} packets={packets} lens={lens} datalink={pcap.pcap_datalink(p)}")
pcap.pcap_close(p)
