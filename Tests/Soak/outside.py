"""What is done from outside while the gateway lives: to its disks, its clock, its descriptors, and to itself."""

import socket
import time

# Hours. What a clock jumps to never differs by a day, the resume window of the routes that forget nothing.
CLOCKS = (6, 2, 0.5, 0, 0, -0.5, -3)
# Of one core, by a gateway that cannot accept anybody and has nothing to do.
IDLE_LIMIT = 0.1


class Outside:
    """Does one after the other, all kinds in turn."""

    def __init__(self, gateway, told, control, random):
        self.gateway, self.told, self.control, self.random = gateway, told, control, random
        self.journal, self.places, self.troubles = told.journal, told.places, told.troubles
        self.kinds = [self.stop_and_go, self.restart, self.run_out_of_descriptors]
        if control and control.is_there:
            self.kinds += [self.fail_syncs, self.fail_all_syncs, self.fail_ledger, self.jump, self.jump]
        if self.places.has_power:
            self.kinds += [self.make_read_only]
        self.left = []

    def next(self):
        if not self.left:
            self.left = self.random.sample(self.kinds, len(self.kinds))
        self.left.pop()()

    # The gateway itself

    def stop_and_go(self):
        self.journal.count("SIGSTOP and SIGCONT")
        self.gateway.freeze(self.random.uniform(0.1, 3))

    def restart(self):
        self.journal.count("SIGTERM")
        self.gateway.terminate()
        self.gateway.start()

    # Disks

    def fail_syncs(self):
        self._fail("store syncs that fail now and then", "syncs", of_stores=self.random.uniform(0.05, 0.4))

    def fail_all_syncs(self):
        self._fail("times that every sync of the stores failed", "syncs", of_stores=1)

    def fail_ledger(self):
        self._fail("ledger syncs that fail now and then", "ledger", of_ledger=self.random.uniform(0.1, 0.6))

    def _fail(self, name, kind, **odds):
        self.journal.count(name)
        self.journal.note(f"{name}: {odds}")
        with self.troubles.under_way(kind):
            self.control.fail_syncs(**odds)
            time.sleep(self.random.uniform(0.5, 2))
            self.control.fail_syncs()

    def make_read_only(self):
        """As an administrator does it: the kernel allows it when no file is open for writing."""
        disk = self.places.disks[0]
        with self.troubles.under_way("read-only"):
            if not disk.set_read_only(True, 2):
                return self.journal.count("times that the small disk was too busy to be made read-only")
            self.journal.count("times that the small disk was read-only")
            self.journal.note("the small disk is read-only")
            time.sleep(self.random.uniform(0.5, 2))
            if not disk.set_read_only(False, 5):
                self.journal.violate("the driver cannot make the small disk writable again")
        return self.journal.note("the small disk is writable")

    # The clock

    def jump(self):
        now = self.control.clock / 3600
        self.set_clock(self.random.choice([hours for hours in CLOCKS if hours != now]))

    def set_clock(self, hours):
        now = self.control.clock / 3600
        if hours == now:
            return
        self.journal.count(f"clock jumps {'forwards' if hours > now else 'backwards'}")
        self.journal.note(f"the clock jumps from {now:+} h to {hours:+} h")
        with self.troubles.under_way("clock"):
            self.control.set_clock(hours * 3600)

    # Descriptors

    def run_out_of_descriptors(self):
        with self.troubles.under_way("descriptors"):
            # Those that are open stay: 3 means none more.
            limit = self.random.choice((3, self.gateway.descriptors(), self.gateway.descriptors() + 3))
            self.journal.count("times that descriptors ran out")
            self.journal.note(f"no more than {limit} descriptors")
            self.gateway.limit_descriptors(limit)
            time.sleep(self.random.uniform(0.5, 2))
            self.gateway.limit_descriptors(None)
            self.journal.note("descriptors as before")

    def judge_full_table(self):
        """Without uploads: more connections than it can take must cost it nothing, and are taken when it can again."""
        wrong, connections = [], []
        address = ("127.0.0.1", self.places.port)
        self.gateway.limit_descriptors(3)
        try:
            connections = [socket.create_connection(address, timeout=5) for _ in range(40)]
            time.sleep(0.2)
            before, began = self.gateway.processor_time(), time.monotonic()
            time.sleep(2)
            used = (self.gateway.processor_time() - before) / (time.monotonic() - began)
        finally:
            self.gateway.limit_descriptors(None)
        if used > IDLE_LIMIT:
            wrong.append((f"without a descriptor to accept with it uses {used:.0%} of a core", None))
        base, deadline = self.gateway.descriptors(), time.monotonic() + 5
        while self.gateway.descriptors() < len(connections) and time.monotonic() < deadline:
            time.sleep(0.02)
        if self.gateway.descriptors() < len(connections):
            wrong.append((f"of {len(connections)} waiting connections some are not accepted, {base} descriptors", None))
        for connection in connections:
            connection.close()
        self.journal.count("connections that waited for a descriptor, and got one", len(connections))
        return wrong
