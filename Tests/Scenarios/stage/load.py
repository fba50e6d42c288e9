"""Clients that upload one small file after the other, each over a connection of its own, and what became of each."""

import os
import threading
import time

import client
from sending import XStreamSending

# What `XStreamSending` answers an upload with that its client goes on with by itself.
RESUMES = (8, 9, 14, 15)


class Load:
    """`clients` threads, over HTTP and x-stream in turn, until `stop`. An x-stream client resumes, as the protocol has it; a plain
    PUT is sent once. `failures` has a line for each upload that came to nothing."""

    def __init__(self, gateway, route, clients=6, size=20_000):
        self.gateway, self.route, self.size = gateway, route, size
        self.done, self.failures, self.longest, self.resumed = 0, [], 0.0, 0
        self._lock, self._ends = threading.Lock(), threading.Event()
        kinds = [self._put, self._stream]
        self._threads = [threading.Thread(target=self._run, args=(kinds[number % 2],)) for number in range(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._ends.set()
        for thread in self._threads:
            thread.join()
        return self

    def _run(self, upload):
        while not self._ends.is_set():
            began = time.monotonic()
            try:
                status = upload(os.urandom(self.size))
                failure = None if status in (0, 201) else f"{upload.__name__}: {status}"
            except Exception as error:  # pylint: disable=broad-exception-caught
                failure = f"{upload.__name__}: {type(error).__name__} {error}"
            with self._lock:
                self.done += 1
                self.longest = max(self.longest, time.monotonic() - began)
                self.failures += [failure] if failure else []

    def _put(self, content):
        with self.gateway.connect_http(timeout=30) as connection:
            host = f"localhost:{self.gateway.port}"
            connection.send(client.message("PUT", f"{self.route}/x", {"Connection": "close"}, content, host=host))
            return connection.answer("PUT", 30).status

    def _stream(self, content):
        one = XStreamSending(self.gateway, self.route, content).begin()
        for _ in range(5):
            try:
                status = one.send().outcome(30)
            except XStreamSending.LOST as error:
                status = error
            if isinstance(status, int) and status not in RESUMES:
                return status
            with self._lock:
                self.resumed += 1
            one.again()
        return status
