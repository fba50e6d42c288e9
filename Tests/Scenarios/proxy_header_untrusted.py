"""A PROXY header says where a client is if it comes from a trusted proxy, and from nobody else."""

import os
import socket
import ssl
import struct

import client
from gateway import free_port

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
# What the header says; of TEST-NET-2 and TEST-NET-3 (RFC 5737).
SOURCE, TARGET = "203.0.113.7", "198.51.100.1"
TEXT = f"PROXY TCP4 {SOURCE} {TARGET} 40000 443\r\n".encode()
BINARY = SIGNATURE + b"\x21\x11\x00\x0c" + socket.inet_aton(SOURCE) + socket.inet_aton(TARGET) + struct.pack(">HH", 4, 5)
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
# None of these is a header; the last is longer than one may be.
MALFORMED = (b"PROXY TCP4 1.2.3.4\r\n", b"PROXY " + b"x" * 200, SIGNATURE + b"\x11\x11\x00\x00",
             SIGNATURE + b"\x21\x11\xff\xff")


def run(scene):
    trusting, distrusting = free_port(), free_port()
    gateway = scene.gateway({"/files": {}}, {}, start=False)
    gateway.settings["listen"] = (
        f'[127.0.0.1:{gateway.port}, {{address: "127.0.0.1:{trusting}", proxy-from: [127.0.0.0/8]}}, '
        f'{{address: "127.0.0.1:{distrusting}", proxy-from: [192.0.2.0/24]}}]')
    gateway.write()
    gateway.start()
    contents = []
    for header in (TEXT, BINARY):
        contents.append(_upload(scene, gateway, trusting, header))
        scene.holds("a header from an untrusted address is refused", _refused(gateway, distrusting, header))
        scene.holds("without `proxy-from` a header is no TLS", _refused(gateway, gateway.port, header))
    scene.comes("the client is where the trusted proxy says", lambda: gateway.says(f'"peer":"{SOURCE}"'))
    scene.equals("its uploads are of that address", [row["client"] for row in gateway.uploads()],
                 [f"address:{SOURCE}"] * 2)
    contents.append(_upload(scene, gateway, trusting, LOCAL))
    contents.append(_upload(scene, gateway, distrusting, b""))
    contents.append(_upload(scene, gateway, gateway.port, b""))
    scene.holds("a trusted proxy has to send a header", _refused(gateway, trusting, b""))
    for header in MALFORMED:
        for port in (trusting, distrusting, gateway.port):
            scene.holds(f"{header[:30]!r} is refused", _refused(gateway, port, header))
    scene.holds("nobody else said where a client is",
                sum(SOURCE in line for line in gateway.text().splitlines() if "Upload offered" in line) <= 2)
    scene.equals("the store has exactly what was sent", gateway.contents("/files"), sorted(contents))


def _upload(scene, gateway, port, header):
    content = os.urandom(100_000)
    with _connect(gateway, port, header) as tls:
        tls.sendall(client.message("PUT", "/files/x", {}, content, host=f"localhost:{gateway.port}"))
        scene.holds(f"an upload behind {header[:12]!r} is taken", tls.recv(4096).startswith(b"HTTP/1.1 201"))
    return content


def _refused(gateway, port, header):
    """Whether the gateway closes before it says anything of TLS but an alert."""
    try:
        _connect(gateway, port, header).close()
    except (ssl.SSLError, OSError):
        return True
    return False


def _connect(gateway, port, header):
    context = ssl.create_default_context(cafile=gateway.authority)
    tcp = socket.create_connection(("127.0.0.1", port), 5)
    # In two segments, as a slow proxy's.
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tcp.sendall(header[:9])
    tcp.sendall(header[9:])
    tls = context.wrap_socket(tcp, server_hostname="localhost")
    # Where the connection was reset before, Python shakes no hands and says nothing.
    if tls.version() is None:
        tls.close()
        raise ConnectionResetError
    return tls
