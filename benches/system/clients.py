"""The processes of a measurement: readers, traffic, and the network namespace that they are in."""
import json
import os
import signal
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# The readers, by the names that the reports use.
LIBPCAP = "libpcap"
SHIM = "pcap-nflog"
FLOOR = "floor"

# How long a packet can take: libpcap leaves a group the kernel's flush time of 1 s; the others use 10 ms.
SETTLE_SECONDS = {LIBPCAP: 1.2, SHIM: 0.2, FLOOR: 0.2}

SNAPLEN_MAX = 262144

# Two groups, each with the port whose packets it gets. They are logged while they are sent, so that the sender pays
# for it, and dropped when they come back: nobody has to receive them.
PORTS = {1: 9001, 2: 9002}
RULES = """
table inet bench {
    chain sent { type filter hook output priority 0;
        udp dport 9001 log group 1
        udp dport 9002 log group 2
    }
    chain received { type filter hook prerouting priority -300; udp dport { 9001, 9002 } drop; }
}
"""


class Failed(Exception):
    """A measurement has no result."""


def enter_namespace(argv):
    """Runs this program again in a network namespace of its own; as a normal user that takes a user namespace."""
    problem = ""
    for rootless in ([], ["--user", "--map-root-user"]):
        unshare = ["unshare", "--net", *rootless]
        attempt = subprocess.run([*unshare, "ip", "link", "set", "lo", "up"], capture_output=True, text=True)
        if attempt.returncode == 0:
            os.execvp("unshare", [*unshare, *argv])
        problem = attempt.stderr.strip()
    raise Failed(f"no private network namespace: {problem}")


def set_up_namespace():
    """Brings loopback up and loads the rules."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["nft", "-f", "-"], input=RULES, text=True, check=True)


class Clients:
    """Compiled client programs, and the library that is preloaded under them."""

    def __init__(self, folder, library):
        self.folder, self.library = folder, library
        for name in ("reader", "floor", "traffic", "savefile"):
            command = ["cc", "-O2", "-Wall", "-Wextra", "-o", f"{folder}/{name}", f"{HERE}/{name}.c"]
            subprocess.run(command + (["-lpcap"] if name in ("reader", "savefile") else []), check=True)

    def environment(self, kind):
        """The environment of a program that uses this kind of libpcap."""
        ours = ("LD_PRELOAD", "LD_LIBRARY_PATH", "PCAP_NFLOG_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return {**clean, "LD_PRELOAD": self.library} if kind == SHIM else clean

    def run(self, kind, *command):
        """The JSON that a client prints."""
        environment = self.environment(kind)
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, timeout=150)
        if done.returncode != 0:
            raise Failed(f"{os.path.basename(command[0])} with {kind} ended with status {done.returncode}")
        return json.loads(done.stdout)

    def send(self, count, size, per_second=0, group=1):
        """Sends datagrams of `size` bytes into a group, evenly spaced or as fast as possible."""
        return self.run(LIBPCAP, f"{self.folder}/traffic", *map(str, (PORTS[group], count, size, per_second)))

    def read_savefile(self, kind, path, times):
        """ns per packet of reading a savefile."""
        return self.run(kind, f"{self.folder}/savefile", path, str(times))


class Reader:
    """A process that reads a group, from `with` until `stop`."""

    def __init__(self, clients, kind, mode="loop", group=1, snaplen=SNAPLEN_MAX, buffer=0, immediate=False):
        self.kind = kind
        arguments = (mode, f"nflog:{group}", snaplen, buffer, int(immediate))
        command = [f"{clients.folder}/reader", *map(str, arguments)]
        if kind == FLOOR:
            command = [f"{clients.folder}/floor", str(group), str(buffer)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, env=clients.environment(kind), stdin=pipe, stdout=pipe, text=True, bufsize=1)

    def __enter__(self):
        try:
            self.expect("ready")
        except Failed:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def expect(self, line):
        """Waits for a line."""
        if self.process.stdout.readline().strip() != line:
            raise Failed(f"the reader with {self.kind} did not get as far as '{line}'")

    def resident_kib(self):
        """The memory of the process that is in use."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def release(self):
        """Lets a busy reader go on."""
        self.process.stdin.write("\n")

    def settle(self, whole=True):
        """Waits until what was sent can have been read: all of it, or, of more than a batch, most."""
        time.sleep(SETTLE_SECONDS[self.kind] if whole else 0.1)

    def stop(self):
        """What the reader measured, with at least one packet."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            # A signal can come just before a read that waits for ever: then it takes another one.
            self.process.send_signal(signal.SIGTERM)
            try:
                output, _ = self.process.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                continue
        else:
            raise Failed(f"the reader with {self.kind} does not end")
        if self.process.returncode != 0:
            raise Failed(f"the reader with {self.kind} ended with status {self.process.returncode}")
        return json.loads(output)
