"""Authorities that sign servers' and clients' certificates, and lists of those that are revoked, by openssl."""

import os
import secrets
import ssl
import subprocess

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Authority:
    """Its certificate is `NAME.pem` in the folder, what it signs is beside it."""

    def __init__(self, folder, name, subject="/CN=authority"):
        self.folder, self.name = folder, name
        _openssl("req", "-x509", "-days", "2", "-subj", subject, "-keyout", self._path("key"), "-out", self._path("pem"),
                 *NEW_KEY)
        self._write("index", "")
        self._write("cnf", f"[ca]\ndefault_ca=d\n[d]\ndatabase={self._path('index')}\ndefault_md=sha256\n"
                           "default_crl_days=1\n")

    @property
    def certificate(self):
        return self._path("pem")

    @property
    def list(self):
        return self._path("crl")

    def sign(self, subject, names=None, usage="clientAuth"):
        """A new certificate and its key: their path without `.pem` and `.key`. `names` as in `DNS:localhost`."""
        place = f"{self.folder}/{self.name}-{secrets.token_hex(4)}"
        _openssl("req", "-new", "-subj", subject, "-keyout", f"{place}.key", "-out", f"{place}.csr", *NEW_KEY)
        with open(f"{place}.cnf", "w", encoding="ascii") as file:
            file.write((f"subjectAltName={names}\n" if names else "") + f"extendedKeyUsage={usage}\n")
        _openssl("x509", "-req", "-days", "2", "-in", f"{place}.csr", "-CA", self._path("pem"), "-CAkey",
                 self._path("key"), "-set_serial", f"0x00{secrets.token_hex(16)}", "-extfile", f"{place}.cnf", "-out",
                 f"{place}.pem")
        return place

    def write_list(self, *revoked):
        """The list of those that are revoked, with these among them; in one step, as a gateway reads it."""
        own = ["-config", self._path("cnf"), "-keyfile", self._path("key"), "-cert", self._path("pem")]
        for place in revoked:
            _openssl("ca", "-revoke", f"{place}.pem", *own)
        _openssl("ca", "-gencrl", "-out", self._path("crl.new"), *own)
        os.rename(self._path("crl.new"), self.list)

    def _path(self, end):
        return f"{self.folder}/{self.name}.{end}"

    def _write(self, end, text):
        with open(self._path(end), "w", encoding="ascii") as file:
            file.write(text)


def der(path):
    """A certificate as it goes over the wire."""
    with open(path, encoding="ascii") as file:
        return ssl.PEM_cert_to_DER_cert(file.read())


def _openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr.strip()}")
