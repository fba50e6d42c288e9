"""A server that is not Sluice: it speaks tus, one old version of the draft, or nothing that can be resumed.

python3 Tests/HTTP/strangers.py --speaks tus|draft-3|draft-5|draft-6|nothing --certificate PEM --key PEM --folder FOLDER [--cuts N]

It prints its port in one line, keeps uploads in FOLDER, and names whole ones `complete-NUMBER`. The first N contents are cut off
at their middle. It appends what it was asked to FOLDER/requests.
"""

import argparse
import http.server
import os
import socket
import ssl
import sys
import threading


class Stranger(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    # Of the command line.
    speaks, folder, cuts = "nothing", ".", 0
    # Uploads by their number: length or None.
    lengths = {}
    lock = threading.Lock()

    def log_message(self, *_):
        pass

    # What the server is asked

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, ssl.SSLError, TimeoutError, Cut):
            self.close_connection = True

    def note(self):
        with open(f"{self.folder}/requests", "a", encoding="ascii") as file:
            names = ("Authorization", "Upload-Complete", "Upload-Incomplete", "Tus-Resumable")
            fields = [f"{name}={self.headers[name]}" for name in names if self.headers[name]]
            file.write(" ".join([self.command, self.path, *fields]) + "\n")

    def do_OPTIONS(self):
        self.note()
        if self.speaks == "tus":
            return self.answer(204, {"Tus-Version": "1.0.0", "Tus-Extension": "creation,creation-defer-length,termination"})
        self.answer(405)

    def do_POST(self):
        self.note()
        if not self.is_understood() or self.speaks == "nothing":
            return self.refuse()
        number = len(self.lengths) + 1
        length = self.headers["Upload-Length"]
        self.lengths[number] = int(length) if length else None
        with open(self.path_of(number), "wb"):
            pass
        self.take(number)
        if self.speaks == "tus":
            self.finish(number)
        self.answer(201, {"Location": f"http://{self.headers['Host']}/files/{number}", **self.open_mark()})

    def do_HEAD(self):
        self.note()
        number = self.number()
        if number is None or not self.is_understood():
            return self.answer(404 if number is None else 412)
        fields = {"Upload-Offset": str(os.path.getsize(self.path_of(number))), **self.open_mark()}
        if self.lengths[number] is not None and self.speaks != "draft-3":
            fields["Upload-Length"] = str(self.lengths[number])
        self.answer(200 if self.speaks == "tus" else 204, fields)

    def do_PATCH(self):
        self.note()
        number = self.number()
        if number is None or not self.is_understood():
            return self.refuse(404 if number is None else 412)
        if int(self.headers["Upload-Offset"]) != os.path.getsize(self.path_of(number)):
            return self.refuse(409)
        if self.headers["Upload-Length"]:
            self.lengths[number] = int(self.headers["Upload-Length"])
        self.take(number)
        offset = os.path.getsize(self.path_of(number))
        is_last = {"draft-3": self.headers["Upload-Incomplete"] == "?0"}.get(
            self.speaks, self.headers["Upload-Complete"] == "?1"
        )
        if self.speaks == "tus":
            is_last = offset == self.lengths[number]
        if is_last:
            self.finish(number, always=True)
        self.answer(204 if self.speaks == "tus" else 201, {"Upload-Offset": str(offset), **({} if is_last else self.open_mark())})

    def do_PUT(self):
        self.note()
        if self.speaks != "nothing":
            return self.refuse(405)
        number = len(self.lengths) + 1
        self.lengths[number] = None
        try:
            self.take(number)
        except Exception:
            os.remove(self.path_of(number))
            raise
        self.finish(number, always=True)
        self.answer(201)

    def do_DELETE(self):
        self.note()
        number = self.number()
        if number is None:
            return self.answer(404)
        os.remove(self.path_of(number))
        self.answer(204)

    # What it does

    def is_understood(self):
        if self.speaks == "tus":
            return self.headers["Tus-Resumable"] == "1.0.0"
        return f"draft-{self.headers['Upload-Draft-Interop-Version']}" == self.speaks

    def open_mark(self):
        return {"draft-3": {"Upload-Incomplete": "?1"}, "tus": {"Tus-Resumable": "1.0.0"}}.get(
            self.speaks, {"Upload-Complete": "?0"}
        )

    def number(self):
        name = self.path.rsplit("/", 1)[-1]
        return int(name) if name.isdigit() and os.path.exists(self.path_of(int(name))) else None

    def path_of(self, number):
        return f"{self.folder}/upload-{number}"

    def finish(self, number, always=False):
        if always or os.path.getsize(self.path_of(number)) == self.lengths[number]:
            os.rename(self.path_of(number), f"{self.folder}/complete-{number}")

    def take(self, number):
        """Appends the content; what has arrived by the time of a cut is kept."""
        with open(self.path_of(number), "ab", buffering=0) as file:
            for piece in self.pieces():
                file.write(piece)

    def pieces(self):
        if "chunked" in (self.headers["Transfer-Encoding"] or ""):
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.exactly(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers["Content-Length"] or 0)
        cut = left // 2 if left > 1 and self.takes_cut() else None
        while left:
            if cut is not None and left <= cut:
                self.connection.shutdown(socket.SHUT_RDWR)
                raise Cut
            piece = self.exactly(min(left, 65_536))
            left -= len(piece)
            yield piece

    def takes_cut(self):
        with Stranger.lock:
            Stranger.cuts -= 1
            return Stranger.cuts >= 0

    def exactly(self, size):
        piece = self.rfile.read(size)
        if len(piece) < size:
            raise Cut
        return piece

    def refuse(self, status=400):
        for _ in self.pieces():
            pass
        self.answer(status)

    def answer(self, status, fields=None):
        self.send_response(status)
        for name, value in (fields or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()


class Cut(Exception):
    """The connection is gone."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that goes away in the handshake is no news."""


def main():
    parser = argparse.ArgumentParser()
    for name in ("--speaks", "--certificate", "--key", "--folder"):
        parser.add_argument(name, required=True)
    parser.add_argument("--cuts", type=int, default=0)
    arguments = parser.parse_args()
    Stranger.speaks, Stranger.folder, Stranger.cuts = arguments.speaks, arguments.folder, arguments.cuts
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.certificate, arguments.key)
    context.set_alpn_protocols(["http/1.1"])
    server = Server(("127.0.0.1", 0), Stranger)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
