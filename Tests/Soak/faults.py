"""What is done to the gateway, and when."""

import time

MOMENTS = ("offer", "progress", "last", "final", "give-up")
KILLS = ("any time", "any time", "any time", "offer", "progress", "last", "last", "final", "final", "give-up",
         "start-up", "start-up", "shutdown")
MORE_KILLS = ("power cut", "power cut", "power cut at a final", "failing syncs")


class Faults:
    """Kills `kills` times in `seconds`, and before each kill something else is done from outside."""

    def __init__(self, gateway, told, random, seconds, kills, outside):
        self.gateway, self.told, self.random, self.outside = gateway, told, random, outside
        self.journal, self.kills = told.journal, kills
        self.interval = seconds / max(1, kills)
        choices = KILLS + (MORE_KILLS if told.places.has_power and outside.control.is_there else ())
        # All kinds in turn, in an order of the seed's.
        kinds = list(dict.fromkeys(choices))
        random.shuffle(kinds)
        self.plan = (kinds + random.choices(choices, k=kills))[:kills]

    def run(self, describe, is_short):
        begin = time.monotonic()
        for number, kind in enumerate(self.plan):
            self._wait(begin + (number + self.random.uniform(0.1, 0.6 if is_short else 0.3)) * self.interval)
            if not is_short:
                self.outside.next()
                self._after()
            elif self.random.random() < 0.25:
                self._lesser()
            self._wait(begin + (number + self.random.uniform(0.6, 0.7)) * self.interval)
            self._kill(kind)
            self._after()
            print(f"  {self.journal.elapsed():5.1f}s  kill {number + 1} of {len(self.plan)} ({kind}), up again in "
                  f"{self.gateway.start_time * 1000:.0f} ms; {describe()}", flush=True)

    def _wait(self, until):
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
            self.gateway.check_alive()

    def _lesser(self):
        if self.random.random() < 0.5:
            self.outside.stop_and_go()
        else:
            self.outside.restart()
            self._after()

    def _kill(self, kind):
        gateway, random = self.gateway, self.random
        self.journal.count(f"SIGKILL ({kind})")
        if kind.startswith("power cut"):
            return self._cut_power(kind)
        if kind == "failing syncs":
            with self.told.troubles.under_way("syncs"), self.told.troubles.under_way("ledger"):
                self.outside.control.fail_syncs(of_stores=0.3, of_ledger=0.3)
                time.sleep(random.uniform(0.1, 1))
                gateway.kill()
                self.outside.control.fail_syncs()
        elif kind in MOMENTS:
            if not self.journal.wait_for(kind, self.interval * 0.3):
                self.journal.count("moments that did not come in time")
            time.sleep(random.choice((0, 0, 0.001, 0.003, 0.01)))
            gateway.kill()
        elif kind == "shutdown":
            if gateway.terminate(kill_after=random.uniform(0, 0.15)) is not None:
                self.journal.count("shutdowns that were faster than the kill")
        else:
            gateway.kill()
        if kind == "start-up":
            for _ in range(random.randint(1, 3)):
                gateway.start(wait=False)
                time.sleep(random.uniform(0, 1.2 * min(gateway.start_time, 1)))
                gateway.kill()
                self.journal.count("SIGKILLs during a start-up")
        time.sleep(random.choice((0, 0, 0.2)))
        gateway.start()

    def _cut_power(self, kind):
        """All disks at once. What the file systems had not been made to keep is gone; only then does the process go."""
        places = self.told.places
        if kind == "power cut at a final" and not self.journal.wait_for("last", self.interval * 0.3):
            self.journal.count("moments that did not come in time")
        time.sleep(self.random.choice((0, 0, 0.001, 0.003, 0.01, 0.03)))
        with self.told.troubles.under_way("power"), places.gate.alone():
            # A sync that is under way while ext4 is shut down may succeed and keep nothing; one of a real disk does not.
            with self.gateway.between_calls():
                for disk in places.disks:
                    disk.cut_power()
            time.sleep(self.random.choice((0, 0, 0.1, 0.5)))
            self.gateway.check_alive()
            self.gateway.kill()
            for disk in places.disks:
                disk.restore_power()
            self.gateway.start()

    def _after(self):
        """What was complete before is there."""
        for upload in list(self.journal.uploads.values()):
            for promise in list(upload.promises.values()):
                if promise.is_done:
                    self.told.verify(upload, promise.key, all_of_it=False)
