"""ClamAV's daemon (Debian's clamav-daemon), with one signature of its own: that of EICAR's harmless test file."""

import contextlib
import glob
import os
import signal
import socket
import subprocess
import time

# In two parts, so that no scanner takes this file for it.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()
NAME = "Eicar-Test-Signature"
CLAMD = "/usr/sbin/clamd"


class Clamd:
    """It listens on the unix socket `path`."""

    def __init__(self, folder):
        self.folder, self.path, self.process = folder, f"{folder}/clamd.sock", None
        os.mkdir(f"{folder}/signatures")
        with open(f"{folder}/signatures/eicar.ndb", "w", encoding="ascii") as file:
            file.write(f"{NAME}:0:0:{EICAR.hex()}\n")
        with open(f"{folder}/clamd.conf", "w", encoding="ascii") as file:
            file.write(f"LocalSocket {self.path}\nDatabaseDirectory {folder}/signatures\nForeground yes\n"
                       f"LogFile {folder}/clamd.log\nFixStaleSocket yes\nStreamMaxLength 32M\nTemporaryDirectory {folder}\n")

    @staticmethod
    def is_installed():
        return os.access(CLAMD, os.X_OK)

    def start(self):
        self.process = subprocess.Popen([CLAMD, f"--config-file={self.folder}/clamd.conf"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"clamd does not answer; see {self.folder}/clamd.log")
            time.sleep(0.05)

    def _answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(self.path)
                connection.sendall(b"zPING\0")
                return connection.recv(16).startswith(b"PONG")
        except OSError:
            return False

    def pause(self, is_paused):
        self.process.send_signal(signal.SIGSTOP if is_paused else signal.SIGCONT)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Icap:
    """c-icap (Debian's c-icap and libc-icap-mod-virus-scan), which asks `clamd`; `url` is its service."""

    PROGRAM = "/usr/bin/c-icap"
    MODULES = glob.glob("/usr/lib/*/c_icap")

    def __init__(self, clamd, port):
        self.folder, self.port, self.process = f"{clamd.folder}/icap", port, None
        self.url = f"icap://127.0.0.1:{port}/virus_scan"
        os.mkdir(self.folder)
        modules = self.MODULES[0] if self.MODULES else ""
        lines = [
            f"PidFile {self.folder}/pid", f"CommandsSocket {self.folder}/ctl", "StartServers 1", "MaxServers 1",
            "ThreadsPerChild 8", f"Port 127.0.0.1:{port}", f"TmpDir {self.folder}", f"ModulesDir {modules}",
            f"ServicesDir {modules}", "TemplateDir /usr/share/c_icap/templates/", "TemplateDefaultLanguage en",
            "LoadMagicFile /etc/c-icap/c-icap.magic", f"ServerLog {self.folder}/server.log",
            f"AccessLog {self.folder}/access.log", "Service virus_scan virus_scan.so",
            "virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE UNKNOWN",
            "virus_scan.MaxObjectSize 32M", "virus_scan.SendPercentData 5",
            "virus_scan.StartSendPercentDataAfter 32M", "virus_scan.Allow204Responces on", "Module common clamd_mod.so",
            f"clamd_mod.ClamdSocket {clamd.path}", "virus_scan.DefaultEngine clamd"]
        with open(f"{self.folder}/c-icap.conf", "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")

    @classmethod
    def is_installed(cls):
        return os.access(cls.PROGRAM, os.X_OK) and any(os.path.exists(f"{one}/virus_scan.so") for one in cls.MODULES)

    def start(self):
        with open(f"{self.folder}/said", "ab") as said:
            self.process = subprocess.Popen([self.PROGRAM, "-N", "-D", "-f", f"{self.folder}/c-icap.conf"],
                                            stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
        deadline = time.monotonic() + 20
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"c-icap does not answer; see {self.folder}")
            time.sleep(0.05)

    def _answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                connection.sendall(f"OPTIONS {self.url} ICAP/1.0\r\nHost: localhost\r\n\r\n".encode())
                return b"200" in connection.recv(64)
        except OSError:
            return False

    def kill(self):
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
