"""Places far from each other on one machine: network namespaces, and wires between them that take their time.

    places.enter_namespace("bench tree")                 # this process's own: it ends with it
    with places.World() as world:
        home, pop = places.HERE, world.place()
        wire = world.lay(home, pop, one_way_ms=40)       # bench_long_wire: has to be built
        subprocess.run([*pop.inside, "curl", f"http://{wire.at_a}:8080/"])

Nothing is lost on a wire, and it is as wide as can be: what it makes is time.
"""

import contextlib
import ctypes
import os
import subprocess
import sys
from dataclasses import dataclass

import machine
import servers

CLONE_NEWNET = 0x40000000
# Reno is the one that every kernel lets any namespace have; where nothing is lost its window only grows. BBR, the default of some,
# stands still for a round trip every ten seconds to look how long the wire is.
SETTLE_IN = ["sh", "-c", "ip link set lo up && sysctl -qw net.ipv4.tcp_congestion_control=reno"]


def enter_namespace(who):
    """A network namespace for this process and all it starts: it ends with them."""
    if os.getuid() != 0 or ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        sys.exit(f"{who} makes network namespaces: run it as root")
    subprocess.run(SETTLE_IN, check=True)


@dataclass(frozen=True)
class Place:
    """`inside` puts a command there."""
    inside: tuple = ()
    pid: int = 0


HERE = Place(pid=os.getpid())  # where this process is


@dataclass(frozen=True)
class Wire:
    at_a: str  # the address of a, as b reaches it
    at_b: str


class World:
    def __enter__(self):
        self._running = contextlib.ExitStack()
        self._wires = 0
        return self

    def __exit__(self, *_):
        self._running.close()

    def place(self):
        keeper = self._start(["unshare", "--net", "sh", "-c", f"{SETTLE_IN[-1]} && echo ready && exec sleep 3600"])
        return Place(("nsenter", "-t", str(keeper.pid), "-n"), keeper.pid)

    def lay(self, a, b, one_way_ms):
        self._wires += 1
        device, at_a, at_b = f"wire{self._wires}", f"10.99.{self._wires}.1", f"10.99.{self._wires}.2"
        carrier = self._start([*a.inside, "taskset", "-c", str(servers.LOAD_CORE), str(servers.BUILT / "bench_long_wire"),
                               str(one_way_ms), device, device, str(b.pid)])
        machine.prefer(carrier.pid)
        for place, mine, other in ((a, at_a, at_b), (b, at_b, at_a)):
            subprocess.run([*place.inside, "ip", "addr", "add", mine, "peer", other, "dev", device], check=True)
            subprocess.run([*place.inside, "ip", "link", "set", device, "up"], check=True)
        return Wire(at_a, at_b)

    def pass_bursts(self, place, towards):
        """From `place` to the address `towards` a burst leaves at once, whatever TCP thinks of the wire: where its time stands for
        something else than distance. As if the window had grown on 90 KB and were never taken back."""
        subprocess.run([*place.inside, "sysctl", "-qw", "net.ipv4.tcp_slow_start_after_idle=0"], check=True)
        route = subprocess.run([*place.inside, "ip", "route", "show", towards], capture_output=True, text=True, check=True).stdout.split()
        subprocess.run([*place.inside, "ip", "route", "change", *route, "initcwnd", "60"], check=True)

    def _start(self, command):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self._running.callback(lambda: (process.kill(), process.wait()))
        if process.stdout.readline().strip() != "ready":
            sys.exit(f"{' '.join(command)} did not start")
        return process
