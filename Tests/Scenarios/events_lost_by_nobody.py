"""A receiver that refuses, hangs, dies and comes back hears of each upload, also where the gateway is killed meanwhile.

The events of an upload come in order, and a delivery that is repeated has the same id and the same bytes."""

import http.client
import json
import os
import ssl
import threading
import time

from receiver import Receiver

COUNT, KILLS, SENDERS = 60, 2, 4
# What the receiver does, one after the other, twice, each for so many seconds; in each a share of the uploads is sent.
MODES = ("refuses", "takes", "hangs", "takes", "is gone", "takes") * 2
PHASE = 0.7


def run(scene):
    Course(scene, COUNT, KILLS).play()


class Course:
    """Uploads by a few clients, while the receiver turns and the gateway dies."""

    def __init__(self, scene, count, kills, disk=None):
        self.scene, self.count, self.kills, self.disk = scene, count, kills, disk
        self.gateway = scene.gateway({"/files": {}}, start=False)
        self.receiver = Receiver(self.gateway)
        scene.finally_do(self.receiver.close)
        self.gateway.settings["events"] = f"{{there: {self.receiver.target(', when: [begun, completed]')}}}"
        self.gateway.write()
        self.told, self.wanted, self._lock, self._is_up = 0, 0, threading.Lock(), threading.Event()

    def play(self):
        self.gateway.start()
        self._is_up.set()
        senders = [threading.Thread(target=self._send, daemon=True) for _ in range(SENDERS)]
        turner = threading.Thread(target=self._turn, daemon=True)
        for thread in senders + [turner]:
            thread.start()
        for kill in range(1, self.kills + 1):
            self.scene.until(lambda: self.told >= self.count * kill // (self.kills + 1), 120)
            self._down(is_cut=self.disk is not None and kill == self.kills)
        for thread in senders + [turner]:
            thread.join(120)
        self.receiver.mode = "takes"
        self._look()

    def _look(self):
        done = self._done()
        self.scene.holds("all uploads are complete", len(done) >= self.count, len(done))
        self.scene.comes("each completion was taken", lambda: done <= self.receiver.taken("completed"), 60)
        self.scene.holds("nothing else was told of", self.receiver.came_of("completed") <= done)
        self.scene.comes("nothing waits any more", lambda: not self._waiting(), 20)
        self.receiver.look(self.scene)

    def _done(self):
        return {row["key"] for row in self.gateway.uploads("done")}

    def _waiting(self):
        return json.loads(self.gateway.command("events", "--json").stdout)["events"]

    def _down(self, is_cut):
        self._is_up.clear()
        if is_cut:
            self.disk.cut_power()
        self.gateway.kill()
        if is_cut:
            self.disk.restore_power()
        told = self.receiver.came_of("completed")
        self.gateway.start()
        self._is_up.set()
        # What anybody was told of is there, whatever was lost.
        self.scene.holds("what was told of is complete" + (" after a power cut" if is_cut else ""),
                         told <= self._done())

    def _turn(self):
        for turn, mode in enumerate(MODES, 1):
            self.receiver.mode = mode
            self.wanted = self.count * turn // len(MODES)
            time.sleep(PHASE)
            self.scene.until(lambda: self.told >= self.wanted, 60)

    def _send(self):
        context = ssl.create_default_context(cafile=self.gateway.authority)
        while self.told < self.count:
            if not self.scene.until(lambda: self.told < self.wanted and self._is_up.is_set(), 1):
                continue
            try:
                connection = http.client.HTTPSConnection("localhost", self.gateway.port, timeout=10, context=context)
                connection.request("PUT", f"/files/{os.urandom(4).hex()}", os.urandom(10_000))
                status = connection.getresponse().status
                connection.close()
            except (OSError, http.client.HTTPException):
                continue
            if status == 201:
                with self._lock:
                    self.told += 1
