"""A server of what the page speaks: resumable uploads of interop version 10, in memory, with faults on demand."""

import base64
import hashlib
import json
import os
import re
import secrets
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Sources/Fronts/HTTP/Page/upload.html")


def page_bytes():
    with open(PAGE, "rb") as page:
        return page.read()


def content_hash(page, element):
    """The CSP source of the one inline element of a kind."""
    contents = re.findall(rf"<{element}>(.*?)</{element}>".encode(), page, re.DOTALL)
    assert len(contents) == 1, f"{len(contents)} elements <{element}>"
    return "'sha256-" + base64.b64encode(hashlib.sha256(contents[0]).digest()).decode() + "'"


def page_headers(page):
    policy = (
        f"default-src 'none'; script-src {content_hash(page, 'script')}; style-src {content_hash(page, 'style')}; "
        "connect-src 'self'; img-src data:; worker-src blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }


class Upload:
    def __init__(self, name, length):
        self.name = name
        self.length = length
        self.content = bytearray()
        self.complete = False
        self.lock = threading.Lock()

    @property
    def digest(self):
        return hashlib.sha256(self.content).hexdigest()


class FakeServer:
    """Serves ROUTE on a port of its own. Tests set `token`, `limit` and `faults`."""

    def __init__(self, route="/files"):
        self.route = route
        self.uploads = {}
        self.forms = []
        self.token = None
        self.limit = 1 << 40
        self.faults = []  # (method, status, headers, problem): each answers one request
        owner = self

        class Handler(Exchange):
            fake = owner

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def named(self, name):
        return [upload for upload in list(self.uploads.values()) if upload.name == name]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake = None

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass

    def answer(self, status, headers=None, body=b""):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def problem(self, status, title, headers=None, **more):
        # A body that is left unread would reset the connection, and the answer with it.
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = json.dumps({"title": title, "status": status, **more}).encode()
        fields = {"Content-Type": "application/problem+json", "Upload-Complete": "?0"}
        self.answer(status, {**fields, **(headers or {})}, body)

    def refused(self):
        """Answers where a fault is due or the token is wrong."""
        for fault in self.fake.faults:
            method, status, headers, title = fault
            if method == self.command:
                self.fake.faults.remove(fault)
                if status is None:
                    self.connection.close()
                    self.close_connection = True
                else:
                    self.problem(status, title, headers, detail="as the test wants it")
                return True
        if self.fake.token and self.headers["Authorization"] != f"Bearer {self.fake.token}":
            self.problem(401, "Unauthorized", headers={"WWW-Authenticate": "Bearer"})
            return True
        return False

    def upload(self):
        found = self.fake.uploads.get(self.path.rpartition("/")[2])
        if not found:
            self.problem(404, "No such upload")
        return found

    def do_GET(self):
        if self.path.rstrip("/") != self.fake.route:
            return self.problem(404, "Nothing here")
        page = page_bytes()
        self.answer(200, {"Content-Type": "text/html; charset=utf-8", **page_headers(page)}, page)

    def do_POST(self):
        if self.headers.get_content_type() == "multipart/form-data":
            self.fake.forms.append(self.rfile.read(int(self.headers["Content-Length"])))
            return self.answer(201, {"Content-Type": "text/html; charset=utf-8"}, b"<!doctype html><title>Done</title><link rel=icon href=data:,>")
        if self.refused():
            return
        length = int(self.headers["Upload-Length"])
        if self.headers["Upload-Complete"] != "?0" or self.headers["Upload-Draft-Interop-Version"] != "10":
            return self.problem(400, "No creation of a resumable upload")
        if length > self.fake.limit:
            return self.problem(413, "Content too large", limit=self.fake.limit)
        name = self.headers["Content-Disposition"].partition("filename*=UTF-8''")[2]
        key = secrets.token_hex(16)
        self.fake.uploads[key] = Upload(urllib.parse.unquote(name, errors="strict"), length)
        # Absolute, as the gateway's.
        place = f"http://{self.headers['Host']}{self.fake.route}/{key}"
        self.answer(201, {"Location": place, "Upload-Complete": "?0", "Upload-Limit": "max-size=1099511627776"})

    def do_HEAD(self):
        if self.refused():
            return
        upload = self.upload()
        if upload:
            with upload.lock:
                self.answer(204, self.standing(upload))

    def standing(self, upload):
        return {
            "Upload-Offset": str(len(upload.content)),
            "Upload-Length": str(upload.length),
            "Upload-Complete": "?1" if upload.complete else "?0",
            "Cache-Control": "no-store",
        }

    def do_PATCH(self):
        if self.refused():
            return
        upload = self.upload()
        if not upload:
            return
        if self.headers["Content-Type"] != "application/partial-upload":
            return self.problem(415, "No partial upload")
        with upload.lock:
            if int(self.headers["Upload-Offset"]) != len(upload.content):
                return self.problem(409, "Another offset", headers={"Upload-Offset": str(len(upload.content))})
            self.receive(upload, int(self.headers["Content-Length"]))

    def receive(self, upload, remaining):
        try:
            while remaining:
                part = self.rfile.read1(min(remaining, 65536))
                if not part:
                    self.close_connection = True
                    return
                upload.content += part
                remaining -= len(part)
        except ConnectionError:
            self.close_connection = True
            return
        upload.complete = self.headers["Upload-Complete"] == "?1" and len(upload.content) == upload.length
        digest = base64.b64encode(bytes.fromhex(upload.digest)).decode()
        self.answer(201, {"Upload-Complete": "?1", "Repr-Digest": f"sha-256=:{digest}:"})

    def do_DELETE(self):
        if self.refused():
            return
        upload = self.upload()
        if upload and upload.complete:
            self.problem(403, "What is complete stays")
        elif upload:
            del self.fake.uploads[self.path.rpartition("/")[2]]
            self.answer(204)
