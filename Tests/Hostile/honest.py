"""Honest uploads: curl's PUT and PATCH over HTTP/1.1 and HTTP/2, as fast as they go."""

import hashlib
import os
import re
import subprocess
import threading
import time

from gateway import MIB, Gateway

CONFIGURATION = """
listen: 127.0.0.1:{port}
tls: {{certificate: certs/server.pem, private-key: certs/server.key}}
state: state
timeouts: {{head: 3s, idle: 20s, silence: 8s, shutdown: 2s}}
log: {{level: info, format: json}}
http: {{}}
routes:
  /files:
    limits: {{upload: 1 GiB, held: 1 TiB}}
    access: anyone
    resume-for: 1m
    store: {{directory: store/files, min-free: 1 MiB}}
"""


class HonestGateway(Gateway):
    """The gateway of the HTTP cases with one route, for larger uploads."""

    def _write(self):
        os.mkdir(f"{self.folder}/store")
        with open(f"{self.folder}/sluice.yaml", "w", encoding="ascii") as file:
            file.write(CONFIGURATION.format(port=self.port))

    def processor(self):
        """CPU seconds so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def complaints(self):
        """The log's lines of the level error and worse."""
        with open(f"{self.folder}/gateway.log", encoding="utf-8") as file:
            return [line.strip() for line in file if re.search('"level":"(error|critical)"', line)][:3]


class Round:
    """So many uploads at once, and what they took."""

    def __init__(self, gateway, uploads, mib):
        self.gateway, self.uploads, self.size = gateway, uploads, mib * MIB
        self.rate = self.processor = self.memory = 0
        self.faults = []
        self.path = f"{gateway.folder}/content-{mib}"
        if not os.path.exists(self.path):
            with open(self.path, "wb") as file:
                file.write(os.urandom(MIB) * mib)

    def __str__(self):
        return f"{self.rate:.0f} MB/s, {self.processor:.2f} CPU-s/GiB, {self.memory >> 20} MiB"

    def run(self):
        places = {number: self._create() for number in range(self.uploads) if number % 2}
        ended = threading.Event()
        watch = threading.Thread(target=self._watch_memory, args=(ended,), daemon=True)
        watch.start()
        before, began = self.gateway.processor(), time.monotonic()
        clients = [self._client(number, places.get(number)) for number in range(self.uploads)]
        outputs = [client.communicate()[0] for client in clients]
        took = time.monotonic() - began
        ended.set()
        watch.join()
        total = self.uploads * self.size
        self.rate, self.processor = total / took / 1e6, (self.gateway.processor() - before) / (total / (1 << 30))
        statuses = [output.decode().strip() for output in outputs]
        if set(statuses) != {"201"}:
            self.faults.append(f"honest uploads were answered with {sorted(set(statuses))}")
        self._check_store()
        return self

    def _curl(self, number, *words):
        protocol = "--http2" if number % 4 > 1 else "--http1.1"
        return ["curl", "-sS", protocol, "--cacert", self.gateway.authority, "-o", "/dev/null", *words]

    def _create(self):
        """The place of an upload that PATCH brings the bytes of."""
        fields = ["-H", "Upload-Complete: ?0", "-H", f"Upload-Length: {self.size}", "-X", "POST"]
        words = self._curl(0, *fields, "-D", "-", f"{self.gateway.origin}/files")
        head = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        return re.search(r"(?im)^location: (\S+)", head).group(1)

    def _client(self, number, place):
        words = ["-w", "%{http_code}", "-H", "Expect:", "-T", self.path]
        if place is None:
            words.append(f"{self.gateway.origin}/files/x")
        else:
            words += ["-X", "PATCH", "-H", "Upload-Offset: 0", "-H", "Upload-Complete: ?1"]
            words += ["-H", "Content-Type: application/partial-upload", place]
        return subprocess.Popen(self._curl(number, *words), stdout=subprocess.PIPE)

    def _watch_memory(self, ended):
        while not ended.wait(0.05):
            self.memory = max(self.memory, self.gateway.memory())

    def _check_store(self):
        """Each upload is there whole; nothing of the attackers is. The files go, for the next round's room."""
        files = sorted(self.gateway.published())
        if len(files) != self.uploads:
            self.faults.append(f"{len(files)} files in the store, not {self.uploads}")
        wanted = digest_of(self.path)
        for path in files:
            if digest_of(path) != wanted:
                self.faults.append(f"{os.path.basename(path)} has {os.path.getsize(path)} bytes, or others")
            os.remove(path)


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
