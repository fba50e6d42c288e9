"""A receiver of events: takes them, answers 500, says nothing, or is not there, as a scenario wants it."""

import base64
import hashlib
import hmac
import json
import os
import socketserver
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler

SECRET = os.urandom(32)


class Receiver:
    """`mode` is "takes", "refuses", "hangs" or "is gone"; what comes is written down in `deliveries`, in order."""

    def __init__(self, gateway):
        """Its secret and its place as the gateway's configuration has them are `target`."""
        self._folder = gateway.folder
        self._certificates = f"{gateway.folder}/certs"
        self._server, self._mode = None, "is gone"
        self._lock, self._turned = threading.Lock(), threading.Event()
        self.port, self.deliveries, self.faults = 0, [], []
        with open(os.open(f"{gateway.folder}/secret", os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
            file.write(f"whsec_{base64.b64encode(SECRET).decode()}\n")
        self.mode = "takes"

    def target(self, more=""):
        return (f'{{url: "https://localhost:{self.port}/hook?a=b", secret: secret, ca: certs/ca.pem, '
                f"time-limit: 1s{more}}}")

    @property
    def mode(self):
        return self._mode

    @mode.setter
    def mode(self, mode):
        was, self._mode = self._mode, mode
        self._turned.set()
        self._turned = threading.Event()
        if mode == "is gone" and self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if mode != "is gone" and was == "is gone":
            self._listen()

    def close(self):
        self.mode = "is gone"

    def _listen(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{self._certificates}/server.pem", f"{self._certificates}/server.key")
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.context, self._server.receiver = context, self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def came(self, headers, body):
        """Writes a delivery down. Returns the status to answer with; None for no answer."""
        mode, turned = self._mode, self._turned
        identity, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "0")
        signed = f"{identity}.{moment}.".encode() + body
        wanted = "v1," + base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
        event = json.loads(body)
        faults = [text for text, is_good in {
            "its signature is wrong": headers.get("webhook-signature") == wanted,
            "its moment is not now": abs(time.time() - int(moment)) < 30,
            "its ids differ": event["id"] == identity,
            "it is no CloudEvent": event["specversion"] == "1.0"
                                   and headers["content-type"].startswith("application/cloudevents+json"),
        }.items() if not is_good]
        with self._lock:
            self.faults += faults
            self.deliveries.append({"event": event, "body": body, "is_taken": mode == "takes"})
        if mode == "hangs":
            turned.wait(5)
            return None
        return {"takes": 204, "refuses": 500}.get(mode)

    # What came

    def taken(self, kind):
        """The keys of the uploads of which such an event was taken."""
        with self._lock:
            return {one["event"]["data"]["key"] for one in self.deliveries
                    if one["is_taken"] and one["event"]["type"] == f"sluice.upload.{kind}"}

    def came_of(self, kind):
        """The same, whether it was taken or not."""
        with self._lock:
            return {one["event"]["data"]["key"] for one in self.deliveries
                    if one["event"]["type"] == f"sluice.upload.{kind}"}

    def look(self, scene):
        """What holds of whatever came: one id and one body for each event, and the order of each upload."""
        with self._lock:
            deliveries = list(self.deliveries)
        print(f"{len(deliveries)} deliveries, {sum(one['is_taken'] for one in deliveries)} of them taken, of "
              f"{len({one['event']['id'] for one in deliveries})} events")
        scene.equals("each delivery is signed, of now, and a CloudEvent", self.faults, [])
        bodies, begun, late = {}, set(), []
        for one in deliveries:
            event = one["event"]
            bodies.setdefault((event["subject"], event["type"]), set()).add((event["id"], one["body"]))
            if event["type"] == "sluice.upload.begun" and one["is_taken"]:
                begun.add(event["subject"])
            if event["type"] == "sluice.upload.completed" and event["subject"] not in begun:
                late.append(event["subject"])
        scene.equals("an event is the same at each delivery", [key for key, all in bodies.items() if len(all) > 1], [])
        scene.equals("no completion comes before the beginning was taken", late, [])


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """A gateway that is killed breaks off: that is nothing to speak of."""


class _Handler(BaseHTTPRequestHandler):
    timeout = 10

    def setup(self):
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.server.receiver.came(self.headers, body)
        if status:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()
        self.close_connection = True

    def log_message(self, *_):
        pass
