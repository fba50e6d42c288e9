"""T80 to T88: checksums of tus 1.0.0."""

import base64
import hashlib
import os
import time
import zlib

from client import message
from gateway import MIB
from rows import OCTETS, case, must


def base64_text(data):
    return base64.b64encode(data).decode()


def sha1(data):
    return "sha1 " + base64_text(hashlib.sha1(data).digest())


def sha256(data):
    return "sha256 " + base64_text(hashlib.sha256(data).digest())


def crc32(data):
    return "crc32 " + base64_text(zlib.crc32(data).to_bytes(4, "big"))


@case("T80", "PATCH with the right sha1", "204")
def _(run):
    upload = run.create(5)
    must(run.patch(upload, 0, b"hello", {"Upload-Checksum": sha1(b"hello")}), 204, {"Upload-Offset": 5})
    run.stored(b"hello")


@case("T81", "PATCH with a wrong sha1, then the right one", "460, the offset stays; then 204 and the file is right")
def _(run):
    upload = run.create(10)
    must(run.patch(upload, 0, b"0123", {"Upload-Checksum": sha1(b"0123")}), 204, {"Upload-Offset": 4})
    must(run.patch(upload, 4, b"xxxx", {"Upload-Checksum": sha1(b"4567")}), 460)
    run.head(upload, fields={"Upload-Offset": 4})
    must(run.patch(upload, 4, b"456789", {"Upload-Checksum": sha1(b"456789")}), 204, {"Upload-Offset": 10})
    run.stored(b"0123456789")


@case("T81 gzip", "the same on a route that compresses", "the file is right")
def _(run):
    upload, content = run.create(300_000, "/gz"), os.urandom(300_000)
    must(run.patch(upload, 0, content[:100_000], {"Upload-Checksum": sha1(content[:100_000])}), 204)
    must(run.patch(upload, 100_000, bytes(100_000), {"Upload-Checksum": sha1(b"")}), 460)
    run.head(upload, fields={"Upload-Offset": 100_000})
    must(run.patch(upload, 100_000, content[100_000:], {"Upload-Checksum": sha1(content[100_000:])}), 204)
    run.stored(content)


@case("T82", "sha256 and crc32, right and wrong", "204, 460")
def _(run):
    for function in (sha256, crc32):
        with run.variant(function.__name__):
            upload = run.create(5)
            must(run.patch(upload, 0, b"hello", {"Upload-Checksum": function(b"hullo")}), 460)
            must(run.patch(upload, 0, b"hello", {"Upload-Checksum": function(b"hello")}), 204)
            run.stored(b"hello")


@case("T83", "PATCH with a checksum that cannot be", "400, the offset stays")
def _(run):
    for value in ("md4 AAAA", "sha1", "sha1 !!", "sha1 AAAA", ""):
        with run.variant(value):
            upload = run.create(10)
            must(run.patch(upload, 0, b"0123", {"Upload-Checksum": value}), 400)
            run.head(upload, fields={"Upload-Offset": 0})


@case("T85", "a wrong sha1 on the last chunk of 1 MiB", "460; not complete; no file")
def _(run):
    content = os.urandom(MIB)
    upload = run.create(MIB)
    must(run.patch(upload, 0, content[:600_000]), 204)
    must(run.patch(upload, 600_000, content[600_000:], {"Upload-Checksum": sha1(b"")}), 460)
    run.head(upload, fields={"Upload-Offset": 600_000})
    run.nothing_stored()
    must(run.patch(upload, 600_000, content[600_000:], {"Upload-Checksum": sha1(content[600_000:])}), 204)
    run.stored(content)


@case("T86", "a chunk with a checksum, cut in the middle -> HEAD", "the offset is that before the chunk")
def _(run):
    upload, content = run.create(MIB), os.urandom(MIB)
    must(run.patch(upload, 0, content[:1000]), 204)
    with run.connect() as connection:
        fields = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": 1000,
            "Content-Type": OCTETS,
            "Content-Length": MIB - 1000,
            "Upload-Checksum": sha1(content[1000:]),
        }
        connection.send(message("PATCH", upload, fields, host=run.host) + content[1000:500_000])
        time.sleep(0.3)
        connection.cut()
    run.head(upload, fields={"Upload-Offset": 1000})
    must(run.patch(upload, 1000, content[1000:]), 204, {"Upload-Offset": MIB})
    run.stored(content)


@case("T88", "a checksum as trailer, right and wrong", "204, 460")
def _(run):
    upload, announced = run.create(8), {"Trailer": "Upload-Checksum"}
    must(
        run.patch(upload, 0, None, announced, chunks=[b"01", b"23"], trailers=[("Upload-Checksum", sha1(b"0123"))]),
        204,
        {"Upload-Offset": 4},
    )
    must(run.patch(upload, 4, None, announced, chunks=[b"4567"], trailers=[("Upload-Checksum", sha1(b"0123"))]), 460)
    run.head(upload, fields={"Upload-Offset": 4})
    must(run.patch(upload, 4, None, announced, chunks=[b"4567"], trailers=[("Upload-Checksum", sha1(b"4567"))]), 204)
    run.stored(b"01234567")
