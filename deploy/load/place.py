"""A gateway and a slow backend, for the time of the scenarios."""

import subprocess
import time
from pathlib import Path

CONFIGURATION = """\
listen: 127.0.0.1:0
tls:
  certificate: {certificates}/server.pem
  private-key: {certificates}/server.key
  profile: intermediate
state: state
http: {}
routes:
  # As in the embedded default.
  /upload-file:
    formats: [bytes, text, json]
    buffer: {{min: 4 KiB, max: 1 MiB}}
    # But for the largest upload: one of unknown length is offered that, and the disk's room is held for it.
    limits: {{upload: 1 GiB, held: 1 TiB, concurrent: 256, payload: 1 MiB}}
    # All load is one client's.
    client-limits: {{begun: off}}
    resume-for: 24h
    store: {{directory: uploads}}
  /quota:
    limits: {{held: 48 MiB}}
    store: {{directory: quota}}
  /slow:
    resume-for: 60s
    pipe: {{to: ["127.0.0.1:{backend}"]}}
log: {{level: warning}}
"""


class PlaceError(Exception):
    """Why there is no gateway, for a person."""


class Place:
    def __init__(self, sluice, project, scratch):
        self.sluice, self.scratch = sluice, scratch
        self.authority = project / "certs/dev/ca.pem"
        self.configuration = scratch / "sluice.yaml"
        self.processes = []
        if not self.authority.exists():
            subprocess.run([project / "certs/make", project / "certs/dev"], check=True, stdout=subprocess.DEVNULL)

    def __enter__(self):
        try:
            backend = self.start([Path(__file__).parent / "slow-backend", str(2 << 20)], "ready on ")
            self.configuration.write_text(CONFIGURATION.format(certificates=self.authority.parent, backend=backend))
            command = [self.sluice, "serve", "--config", self.configuration]
            self.port = self.start(command, "sluice listens on ").rsplit(":", 1)[-1]
        except PlaceError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, command, words):
        """Starts a process, and returns what stands behind the words that it says when it is ready."""
        name = Path(command[0]).name
        log = self.scratch / f"{name}.log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [str(word) for word in command], stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
        self.processes.append(process)
        end = time.monotonic() + 30
        while time.monotonic() < end and (said := process.stdout.readline()):
            if said.startswith(words):
                return said[len(words):].strip()
        raise PlaceError(f"{name} did not start:\n{log.read_text(errors='replace')[-2000:]}")

    def remove_uploads(self):
        """Makes room, as somebody does who fetches complete uploads. The ledger still has them."""
        for folder in ("uploads", "quota"):
            for file in (self.scratch / folder).iterdir():
                # Hidden ones and folders are the gateway's own.
                if file.is_file() and not file.name.startswith("."):
                    file.unlink()
