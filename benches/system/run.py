#!/usr/bin/env python3
"""Compares the system's libpcap, pcap-nflog preloaded under the same program, and a floor, on the same traffic.

The floor is the least that reading NFLOG can cost a process: receive, walk, forget (floor.c). The readers take turns,
round by round, in a network namespace of their own with NFLOG rules on its loopback. A full run replaces
benches/results and the README's table; a smoke run only sees to it that everything can be measured.
"""
import argparse
import os
import sys
import tempfile
import time

import report
from cases import CASES, Bench
from clients import Clients, Failed, enter_namespace, set_up_namespace

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Progress:
    """Says what runs now, and about how long the rest will take."""

    def __init__(self, steps):
        self.steps, self.begun, self.done = len(steps), 0, 0.0
        self.expected = sum(case.seconds for case, _, _ in steps)
        self.started = time.monotonic()

    def begin(self, case, number, kind):
        # Steps cost what they are expected to, times what the ones before cost more or less than that.
        pace = (time.monotonic() - self.started + 5) / (self.done + 5)
        left = round((self.expected - self.done) * pace)
        self.begun += 1
        self.done += case.seconds
        print(f"[{self.begun:3}/{self.steps}, about {left // 60}:{left % 60:02} left] "
              f"{case.title}: {kind}, round {number + 1}", flush=True)


def measure(bench, cases, rounds):
    """Every case's figures by reader, in the order of the rounds."""
    steps = [(case, number, kind) for case in cases for number in range(rounds or case.rounds) for kind in case.readers]
    progress, results = Progress(steps), {}
    for case, number, kind in steps:
        progress.begin(case, number, kind)
        figures = results.setdefault(case.key, {}).setdefault(kind, {})
        for name, value in case.run(bench, kind).items():
            figures.setdefault(name, []).append(value)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    built = os.environ.get("PCAP_NFLOG_LIB", f"{ROOT}/target/release/libpcap_nflog.so")
    parser.add_argument("--library", default=built, help="the library to preload")
    parser.add_argument("--smoke", action="store_true", help="one short round; nothing in the repository is written")
    parser.add_argument("--rounds", type=int, default=0, help="so many rounds of every case")
    parser.add_argument("--only", default="", help="only cases whose name begins so; prints, writes nothing")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ["PATH"] += ":/usr/local/sbin:/usr/sbin:/sbin"
    if not os.path.exists(arguments.library):
        raise Failed(f"{arguments.library} is not there: make build")
    if not arguments.inside:
        enter_namespace([sys.executable, "-B", os.path.abspath(__file__), *sys.argv[1:], "--inside"])
    set_up_namespace()

    cases = [case for case in CASES if case.key.startswith(arguments.only)]
    with tempfile.TemporaryDirectory() as folder:
        clients = Clients(folder, os.path.abspath(arguments.library))
        machine = report.machine(ROOT, clients)
        results = measure(Bench(clients, folder, arguments.smoke), cases, 1 if arguments.smoke else arguments.rounds)
        if arguments.only:
            report.show(results)
        elif arguments.smoke:
            report.write(folder, f"{folder}/README.md", machine, results)
            print(f"every case was measured: {len(cases)}")
        else:
            report.write(f"{ROOT}/benches/results", f"{ROOT}/README.md", machine, results)
            print("written: benches/results")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"bench: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
