"""Figures into a Markdown report, two charts and the README's table."""
import datetime
import os
import platform
import statistics
import subprocess
import textwrap

from cases import BURST, RATES, SIZES, SNAPLENS
from chart import Axis, Series, line_chart, log_ticks
from clients import FLOOR, LIBPCAP, SHIM, Failed, Reader

INTRODUCTION = """
Written by `make bench`. The same program reads with the system's libpcap and with pcap-nflog preloaded; the floor is
the least that a process can do: receive a batch, walk over it, look at each packet's first byte. The readers take
turns, round by round. A figure is the median of the rounds with the lowest and highest; a ratio is one of medians, with
the lowest and highest within a round. Times move with the machine, and with what else runs on it.
""".strip()

# Where the README has its table.
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def machine(root, clients):
    """What the figures were measured on and with."""
    def first(command):
        try:
            return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.split("\n")[0]
        except (OSError, subprocess.CalledProcessError):
            return "unknown"

    def field(path, name):
        with open(path, encoding="utf-8") as file:
            lines = [line.replace("=", ":", 1).partition(":") for line in file]
        return next((value.strip().strip('"') for key, _, value in lines if key.strip() == name), "unknown")

    with Reader(clients, LIBPCAP) as reader:
        libpcap = reader.stop()["version"].removeprefix("libpcap version ")
    version, commit = field(f"{root}/Cargo.toml", "version"), first(["git", "rev-parse", "--short", "HEAD"])
    return {
        "date": datetime.date.today().isoformat(),
        "processor": f'{field("/proc/cpuinfo", "model name")}, {len(os.sched_getaffinity(0))} processors',
        "kernel": f"Linux {platform.release()} {platform.machine()}",
        "system": field("/etc/os-release", "PRETTY_NAME"),
        "libpcap": libpcap,
        "pcap-nflog": f"{version}, commit {commit}",
        "built with": first(["rustc", "--version"]),
        "load when it began": f"{os.getloadavg()[0]:.2f}",
    }


def number(value):
    """Three digits, or all of a whole number."""
    if abs(value) >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread(values, digits=None):
    """The median of the rounds, and what they lie between."""
    write = number if digits is None else lambda value: f"{value:.{digits}f}"
    middle, low, high = (write(v) for v in (statistics.median(values), min(values), max(values)))
    return middle if low == high else f"{middle} ({low}–{high})"


def ratio(above, below, digits=None):
    """A ratio of medians, and what the ratios within each round lie between."""
    if not statistics.median(below) or not all(below):
        return "–"
    write = number if digits is None else lambda value: f"{value:.{digits}f}"
    rounds = [a / b for a, b in zip(above, below)]
    middle = write(statistics.median(above) / statistics.median(below))
    return middle if len(rounds) < 2 else f"{middle} ({write(min(rounds))}–{write(max(rounds))})"


class Table:
    """Rows of figures by reader, with ratios between some of the readers."""

    def __init__(self, results, readers, ratios=(), digits=None):
        self.results, self.readers, self.ratios, self.digits = results, readers, ratios, digits
        heads = ["", *readers, *(f"{above} ÷ {below}" for above, below in ratios)]
        self.lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]

    def row(self, title, case, figure, compare=True):
        values = {}
        for reader in self.readers:
            values[reader] = self.results.get(case, {}).get(reader, {}).get(figure)
            if not values[reader]:
                raise Failed(f"{title}: {figure} of {reader} was not measured")
        cells = [spread(values[reader]) for reader in self.readers]
        for above, below in self.ratios:
            cells.append(ratio(values[above], values[below], self.digits) if compare else "")
        self.lines.append("| " + " | ".join([title, *cells]) + " |")
        return self

    def __str__(self):
        return "\n".join(self.lines)


