"""The gateway under test as the checks see it, and the list of checks."""

import os
import random
import re
import secrets
import ssl
import time

from xstream_client import Stream, ask, expect, give_up, request_headers, send_payload
from xstream_packet import Violation
from xstream_tls import ALPN, Closed, Connection, Lost, TlsFailure, tls_context

CHECKS = []


class Failure(Exception):
    """The gateway did not do what the check's name says."""


def check(name, needs=(), hostile=False):
    """Registers a check. `needs` names the options without which it is skipped; after a hostile one a normal
    upload must work."""

    def register(function):
        CHECKS.append((name, function, (needs,) if isinstance(needs, str) else needs, hostile))
        return function

    return register


def want(condition, complaint):
    if not condition:
        raise Failure(complaint)


class Gateway:
    """Connections, streams and their cleaning up, with the options of the command line."""

    def __init__(self, options):
        self.options, self.route, self.token = options, options.route, options.token
        self.random = random.Random(options.seed)
        self.streams, self.connections = [], []

    def connect(self, alpn=(ALPN,), version=None, handshake=True, legacy=False):
        """A connection, closed when the check ends."""
        context = tls_context(self.options.ca, self.options.cert, self.options.key, alpn, version)
        if legacy:
            context.set_ciphers("ALL:@SECLEVEL=0")
        connection = Connection(self.options.host, self.options.port, context, self.options.server_name,
                                self.options.timeout, handshake)
        self.connections.append(connection)
        return connection

    def data(self, count):
        return self.random.randbytes(count)

    def headers(self, stream="10:4096", route=None, data_format="bytes", key=None, **more):
        """An open packet's headers. Keyword arguments have `_` for `-`; None leaves a header out."""
        headers = request_headers(route or self.route, stream, data_format, key, self.token)
        for name, value in more.items():
            headers[name.replace("_", "-")] = value
        return {name: value for name, value in headers.items() if value is not None}

    def stream(self, total, connection=None, route=None, token=None, **options):
        """A stream that is given up when the check ends, should it be unfinished then."""
        stream = Stream(connection or self.connect(), route or self.route, total, token=token or self.token, **options)
        self.streams.append(stream)
        return stream

    def opened(self, total, connection=None, **options):
        """A stream that has its offer, for all of it."""
        stream = self.stream(total, connection, **options)
        want(stream.open(), f"no offer but {stream.result}")
        return stream

    def upload(self, data, connection=None, portion=None, **options):
        """A whole upload, verified in the store. Returns the stream."""
        stream = self.opened(len(data), connection, **options)
        size = portion or stream.portion
        for start in range(0, len(data), size):
            if not stream.send(data[start:start + size]):
                break
        self.succeeded(stream, data)
        return stream

    def succeeded(self, stream, data):
        """Waits for the final, which must say that all is safe, and looks at the store."""
        result = stream.final()
        want(result.status == 0, f"status {result.status}, not 0: {result.reason}")
        if stream.route == self.route:  # --store is this route's folder, and no other's
            self.stored(stream.key, data)

    def half(self, total=400_000, sent=None, ack=50_000, token=None, connection=None):
        """A stream of which a part was sent and some of it is known to be safe: data, stream."""
        data = self.data(total)
        stream = self.opened(total, connection, ack=ack, token=token)
        stream.send(data[: sent or total // 2])
        want(stream.result is None, f"a final in the middle of the bytes: {stream.result}")
        return data, stream

    def resumed(self, data, key, at_least, at_most, total=None, **options):
        """Goes on with a stream of known bytes, and ends it. Returns the offset that the server gave."""
        stream = self.opened(len(data) if total is None else total, key=key, **options)
        want(at_least <= stream.start <= at_most,
             f"the offset is {stream.start}, but {at_least} bytes were safe and {at_most} were sent")
        stream.send(data[stream.start:])
        if total == "*":
            stream.connection.finish()
        self.succeeded(stream, data)
        return stream.start

    def ask(self, key, total, route=None, token=None, connection=None):
        return ask(connection or self.connect(), route or self.route, key, total, token or self.token)

    def give_up(self, key, route=None, token=None, connection=None):
        return give_up(connection or self.connect(), route or self.route, key, token or self.token)

    def payload(self, data, connection=None, route=None, **options):
        return send_payload(connection or self.connect(), route or self.route, data, self.token, **options)

    def stored(self, key, data):
        """The bytes must be in the store, exactly, where the store can be looked at."""
        if not self.options.store:
            return
        path = os.path.join(self.options.store, key)
        want(os.path.isfile(path), f"{key} is not in the store")
        with open(path, "rb") as source:
            kept = source.read()
        if kept != data:
            place = next((i for i, (a, b) in enumerate(zip(kept, data)) if a != b), min(len(kept), len(data)))
            raise Failure(f"{len(kept)} bytes are stored, {len(data)} were sent; they differ from byte {place}")

    def not_stored(self, key):
        if self.options.store:
            want(not os.path.exists(os.path.join(self.options.store, key)), f"{key} is in the store")

    def never_key(self):
        """A key of the right form that never was."""
        return secrets.token_urlsafe(16)

    def refused(self, stream, status):
        """Opens a stream that must be refused with a status."""
        want(not stream.open(), f"an offer where status {status} was due")
        statuses = status if isinstance(status, tuple) else (status,)
        want(stream.result.status in statuses, f"status {stream.result.status} ({stream.result.reason}), not {status}")
        want(stream.result.left is None, f"the refusal's x-stream is not -1: {stream.result}")
        return stream.result

    def normal_upload(self):
        """What must work after anything."""
        self.upload(self.data(10_000))

    def alive(self, connection):
        """The connection must take another exchange."""
        try:
            self.upload(self.data(500), connection)
        except (Lost, Closed) as error:
            raise Failure(f"the connection does not take another exchange: {error}") from error

    def ended(self, connection, how=("close_notify",)):
        """The server must close, in one of these ways."""
        end = connection.wait_end()
        want(end is not None, "the server does not close the connection")
        want(end in how, f"the connection ended by {end}, not {' or '.join(how)}")

    def eventually(self, condition, complaint):
        """Waits for what a server does when it notices, within the timeout."""
        deadline = time.monotonic() + self.options.timeout
        while not condition():
            want(time.monotonic() < deadline, complaint)
            time.sleep(0.05)

    def tidy(self):
        """Gives up what is unfinished, so that its quota is free, and closes everything."""
        for connection in self.connections:
            connection.reading = True
            connection.close()
        self.connections = []
        streams, self.streams = self.streams, []
        for stream in streams:
            if stream.key and (stream.result is None or stream.result.status != 0):
                try:
                    token = stream.headers.get("authorization", "Bearer ").removeprefix("Bearer ")
                    self.give_up(stream.key, stream.route, token)
                except (Violation, Lost, Closed, TlsFailure):
                    pass
        for connection in self.connections:
            connection.close()
        self.connections = []


def run_check(gateway, function, hostile):
    """Runs one check. Returns None, or why it failed."""
    try:
        function(gateway)
        if hostile:
            gateway.tidy()
            try:
                gateway.normal_upload()
            except (Failure, Violation, Lost, Closed, TlsFailure) as error:
                return f"a normal upload afterwards fails: {error}"
    except Failure as failure:
        return str(failure)
    except Violation as violation:
        return f"violation: {violation}"
    except (Lost, Closed, TlsFailure, ssl.SSLError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        gateway.tidy()
    return None


def neutral(packet, key):
    """A packet's headers with the key taken out, to compare two answers."""
    return {name: re.sub(re.escape(key), "KEY", value) for name, value in packet.headers.items()}


__all__ = ["Closed", "Failure", "Gateway", "Lost", "TlsFailure", "Violation", "check", "expect", "neutral", "want"]
