"""A resumed TLS session has no more rights than a full handshake, also after the client's were taken away."""

import socket
import ssl

import xstream_packet
from certificates import Authority

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
# Asks for a stream that never was: 10 where one may ask, 5 where not.
QUESTION = xstream_packet.encode({"route": "/files", "data-format": "bytes", "x-stream": "1:0", "x-stream-key": "k" * 32})


def run(scene):
    gateway = scene.gateway({"/files": {"access": "{certificates: true}"}}, start=False)
    authorities = [Authority(gateway.folder, name) for name in ("first", "second")]
    for authority in authorities:
        authority.write_list()
    _trust(gateway, authorities[0])
    gateway.start()
    for version in VERSIONS:
        client = Client(gateway, authorities[0].sign(f"/CN={version.name}"), version)
        scene.equals("a full handshake may ask", client.ask(), (False, 10))
        scene.equals(f"a session is resumed over {version.name}", client.ask(), (True, 10))
        _lose_the_route(scene, gateway, client)
        _lose_the_certificate(scene, gateway, authorities[0], client)
    client = Client(gateway, authorities[0].sign("/CN=left"), VERSIONS[1])
    scene.equals("a full handshake may ask", client.ask(), (False, 10))
    _trust(gateway, authorities[1])
    scene.equals("the reload is taken", gateway.reload().returncode, 0)
    scene.equals("a session does not outlive its authority", client.ask(), (False, None))


def _lose_the_route(scene, gateway, client):
    """The session is as good as ever; the right is gone, and comes back."""
    for rights, status in (("{certificates: {common-name: nobody}}", 5), ("{certificates: true}", 10)):
        gateway.routes["/files"]["access"] = rights
        gateway.write()
        scene.equals("the reload is taken", gateway.reload().returncode, 0)
        scene.equals(f"a resumed session has the rights of {rights}", client.ask()[1], status)


def _lose_the_certificate(scene, gateway, authority, client):
    authority.write_list(client.identity)
    scene.equals("the reload is taken", gateway.reload().returncode, 0)
    scene.equals("a revoked certificate resumes no session", client.ask(), (False, None))


def _trust(gateway, authority):
    gateway.settings["tls"] = (
        f"{{certificate: certs/server.pem, private-key: certs/server.key, client-ca: {authority.name}.pem, "
        f"client-crl: {authority.name}.crl, client-certificate: required}}")
    gateway.write()


class Client:
    """Shows its certificate, and from the second time on the session of the time before."""

    def __init__(self, gateway, identity, version):
        self.gateway, self.identity, self.session = gateway, identity, None
        self.context = ssl.create_default_context(cafile=gateway.authority)
        self.context.load_cert_chain(f"{identity}.pem", f"{identity}.key")
        self.context.minimum_version = self.context.maximum_version = version
        self.context.set_alpn_protocols(["x-stream/1"])

    def ask(self):
        """Whether the session was resumed, and the status of the answer; `None` for a connection that is refused."""
        tls, is_resumed = None, False
        try:
            tcp = socket.create_connection(("127.0.0.1", self.gateway.port), 5)
            tls = self.context.wrap_socket(tcp, server_hostname="localhost", session=self.session)
            tls.sendall(QUESTION)
            reader = xstream_packet.PacketReader()
            while not (packet := reader.next()):
                data = tls.recv(4096)
                if not data:
                    return False, None
                reader.feed(data)
            self.session, is_resumed = tls.session, tls.session_reused
            return is_resumed, packet.status
        except (ssl.SSLError, OSError):
            return False, None
        finally:
            if tls:
                tls.close()
