"""The real gateway in a folder of its own: a route for anyone, one that wants a token, and one that takes little."""

import hashlib
import json
import os
import re
import signal
import ssl
import subprocess
import threading
import time
import urllib.request

PROJECT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
# The percent sign is one that an address has to escape.
TOKEN = "s3cret+%/="
LIMIT = 1 << 20

CONFIGURATION = """
listen: 127.0.0.1:{port}
tls: {{certificate: certs/server.pem, private-key: certs/server.key}}
state: state
http: {{}}
routes:
  /files:
    store: {{directory: files, metadata: sidecar}}
  /guarded:
    access: {{tokens: tokens}}
    store: {{directory: guarded}}
  /small:
    limits: {{upload: {limit}}}
    store: {{directory: small}}
log: {{format: json}}
"""


def make_certificates(folder):
    """Once for a run: each gateway of it uses them."""
    subprocess.run([os.path.join(PROJECT, "certs/make"), folder], check=True, stdout=subprocess.DEVNULL)


class Gateway:
    def __init__(self, binary, folder, certificates):
        self.binary, self.folder = os.path.abspath(binary), folder
        os.makedirs(folder)
        os.symlink(certificates, os.path.join(folder, "certs"))
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        with open(os.open(os.path.join(folder, "tokens"), os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(f"browser {digest}\n")
        self.log = os.path.join(folder, "log")
        self.process, self.port = None, 0
        self.start()

    def start(self):
        """The first time at a port of the system's choice, later at the same one."""
        configuration = os.path.join(self.folder, "sluice.yaml")
        with open(configuration, "w") as file:
            file.write(CONFIGURATION.format(port=self.port, limit=LIMIT))
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.binary, "serve", "--config", configuration], cwd=self.folder,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True)
        # A gateway that hangs is killed, and then its output ends.
        guard = threading.Timer(20, self.process.kill)
        guard.start()
        try:
            line = next((line for line in self.process.stdout if "listens on" in line), None)
            assert line, f"the gateway does not listen: {self.complaints()}"
            self.port = int(re.search(r"listens on \S+?:(\d+)", line).group(1))
        except BaseException:
            self.kill()
            raise
        finally:
            guard.cancel()
        # Nobody else reads what more it says.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends it in order; what was wrong with that."""
        if self.process.poll() is not None:
            return [f"the gateway ended by itself with {self.process.returncode}"]
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
            return ["the gateway does not stop"]
        return self.complaints() + ([f"the gateway ended with {status}"] if status else [])

    def complaints(self):
        """The log's lines that are more than information."""
        with open(self.log, encoding="utf-8") as file:
            return [line.strip() for line in file if level_of(line) not in ("trace", "debug", "info", "notice")]

    def files(self):
        """The SHA-256 of each complete file, with its place."""
        return [(digest_of(path), path) for route in ("files", "guarded", "small")
                for path in paths_below(os.path.join(self.folder, route))
                if "/.partial/" not in path and not path.endswith(".json")]

    def known_as(self):
        """The names that clients gave to files of the first route, and the digests that the gateway says they have."""
        known = []
        for path in paths_below(os.path.join(self.folder, "files")):
            if path.endswith(".json"):
                with open(path, encoding="utf-8") as file:
                    facts = json.load(file)
                known.append((facts["name"], facts["sha256"]))
        return known

    def unfinished(self):
        """What lies in the stores of uploads that have not ended."""
        return [path for route in ("files", "guarded", "small")
                for path in paths_below(os.path.join(self.folder, route))
                if "/.partial/" in path and os.path.basename(path) != ".store"]

    def ask(self, method, path, **fields):
        """A request of our own, not the browser's; its status."""
        context = ssl.create_default_context(cafile=os.path.join(self.folder, "certs/ca.pem"))
        request = urllib.request.Request(f"https://localhost:{self.port}{path}", method=method, headers=fields)
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return answer.status


def level_of(line):
    try:
        return json.loads(line).get("level", "none")
    except ValueError:
        return "none"


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def paths_below(folder):
    return [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names]
