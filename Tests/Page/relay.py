"""A TCP relay between browser and server that slows, cuts and refuses connections; it works for TLS too."""

import socket
import struct
import threading
import time


class Relay:
    def __init__(self, host, port):
        self.target = (host, port)
        self.rate = None  # bytes a second towards the server, of all connections together
        self.refusing = False
        self.open = set()
        self.pace = threading.Lock()
        self.due = 0.0
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Small buffers, so that what the browser has sent is nearly what the server has.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            try:
                server = socket.create_connection(self.target)
            except OSError:
                client.close()
                continue
            pair = (client, server)
            for end in pair:
                # Parts of frames would wait for acknowledgements that the other side delays, 40 ms each.
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.open.add(pair)
            threading.Thread(target=self.carry, args=(client, server, True, pair), daemon=True).start()
            threading.Thread(target=self.carry, args=(server, client, False, pair), daemon=True).start()

    def carry(self, source, sink, slowed, pair):
        """One direction. Its end is passed on by itself, as an end may answer and close while the other still sends."""
        try:
            while part := source.recv(16384):
                if slowed:
                    self.wait(len(part))
                sink.sendall(part)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            self.reset(pair)

    def reset(self, pair):
        """Both ends see the connection lost; a shutdown alone would let them send on into buffers that nobody reads."""
        self.open.discard(pair)
        for end in pair:
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def wait(self, count):
        rate = self.rate
        if not rate:
            return
        with self.pace:
            self.due = max(self.due, time.monotonic()) + count / rate
            pause = self.due - time.monotonic()
        time.sleep(max(0, pause))

    def cut(self):
        """Ends all connections at once."""
        for pair in list(self.open):
            self.reset(pair)

    def close(self):
        self.listener.close()
        self.cut()
