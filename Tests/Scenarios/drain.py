"""SIGTERM under load: what is under way ends as it would have, what takes too long hears how much is left, SIGHUP changes nothing."""

import os
import signal
import time

import client
from sending import WIRES, Answered

SIZE = 2 << 20
DRAIN = 3


def run(scene):
    gateway = scene.gateway({"/files": {}}, {"timeouts": f"{{drain: {DRAIN}s, shutdown: 5s}}"})
    ending = [sending(gateway, "/files", os.urandom(SIZE)).begin().send(SIZE // 2) for sending in WIRES]
    late = [sending(gateway, "/files", os.urandom(SIZE)).begin().send(SIZE // 2) for sending in WIRES]
    plain = _plain(gateway)
    resting = gateway.connect_http()
    resting.send(client.message("OPTIONS", "/files", host=f"localhost:{gateway.port}"))
    resting.answer("OPTIONS")
    scene.comes("all have begun", lambda: len(gateway.uploads("open")) == 5)

    began = time.monotonic()
    gateway.process.send_signal(signal.SIGTERM)
    scene.comes("the log says that it stops", lambda: gateway.says("Gateway is stopping"))
    gateway.hang_up()
    scene.comes("SIGHUP is answered in the log", lambda: gateway.says("Configuration is not read"))
    for one in ending:
        scene.holds(f"what ends in time is complete over {one.wire}", one.send().outcome() in one.COMPLETE)
    plain.send(b"b" * 1000)
    answer = plain.answer("PUT")
    scene.equals("a plain PUT is complete", answer.status, 201)
    scene.equals("its answer says that it is the last", answer["Connection"], "close")
    for one in late:
        scene.holds(f"what does not is told so over {one.wire}", one.outcome() in one.SHUTDOWN)
    scene.holds("not before the time is over", time.monotonic() - began > DRAIN - 0.5)
    scene.equals("the gateway ends in order", gateway.process.wait(10), 0)
    resting.close(in_order=False)

    gateway.start()
    for one in late:
        try:
            one.again()
        except Answered as answered:
            scene.fault(f"it does not go on: {answered}")
        scene.equals(f"nothing was lost over {one.wire}", one.offset, SIZE // 2)
        scene.holds(f"it is complete over {one.wire}", one.send().outcome() in one.COMPLETE)
    _second_signal(scene, gateway, WIRES[0])


def _plain(gateway):
    connection = gateway.connect_http(timeout=15)
    head = client.message("PUT", "/files/plain", {"Content-Length": 2000}, host=f"localhost:{gateway.port}")
    connection.send(head + b"a" * 1000)
    return connection


def _second_signal(scene, gateway, sending):
    """Whoever asks twice does not want to wait."""
    one = sending(gateway, "/files", os.urandom(SIZE)).begin().send(SIZE // 2)
    scene.comes("half of it is safe", lambda: gateway.uploads("open")[0]["safe"] == SIZE // 2)
    gateway.process.send_signal(signal.SIGTERM)
    scene.comes("the log says that it stops", lambda: gateway.says("Gateway is stopping", 2))
    began = time.monotonic()
    gateway.process.send_signal(signal.SIGTERM)
    scene.equals("a second SIGTERM ends it with status 1", gateway.process.wait(5), 1)
    scene.holds("at once", time.monotonic() - began < DRAIN - 1)
    words = [record for record in gateway.records() if record["message"].startswith("Gateway ends at once")]
    scene.holds("the log names the upload that is left",
                len(words) == 1 and one.key[:12] in words[0]["metadata"]["left"], words)
    gateway.start()
    scene.equals("it goes on from all that was safe", one.again().offset, SIZE // 2)
    scene.holds("and is complete", one.send().outcome() in one.COMPLETE)
