"""A process that takes over from a gateway under load: of 200 uploads and more none fails, and what is long goes on to its end.

A plain PUT cannot resume: it ends in the process that it began in. A pipe's stream would break with its process: it goes on as well.
"""

import os
import threading

import client
from load import Load
from sending import XStreamSending
from succession import take_over

BOUND = 90
UPLOADS = 200
SLOW = 3 << 20


def run(scene):
    gateway = scene.gateway({"/files": {}, "/pipe": {}}, {"timeouts": "{drain: 20s, shutdown: 5s}"}, start=False)
    gateway.routes["/pipe"] = {"pipe": f'{{to: "127.0.0.1:{gateway.backend.port}"}}'}
    gateway.write()
    gateway.start()
    load = Load(gateway, "/files")
    scene.until(lambda: load.done > 50, 20)
    slow = _SlowPut(gateway)
    pipe = XStreamSending(gateway, "/pipe", os.urandom(SLOW)).begin().send(SLOW // 2)
    stream = XStreamSending(gateway, "/files", os.urandom(SLOW)).begin().send(SLOW // 2)
    wanted = XStreamSending(gateway, "/files", os.urandom(SLOW)).begin().send(SLOW // 2)

    before = take_over(gateway, scene)
    _goes_on(scene, before, [slow, pipe, stream])
    _is_taken(scene, wanted)
    scene.until(lambda: load.done > UPLOADS, 30)
    load.stop()
    scene.comes("the process before ends by itself, in order", lambda: before.poll() == 0, 15)
    # Again, and back to back: the one before is not quite gone.
    again = Load(gateway, "/files")
    first = take_over(gateway, scene)
    second = take_over(gateway, scene)
    scene.until(lambda: again.done > UPLOADS // 2, 20)
    again.stop()
    scene.comes("both have ended", lambda: first.poll() == 0 and second.poll() == 0, 15)

    failures = load.failures + again.failures
    scene.equals(f"no upload of {load.done + again.done} failed", failures, [])
    scene.holds("there were as many as are wanted", load.done >= UPLOADS, load.done)
    longest = max(load.longest, again.longest)
    scene.holds("nobody waited for long", longest < 5, f"{longest:.1f} s")
    print(f"{load.done + again.done} uploads, the longest took {longest:.2f} s") if os.environ.get("FIGURES") else None
    gateway.first_descriptors, gateway.first_memory = gateway.descriptors(), gateway.memory()


def _goes_on(scene, before, sendings):
    """What is under way goes on in the process that has it, while the new one takes what is new."""
    scene.holds("the process before is there for what is under way", before.poll() is None)
    slow, pipe, stream = sendings
    slow.goes_on.set()
    scene.equals("a plain PUT ends in the process that it began in", slow.status(), 201)
    scene.equals("a pipe's stream ends there", pipe.send().outcome(), 0)
    scene.holds("the backend has had all of it", str(SLOW).encode() in pipe.reply, pipe.reply)
    scene.equals("a stream ends there", stream.send().outcome(), 0)


def _is_taken(scene, wanted):
    """A client that comes back meanwhile goes on at the new process, from what the old one has made safe."""
    sent = wanted.offset
    wanted.again()
    scene.equals("who resumes at the new process goes on from all that the old one had", wanted.offset, sent)
    scene.equals("and ends there", wanted.send().outcome(), 0)


class _SlowPut(threading.Thread):
    """A plain PUT that waits in its middle for `goes_on`."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.goes_on, self.answer = threading.Event(), None
        self.connection = gateway.connect_http(timeout=30)
        self.content = os.urandom(SLOW)
        head = client.message("PUT", "/files/slow", {"Content-Length": SLOW}, host=f"localhost:{gateway.port}")
        self.connection.send(head + self.content[: SLOW // 2])
        self.start()

    def run(self):
        self.goes_on.wait(30)
        self.connection.send(self.content[SLOW // 2 :])
        self.answer = self.connection.answer("PUT", 30)

    def status(self):
        self.join(40)
        return self.answer.status if self.answer else None