def report(about, results):
    """The whole report."""
    three, two = (LIBPCAP, SHIM, FLOOR), (LIBPCAP, SHIM)
    gain, above_floor, tax = (LIBPCAP, SHIM), (SHIM, FLOOR), (SHIM, LIBPCAP)

    def table(readers, *ratios, digits=None):
        return Table(results, readers, ratios, digits)

    cpu, sender, delivered = table(three, gain, above_floor), table(three, gain), table(three)
    for size in SIZES:
        cpu.row(f"{size:,} B, full speed", f"full-{size}", "cpu")
        sender.row(f"{size:,} B", f"full-{size}", "sender")
        delivered.row(f"{size:,} B, packets/s sent", f"full-{size}", "rate")
        delivered.row(f"{size:,} B, % delivered", f"full-{size}", "delivered")
    for rate in reversed(RATES):
        cpu.row(f"100 B, {rate:,} packets/s", f"rate-{rate}", "cpu")
    late = table(two, gain)
    for immediate, name in enumerate(("normal", "immediate mode")):
        for figure in ("median", "p99", "worst"):
            late.row(f"{name}, {figure}", f"lag-{immediate}", figure)
    burst = table(two)
    for mebibytes, name in ((0, "default buffer"), (128, "128 MiB asked for")):
        for figure, text in (("survived", "survived"), ("lost", "lost"), ("reported", "reported as dropped")):
            burst.row(f"{name}: {text}", f"burst-{mebibytes}", figure)
    cut = table(two)
    for limit in SNAPLENS:
        cut.row(f"snaplen {limit}: % delivered", f"snaplen-{limit}", "delivered")
        cut.row(f"snaplen {limit}: reported as dropped", f"snaplen-{limit}", "reported")
    calls = table(two, gain)
    for figure, text in (("loop", "pcap_loop"), ("next_ex", "pcap_next_ex"), ("more", "difference in each round")):
        calls.row(text, "one-by-one", figure, compare=figure != "more")
    several = table((SHIM,))
    for figure, text in (("one", "one reader"), ("two", "two readers"), ("speedup", "two over one")):
        several.row(text, "scaling", figure)
    preloaded = table(two, tax, digits=3)
    preloaded.row("a savefile with pcap_next_ex, ns per packet", "savefile", "next_ex")
    preloaded.row("a savefile with pcap_loop, ns per packet", "savefile", "loop")
    preloaded.row("`tcpdump --version`, ms", "start", "start")
    preloaded.row("memory of an idle open handle, MiB", "idle", "memory")

    sections = [
        ("CPU of the reader, ns per packet", cpu, "![CPU per packet over rate](cpu.svg)"),
        ("CPU of the sender, ns per packet, full speed", sender, "What logging costs the process whose packets these "
         "are: making and sending them is in it."),
        ("Full speed: sent and delivered", delivered, "32 MiB of buffer are asked for."),
        ("Delivery lag at 25 packets/s, ms", late, "![Delivery lag](lag.svg)\n\nFrom sending to the program's "
         "callback; `to_ms` is 100."),
        (f"{BURST:,} packets while the program is busy", burst, "The program's first packet keeps it busy until all "
         "are sent. Reported is `ps_drop` of `pcap_stats`."),
        ("Snaplen, at 30,000 packets/s", cut, ""),
        ("Taking packets one by one, ns per packet", calls, "CPU of taking what waits for the reader, "
         "100 B."),
        ("Several readers, million packets/s", several, "Readers of a group each drain what waits for them, all at "
         "the same time."),
        ("What preloading costs programs that do not read NFLOG", preloaded, ""),
    ]
    text = ["# Benchmark results", "", textwrap.fill(INTRODUCTION, 120), ""]
    text += ["| | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in about.items())]
    for title, rows, note in sections:
        text += ["", f"## {title}", "", *([note, ""] if note else []), str(rows)]
    return "\n".join(text) + "\n"


def summary(about, results):
    """What the README shows."""
    rows = Table(results, (LIBPCAP, SHIM), ((LIBPCAP, SHIM),))
    rows.row("CPU per packet, 100 B at full speed, ns", f"full-{SIZES[0]}", "cpu")
    rows.row("CPU per packet, 1,400 B at full speed, ns", f"full-{SIZES[1]}", "cpu")
    rows.row("CPU per packet, 20,000 packets/s, ns", "rate-20000", "cpu")
    rows.row("CPU per packet, 1,000 packets/s, ns", "rate-1000", "cpu")
    rows.row("delivery at 25 packets/s, median, ms", "lag-0", "median")
    rows.row("the same in immediate mode", "lag-1", "median")
    rows.row(f"lost of {BURST:,} while the program is busy, 128 MiB of buffer", "burst-128", "lost", compare=False)
    rows.row("% delivered with snaplen 96, 30,000 packets/s", "snaplen-96", "delivered", compare=False)
    where = "{processor}; {kernel}; {system}; libpcap {libpcap}; {date}".format(**about)
    return "\n\n".join([
        "![CPU per packet over rate: libpcap, pcap-nflog and the floor](benches/results/cpu.svg)", str(rows),
        textwrap.fill(f"Medians of rounds, with the lowest and highest. Measured on {where}.", 120)])


def cpu_chart(results):
    """CPU per packet over the rate; the last point is full speed."""
    series, top = [], RATES[-1]
    for colour, reader in enumerate((LIBPCAP, SHIM, FLOOR)):
        one = Series(reader, colour, [], dashed=reader == FLOOR)
        measured = [(rate, results[f"rate-{rate}"][reader]["cpu"]) for rate in RATES]
        full = results[f"full-{SIZES[0]}"][reader]
        for rate, values in [*measured, (statistics.median(full["rate"]), full["cpu"])]:
            one.points.append((rate, statistics.median(values)))
            one.spread.append((rate, min(values), max(values)))
            top = max(top, rate)
        series.append(one)
    every = [value for one in series for _, low, high in one.spread for value in (low, high)]
    ticks = {float(rate): f"{rate:,}" for rate in RATES} | {float(top): "full speed"}
    return line_chart("CPU of the reader per packet of 100 bytes", Axis("packets per second", ticks),
                      Axis("ns per packet", log_ticks(every, lambda value: f"{value:,.0f}")), series)


def lag_chart(results):
    """What part of the packets had come after how long."""
    series, every = [], []
    for colour, reader in enumerate((LIBPCAP, SHIM)):
        for immediate in (0, 1):
            late = sorted(ms for one in results[f"lag-{immediate}"][reader]["all"] for ms in one)
            points = [(max(ms, 0.001), 100 * (i + 1) / len(late)) for i, ms in enumerate(late)]
            name = f"{reader}, immediate mode" if immediate else reader
            series.append(Series(name, colour, [(points[0][0], 0), *points], dashed=bool(immediate)))
            every += [ms for ms, _ in points]
    ticks = log_ticks(every, lambda value: f"{value:g}")
    percent = {value: f"{value}" for value in range(0, 101, 20)}
    return line_chart("From sending to the callback, at 25 packets per second", Axis("milliseconds", ticks),
                      Axis("% of packets delivered", percent, log=False), series)


def write(folder, readme, about, results):
    """Writes the report and the charts, and renews the README's table where it has one."""
    os.makedirs(folder, exist_ok=True)
    files = {"RESULTS.md": report(about, results), "cpu.svg": cpu_chart(results), "lag.svg": lag_chart(results)}
    table = summary(about, results)
    for name, text in files.items():
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    if os.path.exists(readme):
        with open(readme, encoding="utf-8") as file:
            text = file.read()
        before, begin, rest = text.partition(BEGIN)
        _, end, after = rest.partition(END)
        if begin and end:
            with open(readme, "w", encoding="utf-8") as file:
                file.write(f"{before}{begin}\n{table}\n{end}{after}")


def show(results):
    """Prints figures as they are."""
    for case, readers in results.items():
        for reader, figures in readers.items():
            for name, values in figures.items():
                if not isinstance(values[0], list):
                    print(f"{case:>12} {reader:>10} {name:>10}: {spread(values)}")
