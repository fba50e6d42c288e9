"""sslscan finds no weak offer, whatever the certificate and the profile: no old version, no weak cipher, no weak group."""

import shutil
import subprocess
import xml.etree.ElementTree

VERSIONS = {"intermediate": {("tls", "1.2"), ("tls", "1.3")}, "modern": {("tls", "1.3")}}
GROUPS = {"secp256r1", "secp384r1", "secp521r1", "x25519", "x448"}
RSA = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
       "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE")


def run(scene):
    if not scene.holds("sslscan is installed", shutil.which("sslscan"), "run deploy/prerequisites"):
        return
    for certificate, profile in (("server", "intermediate"), ("rsa", "intermediate"), ("server", "modern")):
        gateway = scene.gateway({"/files": {}}, start=False)
        certs = f"{gateway.folder}/certs"
        subprocess.run(["openssl", *RSA, "-keyout", f"{certs}/rsa.key", "-out", f"{certs}/rsa.pem"], check=True,
                       capture_output=True)
        gateway.settings["tls"] = (f"{{certificate: certs/{certificate}.pem, private-key: certs/{certificate}.key, "
                                   f"profile: {profile}}}")
        gateway.write()
        gateway.start()
        _judge(scene, _scan(gateway), f"{certificate}, {profile}", VERSIONS[profile])


def _scan(gateway):
    path = f"{gateway.folder}/sslscan.xml"
    subprocess.run(["sslscan", f"--xml={path}", "--sni-name=localhost", f"127.0.0.1:{gateway.port}"], check=True,
                   capture_output=True, timeout=20)
    return xml.etree.ElementTree.parse(path).find("ssltest")


def _judge(scene, found, what, versions):
    enabled = {(one.get("type"), one.get("version")) for one in found.iter("protocol") if one.get("enabled") == "1"}
    scene.equals(f"only these versions are offered ({what})", enabled, versions)
    ciphers = {(one.get("cipher"), int(one.get("bits")), one.get("strength")) for one in found.iter("cipher")}
    scene.holds(f"ciphers were found ({what})", ciphers)
    weak = [name for name, bits, strength in ciphers
            if bits < 128 or strength not in ("strong", "acceptable") or not _is_modern(name)]
    scene.equals(f"no cipher is weak ({what})", weak, [])
    groups = {one.get("name").split()[0] for one in found.iter("group")}
    scene.holds(f"groups were found, and none is weak ({what})", groups and groups <= GROUPS, groups)
    scene.equals(f"nothing bleeds ({what})", {one.get("vulnerable") for one in found.iter("heartbleed")}, {"0"})
    for name in ("compression", "renegotiation"):
        scene.holds(f"there is no {name} ({what})", all(one.get("supported") == "0" for one in found.iter(name)))


def _is_modern(cipher):
    """Authenticated encryption, with a key that is gone afterwards."""
    return cipher.startswith(("TLS_", "ECDHE-")) and any(mode in cipher for mode in ("GCM", "CHACHA20", "CCM"))
