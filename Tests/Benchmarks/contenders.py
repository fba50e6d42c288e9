"""Who is measured: Sluice, its peers, and the bare C loop that marks what is possible."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass(frozen=True)
class Contender:
    """A server, and how it is spoken to."""

    name: str
    kinds: tuple
    command: tuple  # `@...@` is filled in
    configuration: str = ""  # in peers/
    speaks: str = "raw"  # raw, put or x-stream: where a workload names no protocol of its own
    gzip: str = "6"
    http: tuple = ("",)  # of what workloads name: put, h2, tus; "" is for those that name none
    routes: tuple = ()  # paths for HTTP, by what is told of the workload; "/" for others
    keeps: bool = False  # speaks its own protocol whatever a workload names

    @property
    def is_mark(self):
        return self.name.startswith("mark")

    @property
    def is_sluice(self):
        return self.name.startswith("sluice")

    def start_command(self, places):
        """The command's words, after the configuration was written."""
        values = dict(places, gzip=self.gzip)
        if self.configuration:
            values["configuration"] = os.path.join(places["run"], self.configuration)
            with open(os.path.join(HERE, "peers", self.configuration)) as file:
                text = fill(file.read(), values)
            with open(values["configuration"], "w") as file:
                file.write(text)
        return [fill(word, values) for word in self.command]

    def takes(self, workload):
        """Whether this workload can be done."""
        return workload.kind in self.kinds and workload.http in self.http

    def client_options(self, workload):
        """How the client has to speak for this workload."""
        if workload.http and not self.keeps:
            routes = dict(self.routes)
            return ["--shape", workload.http, "--route", routes.get(workload.http, routes.get(workload.kind, "/"))]
        if self.speaks != "x-stream":
            return ["--shape", self.speaks]
        route = {"relay": "/ingest", "store": "/upload-file", "gzip": f"/gzip-{self.gzip}"}[workload.kind]
        return ["--shape", "payload" if workload.small else "stream", "--route", route]


def fill(text, values):
    """Puts values in the place of `@name@`."""
    return re.sub(r"@(\w+)@", lambda found: str(values[found.group(1)]), text)


def contenders(sluice, envoy, has_isal, places):
    """Everybody who can be measured here."""
    mark = ("@tools@/mark", "@port@", "@certificate@", "@key@")
    nginx = ("nginx", "-e", "stderr", "-p", "@run@", "-c", "@configuration@")
    found = [
        Contender("mark", ("relay",), mark + ("relay", "@sink@")),
        Contender("mark (synced)", ("store",), mark + ("put", "@store@"), speaks="put", http=("", "put")),
        Contender("nginx", ("relay",), nginx, "nginx-stream.conf"),
        Contender("nginx DAV", ("store",), nginx, "nginx-dav.conf", speaks="put", http=("", "put", "h2")),
        Contender("nginx proxy", ("relay",), nginx, "nginx-proxy.conf", http=("put", "h2")),
        Contender("HAProxy", ("relay",), ("haproxy", "-db", "-f", "@configuration@"), "haproxy.cfg"),
        Contender("HAProxy, HTTP", ("relay",), ("haproxy", "-db", "-f", "@configuration@"), "haproxy-http.cfg",
                  http=("put", "h2")),
    ]
    if envoy:
        command = (envoy, "-c", "@configuration@", "--concurrency", "1", "--disable-hot-restart", "-l", "error")
        found.append(Contender("Envoy", ("relay",), command, "envoy.yaml"))
        found.append(Contender("Envoy, HTTP", ("relay",), command, "envoy-http.yaml", http=("put", "h2")))
    tusd = shutil.which("tusd")
    if tusd:
        command = (tusd, "-host", "127.0.0.1", "-port", "@port@", "-upload-dir", "@store@", "-base-path", "/files/",
                   "-tls-certificate", "@certificate@", "-tls-key", "@key@", "-tls-mode", "tls13")
        found.append(Contender("tusd", ("store",), command, http=("tus",), routes=(("tus", "/files/"),)))
    codecs = [("zlib 1", "1"), ("zlib 6", "6")] + ([("ISA-L 1", "isal")] if has_isal else [])
    for title, codec in codecs:
        command = mark + ("gzip", "@store@", codec)
        found.append(Contender(f"mark, {title}", ("gzip",), command, speaks="put", gzip=codec))
    serve = (sluice, "serve", "--config", "@configuration@")
    routes = (("relay", "/ingest/"), ("store", "/upload-file/"), ("tus", "/upload-file"))
    found.append(Contender(
        "sluice", ("relay", "store"), serve, "sluice.yaml", "x-stream", http=("", "put", "h2", "tus"), routes=routes))
    found.append(Contender(
        "sluice, x-stream", ("relay", "store"), serve, "sluice.yaml", "x-stream", http=("put",), keeps=True))
    for level in ("1", "6", "fast"):
        one = Contender(f"sluice, gzip: {level}", ("gzip",), serve, "sluice.yaml", "x-stream", level)
        if level != "fast" or _accepts(sluice, one, places):
            found.append(one)
    return found


def _accepts(sluice, contender, places):
    """Whether this build knows what the configuration asks for."""
    contender.start_command(places)
    path = os.path.join(places["run"], contender.configuration)
    check = subprocess.run([sluice, "check", "--config", path], capture_output=True)
    return check.returncode == 0


def configurations(found):
    """The text of each configuration that these contenders have."""
    texts = {}
    for name in {one.configuration for one in found if one.configuration}:
        with open(os.path.join(HERE, "peers", name)) as file:
            texts[name] = file.read()
    return texts


def find_envoy(named):
    """Envoy is no package of Debian's: it is measured where it is named or installed."""
    return named or shutil.which("envoy")
