"""A backend that comes and goes on one port: what it read to an end in order, and what it was answered with."""

import socket
import threading
from contextlib import suppress

from client import RESET


class FlappingBackend:
    """Reads to the end of each connection, answers how much that was, and closes."""

    def __init__(self):
        self.listener, self.port = None, 0
        self.whole, self.connections = [], set()
        self._lock = threading.Lock()
        self.start()

    def start(self):
        """Nothing where it is there already."""
        if self.listener:
            return
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """Gone like a process that was killed: its connections are reset."""
        listener, self.listener = self.listener, None
        if listener:
            # Closing alone leaves a thread's accept waiting, and the port open.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            for connection in self.connections:
                with suppress(OSError):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    connection.shutdown(socket.SHUT_RD)

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection, listener), daemon=True).start()

    def _serve(self, connection, listener):
        with self._lock:
            self.connections.add(connection)
        content = b""
        with suppress(OSError):
            while data := connection.recv(262_144):
                content += data
            if self.listener is listener and content:
                self.whole.append(content)
                connection.sendall(b"%d bytes" % len(content))
            else:
                # An end in order would say that it has everything.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        connection.close()
        with self._lock:
            self.connections.discard(connection)
