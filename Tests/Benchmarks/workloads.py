"""What is measured."""

from dataclasses import dataclass, replace

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True)
class Metric:
    """One figure of a measurement."""

    key: str
    title: str
    format: str
    less_is_better: bool = True


CPU_PER_GIB = Metric("cpu_per_gib", "CPU-s/GiB", "{:.3f}")
RATE = Metric("gib_per_second", "GiB/s", "{:.2f}", False)
PEAK = Metric("peak_mib", "peak MiB", "{:.0f}")
CPU_EACH = Metric("cpu_us", "CPU µs each", "{:.0f}")
PER_SECOND = Metric("per_second", "per s", "{:.0f}", False)
IDLE = Metric("kib_each", "KiB each", "{:.1f}")
GROWTH = Metric("growth_kib_each", "KiB each at the peak", "{:.0f}")
SPEED = Metric("mb_per_second", "MB/s", "{:.0f}", False)
STORED = Metric("stored_ratio", "stored/sent", "{:.3f}")


@dataclass(frozen=True)
class Workload:
    """One way to load a gateway, and what is told of it; the first metric is the one that counts."""

    name: str
    title: str
    kind: str  # relay, store or gzip
    metrics: tuple
    connections: int = 1
    total: int = 0  # connections in all, where they are more
    rounds: int = 1  # uploads on each connection
    size: int = 0  # bytes of each upload
    rate: int = 0  # most bytes a second on each connection
    text: bool = False
    resume: bool = False
    hold: bool = False
    small: bool = False  # one packet with a payload instead of a stream
    http: str = ""  # put, h2 or tus: HTTP, whatever else a contender speaks
    delay: int = 0  # round trip in milliseconds

    def scaled(self, factor, descriptors):
        """The same with other sizes, and with no more connections than files may be open."""
        most = max(1, (descriptors - 200) // 2)
        return replace(
            self,
            connections=min(self.connections, most),
            size=max(1, int(self.size * factor / MIB)) * MIB if self.size > 2 * MIB else self.size,
            total=int(self.total * factor),
            rounds=max(1, int(self.rounds * factor)) if self.rounds > 1 else 1,
        )


WORKLOADS = (
    Workload("relay-1", "Relay, 1 connection", "relay", (CPU_PER_GIB, RATE, PEAK), size=2 * GIB),
    Workload("relay-16", "Relay, 16 connections", "relay", (CPU_PER_GIB, RATE, PEAK), 16, size=128 * MIB),
    Workload("handshake", "Full handshake and 1 KiB", "relay", (CPU_EACH, PER_SECOND), 16, total=2000, size=KIB),
    Workload(
        "resumed", "Resumed handshake and 1 KiB", "relay", (CPU_EACH, PER_SECOND), 16, total=2000, size=KIB, resume=True
    ),
    Workload("idle-1k", "Idle connection after 1 KiB", "relay", (IDLE,), 2000, size=KIB, hold=True),
    Workload("idle-10k", "10,000 idle connections after 1 KiB", "relay", (IDLE,), 10_000, size=KIB, hold=True),
    Workload("idle-1m", "Idle connection after 1 MiB", "relay", (IDLE,), 500, size=MIB, hold=True),
    Workload(
        "crowd", "1,000 uploads at once, piped", "relay", (GROWTH, CPU_PER_GIB, RATE), 1000, size=2 * MIB, rate=MIB
    ),
    Workload("store", "Store, 4 large uploads", "store", (CPU_PER_GIB, RATE, PEAK), 4, size=GIB),
    Workload(
        "store-small", "Store, uploads of 4 KiB, 16 connections", "store", (PER_SECOND, CPU_EACH), 16,
        rounds=200, size=4 * KIB, small=True,
    ),
    Workload(
        "crowd-store", "1,000 uploads at once, stored", "store", (GROWTH, CPU_PER_GIB, RATE), 1000, size=MIB, rate=MIB
    ),
    Workload("put", "PUT, HTTP/1.1, 4 large uploads", "store", (CPU_PER_GIB, RATE, PEAK), 4, size=GIB, http="put"),
    Workload("put-h2", "PUT, HTTP/2, 4 large uploads", "store", (CPU_PER_GIB, RATE, PEAK), 4, size=GIB, http="h2"),
    Workload("tus", "tus, 4 large uploads", "store", (CPU_PER_GIB, RATE, PEAK), 4, size=GIB, http="tus"),
    Workload(
        "put-small", "PUT of 4 KiB, HTTP/1.1, 16 connections", "store", (PER_SECOND, CPU_EACH), 16,
        rounds=200, size=4 * KIB, small=True, http="put",
    ),
    Workload("put-relay", "PUT, HTTP/1.1, piped", "relay", (CPU_PER_GIB, RATE, PEAK), 4, size=512 * MIB, http="put"),
    Workload(
        "put-relay-h2", "PUT, HTTP/2, piped", "relay", (CPU_PER_GIB, RATE, PEAK), 4, size=512 * MIB, http="h2"
    ),
    Workload(
        "far-h2", "One PUT over HTTP/2, 50 ms away", "store", (SPEED, CPU_PER_GIB), size=256 * MIB, http="h2", delay=50
    ),
    Workload(
        "idle-http1", "Idle connection after a PUT of 1 KiB, HTTP/1.1", "relay", (IDLE,), 2000, size=KIB, hold=True,
        http="put",
    ),
    Workload(
        "idle-h2", "Idle connection after a PUT of 1 KiB, HTTP/2", "relay", (IDLE,), 2000, size=KIB, hold=True,
        http="h2",
    ),
    Workload("gzip-text", "Compressed store, text", "gzip", (CPU_PER_GIB, RATE, STORED), size=64 * MIB, text=True),
    Workload("gzip-noise", "Compressed store, random bytes", "gzip", (CPU_PER_GIB, RATE, STORED), size=64 * MIB),
)
