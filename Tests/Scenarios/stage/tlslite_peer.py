"""An independent TLS client, tlslite-ng, in an environment of its own: prints a line of JSON for each thing that it tried.

usage: tlslite_peer.py PORT SERVER-CERTIFICATE IDENTITY
"""

import contextlib
import json
import os
import socket
import sys

from tlslite.api import (  # pylint: disable=import-error
    X509,
    HandshakeSettings,
    TLSConnection,
    X509CertChain,
    parsePEMKey,
)
from tlslite.constants import KeyUpdateMessageType  # pylint: disable=import-error
from tlslite.errors import TLSError  # pylint: disable=import-error

SIZE = 30_000
TLS12, TLS13 = (3, 3), (3, 4)
CIPHERS = ("aes128gcm", "aes256gcm", "chacha20-poly1305")
SMALL_RECORDS = 100


class Peer:
    """What it knows of the gateway."""

    def __init__(self, port, certificate, identity):
        self.port = port
        with open(certificate, encoding="ascii") as file:
            self.certificate = X509().parse(file.read()).bytes
        chain = X509CertChain()
        with open(f"{identity}.pem", encoding="ascii") as file:
            chain.parsePemList(file.read())
        with open(f"{identity}.key", encoding="ascii") as file:
            self.identity = (chain, parsePEMKey(file.read(), private=True))

    def connect(self, settings, protocol=b"x-stream/1", session=None):
        connection = TLSConnection(socket.create_connection(("127.0.0.1", self.port), 10))
        connection.handshakeClientCert(*self.identity, settings=settings, alpn=[protocol], serverName="localhost",
                                       session=session)
        assert connection.session.appProto in (protocol, b""), f"ALPN chose {connection.session.appProto}"
        shown = connection.session.serverCertChain
        assert shown is None or shown.x509List[0].bytes == self.certificate, "another certificate than the gateway's"
        return connection


def settings_for(version, cipher=CIPHERS[0]):
    settings = HandshakeSettings()
    settings.minVersion = settings.maxVersion = version
    settings.cipherNames = [cipher]
    # It would compress its certificate also for a server that has not said that it may (RFC 8879, section 3).
    settings.certificate_compression_send = []
    return settings


def upload(connection, count=1):
    """So many payload packets, each of which has to be complete."""
    for _ in range(count):
        content = os.urandom(SIZE)
        head = f"headers:\n    route: /files\n    data-format: bytes\npayload: {SIZE}\n"
        connection.write(head.encode() + content)
        answer = b""
        while b"payload: -\n" not in answer:
            answer += connection.read(max=4096)
        assert b"status: 0\n" in answer, answer
    print(json.dumps({"uploaded": count}))


def over_http(connection):
    connection.write(b"PUT /files/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % SIZE + os.urandom(SIZE))
    answer = bytes(connection.read(max=4096))
    assert answer.startswith(b"HTTP/1.1 201"), answer[:100]
    print(json.dumps({"uploaded": 1}))


# What is tried; each fails by an exception.


def ciphers(peer):
    """each cipher of both versions, over both protocols"""
    for version in (TLS12, TLS13):
        for cipher in CIPHERS:
            with contextlib.closing(peer.connect(settings_for(version, cipher))) as connection:
                upload(connection)
        with contextlib.closing(peer.connect(settings_for(version), b"http/1.1")) as connection:
            over_http(connection)


def groups(peer):
    """each group, also by a hello that has to be asked for another key share"""
    for group in ("x25519", "secp256r1", "secp384r1"):
        settings = settings_for(TLS13)
        settings.eccCurves, settings.keyShares, settings.dhGroups = [group], [], []
        with contextlib.closing(peer.connect(settings)) as connection:
            upload(connection)


def small_records(peer):
    """records of 100 bytes"""
    for version in (TLS12, TLS13):
        with contextlib.closing(peer.connect(settings_for(version))) as connection:
            connection.recordSize = SMALL_RECORDS
            upload(connection)


def padding(peer):
    """records of TLS 1.3 that are padded"""
    settings = settings_for(TLS13)
    settings.padding_cb = lambda length, _kind, most: min(700, most - length)
    with contextlib.closing(peer.connect(settings)) as connection:
        upload(connection)


def key_updates(peer):
    """new keys in the middle of a connection, from the client alone and from both"""
    with contextlib.closing(peer.connect(settings_for(TLS13))) as connection:
        for kind in (KeyUpdateMessageType.update_not_requested, KeyUpdateMessageType.update_requested) * 3:
            for _ in connection.send_keyupdate_request(kind):
                pass
            upload(connection)


def tickets(peer):
    """a session of TLS 1.2 that is resumed"""
    settings = settings_for(TLS12)
    first = peer.connect(settings)
    upload(first)
    first.close()
    with contextlib.closing(peer.connect(settings, session=first.session)) as again:
        upload(again)
        assert again.resumed, "a full handshake"


def old_versions(peer):
    """no version before TLS 1.2"""
    for version in ((3, 0), (3, 1), (3, 2)):
        settings = HandshakeSettings()
        settings.minVersion = settings.maxVersion = version
        refused(lambda settings=settings: peer.connect(settings))


def weak_ciphers(peer):
    """no cipher without authenticated encryption or forward secrecy"""
    for names, exchanges in ((["aes128", "aes256", "3des"], None), (None, ["rsa"]), (["rc4", "null"], None)):
        settings = HandshakeSettings()
        settings.minVersion, settings.maxVersion = (3, 1), TLS12
        settings.cipherNames = names or settings.cipherNames
        settings.keyExchangeNames = exchanges or settings.keyExchangeNames
        refused(lambda settings=settings: peer.connect(settings))


def spoiled(peer):
    """a record with a wrong tag, which ends the connection with an alert"""
    for version in (TLS12, TLS13):
        connection = peer.connect(settings_for(version))
        connection.sock.sendall(b"\x17\x03\x03\x00\x20" + os.urandom(32))
        refused(connection.read)


def refused(action):
    try:
        action()
    except (TLSError, OSError, ValueError) as failure:
        # What tlslite-ng refuses by itself says nothing of the gateway.
        assert not isinstance(failure, ValueError), failure
        return
    raise AssertionError("it is taken")


TRIED = (ciphers, groups, small_records, padding, key_updates, tickets, old_versions, weak_ciphers, spoiled)


def main():
    peer = Peer(int(sys.argv[1]), *sys.argv[2:])
    for action in TRIED:
        fault = None
        try:
            action(peer)
        except Exception as failure:  # pylint: disable=broad-except
            fault = f"{type(failure).__name__}: {failure} (line {failure.__traceback__.tb_next.tb_lineno})"
        print(json.dumps({"tried": action.__doc__, "fault": fault}), flush=True)


if __name__ == "__main__":
    main()
