"""What is measured. A case runs once per round for each of its readers and gives a figure by name."""
import os
import shutil
import statistics
import struct
import subprocess
import time
from dataclasses import dataclass
from typing import Callable

from clients import FLOOR, LIBPCAP, SHIM, Failed, Reader

MIB = 1 << 20
RATES = (100, 1000, 5000, 20000, 50000)
SIZES = (100, 1400)
SNAPLENS = (96, 1500)
BURST = 400_000

# Enough for a batch of any reader to be sent at once.
PRIMING = 200


@dataclass(frozen=True)
class Case:
    """A measurement: `run(bench, reader)` gives its figures, in about `seconds`."""
    key: str
    title: str
    readers: tuple
    rounds: int
    seconds: float
    run: Callable


class Bench:
    """What the cases share: the clients, a folder for files, and how much to do."""

    def __init__(self, clients, folder, smoke):
        self.clients, self.folder, self.smoke = clients, folder, smoke

    def amount(self, full, smoke):
        """As much as this run is for."""
        return smoke if self.smoke else full

    def capture(self, kind, count, size, per_second=0, **options):
        """Reads what is sent; what the reader and the sender say."""
        with Reader(self.clients, kind, **options) as reader:
            sent = self.clients.send(count, size, per_second)
            reader.settle(whole=not self.smoke or count < PRIMING)
            read = reader.stop()
        if read["packets"] == 0:
            raise Failed(f"{kind} read no packet of {count}")
        return read, sent


def per_packet(read):
    return read["cpu_ns"] / read["packets"]


def full_speed(size):
    def run(bench, kind):
        count = bench.amount(500_000 if size < 1000 else 200_000, 20_000)
        read, sent = bench.capture(kind, count, size, buffer=32 * MIB)
        return {
            "cpu": per_packet(read),
            "sender": sent["cpu_ns"] / sent["sent"],
            "rate": sent["sent"] / sent["seconds"],
            "delivered": 100 * read["packets"] / sent["sent"],
        }
    return Case(f"full-{size}", f"CPU at full speed, {size} bytes", (LIBPCAP, SHIM, FLOOR), 5, 2.2, run)


def at_rate(rate):
    seconds = 3 if rate < 1000 else 1.5

    def run(bench, kind):
        count = int(rate * bench.amount(seconds, 0.2))
        read, _ = bench.capture(kind, count, 100, rate, buffer=32 * MIB)
        return {"cpu": per_packet(read)}
    return Case(f"rate-{rate}", f"CPU at {rate:,} packets/s", (LIBPCAP, SHIM, FLOOR), 3, seconds + 0.6, run)


