#!/usr/bin/env python3
"""The x-stream/1 client as a command, and the library under one name (`import xstream`).

Prints one JSON line. Exit status: 0 done, 1 the server said a status other than 0, 2 interrupted (the
connection was lost, cut or silent), 3 the server broke the protocol, 64 wrong arguments.
A key may begin with `-`: write `--resume=KEY`, and `ask ... -- KEY URL`.
"""

import argparse
import hashlib
import io
import json
import os
import sys
import urllib.parse

from xstream_client import *  # noqa: F403 - the library's names are this module's, too
from xstream_client import Stream, ask, digest_value, give_up, send_payload
from xstream_packet import *  # noqa: F403
from xstream_packet import Violation
from xstream_tls import *  # noqa: F403
from xstream_tls import Closed, Connection, Lost, TlsFailure, tls_context

DEFAULT_PORT = 8443


class Arguments(argparse.ArgumentParser):
    """argparse's own exit status for wrong arguments is 2, which here means interrupted."""

    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(64, f"{self.prog}: {message}\n")


def parse_url(text):
    """Host, port and route of xstream://host[:port]/route."""
    parts = urllib.parse.urlsplit(text)
    if parts.scheme != "xstream" or not parts.hostname or not parts.path.startswith("/"):
        raise ValueError(f"not an xstream://host[:port]/route: {text}")
    return parts.hostname, parts.port or DEFAULT_PORT, parts.path


def arguments():
    parser = Arguments(prog="xstream.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Arguments)

    def command(name, text):
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--ca", required=True, help="PEM file of the authority that signed the server's certificate")
        sub.add_argument("--cert", help="the client's certificate, PEM")
        sub.add_argument("--key", help="the certificate's private key, PEM")
        sub.add_argument("--token", help="sent as authorization: Bearer TOKEN")
        sub.add_argument("--server-name", help="the name to verify, where it is not the URL's host")
        sub.add_argument("--format", default="bytes", help="data-format: bytes, text or json (default bytes)")
        sub.add_argument("--timeout", type=float, default=30, help="seconds of silence before it gives up (default 30)")
        return sub

    send = command("send", "send a file as a stream")
    send.add_argument("--ack", type=int, help="ask for a progress packet each N bytes")
    send.add_argument("--digest", action="store_true", help="send the SHA-256 and have the server compare")
    send.add_argument("--buffer", type=int, default=65_536, help="the portion size to ask for (default 65536)")
    send.add_argument("--name", help="the file's name, sent percent-encoded")
    send.add_argument("--resume", metavar="KEY", help="go on with an earlier stream")
    send.add_argument("--cut-after", type=int, metavar="BYTES", help="drop the connection after so many bytes")
    send.add_argument("file", help="the file; - is standard input, of unknown total")
    payload = command("payload", "send a file as one small payload packet")
    payload.add_argument("--digest", action="store_true", help="send the SHA-256 and have the server compare")
    payload.add_argument("file", help="the file; - is standard input")
    asking = command("ask", "ask how far a stream is")
    asking.add_argument("--total", required=True, help="the stream's TOTAL, or *")
    asking.add_argument("stream", metavar="KEY")
    command("give-up", "give a stream up").add_argument("stream", metavar="KEY")
    for sub in commands.choices.values():
        sub.add_argument("url", type=parse_url, metavar="xstream://host:port/route")
    options = parser.parse_args()
    if options.command in ("send", "payload"):
        if options.file == "-" and options.digest and options.command == "send":
            parser.error("--digest needs a file: the digest goes out before the bytes")
        if options.file != "-" and not os.path.isfile(options.file):
            parser.error(f"no such file: {options.file}")
    return options


def file_digest(path):
    with open(path, "rb") as source:
        return digest_value(hashlib.file_digest(source, "sha256"))


def skip(source, count):
    """Moves to the offset; a pipe's bytes are read and thrown away."""
    if source.seekable():
        source.seek(count)
        return
    while count and (data := source.read(min(count, 1 << 20))):
        count -= len(data)


def run_send(connection, route, options, known):
    unknown = options.file == "-"
    total = "*" if unknown else os.path.getsize(options.file)
    digest = file_digest(options.file) if options.digest else None
    name = urllib.parse.quote(options.name, safe="") if options.name else None
    stream = Stream(connection, route, total, options.buffer, options.format, options.resume, options.ack, digest,
                    name, options.token)
    known["stream"] = stream
    if not stream.open():
        return stream.result
    source = sys.stdin.buffer if unknown else open(options.file, "rb")
    with source:
        skip(source, stream.start)
        cut = None if options.cut_after is None else stream.start + options.cut_after
        stream.send_from(source, until=cut)
    if cut is not None and stream.result is None and (stream.end is None or stream.position < stream.end):
        connection.drop()
        raise Lost(f"cut after {options.cut_after} bytes, as asked")
    if unknown and stream.result is None:
        connection.finish()
    return stream.final()


def run(options, known):
    host, port, route = options.url
    context = tls_context(options.ca, options.cert, options.key)
    with Connection(host, port, context, options.server_name, options.timeout) as connection:
        if options.command == "send":
            return run_send(connection, route, options, known)
        if options.command == "payload":
            source = sys.stdin.buffer if options.file == "-" else io.FileIO(options.file)
            data = source.read()
            digest = digest_value(hashlib.sha256(data)) if options.digest else None
            return send_payload(connection, route, data, options.token, options.format, digest)
        if options.command == "ask":
            total = options.total if options.total == "*" else int(options.total)
            return ask(connection, route, options.stream, total, options.token, options.format)
        return give_up(connection, route, options.stream, options.token, options.format)


def report(known, status, error):
    """What is known when there is no final: enough to resume."""
    stream = known.get("stream")
    print(json.dumps({
        "status": None, "key": stream and stream.key, "left": None,
        "offset": stream and (stream.progress[-1] if stream.progress else stream.start),
        "digest": None, "progress": stream.progress if stream else [], "reason": str(error),
    }))
    return status


def main():
    options, known = arguments(), {}
    try:
        result = run(options, known)
    except Violation as violation:
        return report(known, 3, violation)
    except (Lost, Closed, TlsFailure, OSError, KeyboardInterrupt) as error:
        return report(known, 2, error)
    print(json.dumps(result.as_json()))
    return 0 if result.status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
