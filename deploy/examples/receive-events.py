#!/usr/bin/env python3
"""Takes events of Sluice (docs/events.md): verifies each, and prints the path of each complete upload once.

usage: receive-events.py PORT CERTIFICATE KEY SECRET-FILE SEEN-FILE

An event is taken, status 204, once what it says is done and its id is kept in SEEN-FILE; Sluice sends it again until then.
"""

import base64
import hashlib
import hmac
import json
import os
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST = 1 << 20
# Seconds that a request may be old: longer ones may be repeated by somebody who has seen one.
TOLERANCE = 300


def secrets(path):
    with open(path, encoding="ascii") as file:
        lines = [line.strip() for line in file]
    return [base64.b64decode(line.removeprefix("whsec_")) for line in lines if line and not line.startswith("#")]


def is_genuine(headers, body, keys):
    """Whether the request is Sluice's, and of now (Standard Webhooks)."""
    identity, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not moment.isdigit() or abs(time.time() - int(moment)) > TOLERANCE:
        return False
    signed = f"{identity}.{moment}.".encode() + body
    wanted = ["v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys]
    shown = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(one.encode(), other.encode()) for one in wanted for other in shown)


class Seen:
    """The ids of events that were done, which a power cut does not take away."""

    def __init__(self, path):
        self._file = open(path, "a+", encoding="ascii")
        self._file.seek(0)
        self._ids = set(self._file.read().split())
        self._lock = threading.Lock()

    def once(self, identity, work):
        with self._lock:
            if identity in self._ids:
                return
            work()
            self._file.write(identity + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._ids.add(identity)


def done(event):
    """What is to be done with an event; here the path is printed."""
    if event["type"] == "sluice.upload.completed":
        print(event["data"].get("path", event["data"]["key"]), flush=True)


class Handler(BaseHTTPRequestHandler):
    timeout = 30

    def do_POST(self):
        size = int(self.headers.get("content-length", "0"))
        body = self.rfile.read(size) if size <= LARGEST else b""
        if size > LARGEST or not is_genuine(self.headers, body, self.server.keys):
            return self.answer(401)
        event = json.loads(body)
        self.server.seen.once(event["id"], lambda: done(event))
        return self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    port, certificate, key, secret, seen = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("", int(port)), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.keys, server.seen = secrets(secret), Seen(seen)
    server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main()