def lag(immediate):
    def run(bench, kind):
        read, _ = bench.capture(kind, bench.amount(100, 5), 100, 25, mode="lag", immediate=immediate)
        late = sorted(us / 1000 for us in read["lag_us"])
        last = len(late) - 1
        return {"median": late[last // 2], "p99": late[last * 99 // 100], "worst": late[last], "all": late}
    name = "immediate mode" if immediate else "normal"
    return Case(f"lag-{int(immediate)}", f"delivery lag, {name}", (LIBPCAP, SHIM), 3, 4.9, run)


def burst(buffer):
    def run(bench, kind):
        count, after = bench.amount(BURST, BURST // 20), 1000
        with Reader(bench.clients, kind, mode="busy", buffer=buffer) as reader:
            bench.clients.send(PRIMING, 100)
            reader.expect("busy")
            bench.clients.send(count, 100)
            reader.release()
            reader.settle(whole=not bench.smoke)
            # A loss shows when something comes behind it.
            bench.clients.send(after, 100, 10_000)
            reader.settle(whole=not bench.smoke)
            read = reader.stop()
        lost = PRIMING + count + after - read["packets"]
        return {"survived": count - lost, "lost": lost, "reported": read["drop"]}
    name = f"{buffer // MIB} MiB of buffer" if buffer else "default buffer"
    return Case(f"burst-{buffer // MIB}", f"burst, {name}", (LIBPCAP, SHIM), 3, 4.5, run)


def snaplen(limit):
    def run(bench, kind):
        read, sent = bench.capture(kind, bench.amount(45_000, 6_000), 100, 30_000, snaplen=limit)
        return {"delivered": 100 * read["packets"] / sent["sent"], "reported": read["drop"]}
    return Case(f"snaplen-{limit}", f"snaplen {limit}", (LIBPCAP, SHIM), 3, 2.4, run)


def drain(bench, kind, groups, mode="busy"):
    """Lets packets wait for a reader of each group, then has all of them read at the same time; what each says."""
    readers = []
    try:
        for group in groups:
            reader = Reader(bench.clients, kind, mode=mode, group=group, buffer=128 * MIB)
            readers.append(reader.__enter__())
            bench.clients.send(PRIMING, 100, group=group)
            reader.expect("busy")
            bench.clients.send(bench.amount(200_000, 20_000), 100, group=group)
        time.sleep(0.1)
        for reader in readers:
            reader.release()
        time.sleep(bench.amount(0.4, 0.2))
        read = [reader.stop() for reader in readers]
    finally:
        for reader in readers:
            reader.__exit__()
    if not all(one["drained"] for one in read):
        raise Failed(f"{kind} found nothing that waited for it")
    return read


def one_by_one(bench, kind):
    figures = {}
    for figure, mode in (("loop", "busy"), ("next_ex", "busy_next_ex")):
        [read] = drain(bench, kind, [1], mode)
        figures[figure] = read["drain_cpu_ns"] / read["drained"]
    return {**figures, "more": figures["next_ex"] - figures["loop"]}


def scaling(bench, kind):
    def speed(groups):
        read = drain(bench, kind, groups)
        return sum(one["drained"] for one in read) / max(one["drain_ns"] for one in read) * 1e3

    one, two = speed([1]), speed([1, 2])
    return {"one": one, "two": two, "speedup": two / one}


def idle(bench, kind):
    with Reader(bench.clients, kind) as reader:
        return {"memory": reader.resident_kib() / 1024}


def savefile(bench, kind):
    path = f"{bench.folder}/packets.pcap"
    if not os.path.exists(path):
        packet = bytes.fromhex("4500006400004000401100007f0000017f000001") + bytes(80)
        record = struct.pack("=IIII", 1, 1, len(packet), len(packet)) + packet
        with open(path, "wb") as file:
            file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
            file.write(record * bench.amount(300_000, 20_000))
    read = bench.clients.read_savefile(kind, path, bench.amount(4, 1))
    return {"next_ex": read["next_ex_ns"], "loop": read["loop_ns"]}


def start(bench, kind):
    # A copy: where AppArmor confines tcpdump, it may not preload a library from a build folder.
    program = f"{bench.folder}/tcpdump"
    if not os.path.exists(program):
        shutil.copy(shutil.which("tcpdump"), program)
    environment, spent = bench.clients.environment(kind), []
    for _ in range(bench.amount(15, 2)):
        before = time.perf_counter()
        subprocess.run([program, "--version"], env=environment, capture_output=True, check=True)
        spent.append(time.perf_counter() - before)
    return {"start": statistics.median(spent) * 1000}


CASES = [
    *map(full_speed, SIZES),
    *map(at_rate, RATES),
    Case("one-by-one", "pcap_next_ex and pcap_loop", (LIBPCAP, SHIM), 7, 2.4, one_by_one),
    Case("scaling", "two readers and one", (SHIM,), 7, 4.0, scaling),
    lag(False), lag(True),
    burst(0), burst(128 * MIB),
    *map(snaplen, SNAPLENS),
    Case("savefile", "a savefile", (LIBPCAP, SHIM), 9, 0.3, savefile),
    Case("start", "starting a program", (LIBPCAP, SHIM), 5, 0.15, start),
    Case("idle", "memory of an idle handle", (LIBPCAP, SHIM), 3, 0.15, idle),
]
