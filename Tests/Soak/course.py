"""What clients of the soak do whatever they speak: they go on after losses, wait for room, and begin anew."""

import random
import time

PATIENCE = 25.0


class Over(Exception):
    """The upload has come to its end, whichever."""


class Again(Exception):
    """The client has cut its own connection."""


class Course:
    """Carries out one planned upload. Who inherits says what one try is (`_once`), and how an upload is given up."""

    # What a connection ends with that somebody has cut.
    losses = (OSError,)

    def __init__(self, upload, gateway, told, deadline, seed, backends):
        self.backends = backends
        self.patience_with_disk = 20
        self.patience_with_quota = 3
        self.troubles, self.since = told.troubles, time.monotonic()
        self.upload, self.gateway, self.told, self.deadline = upload, gateway, told, deadline
        self.journal, self.random = told.journal, random.Random(seed)
        self.key = self.mark = None
        self.connection, self.older = None, []
        size = max(1, upload.size)
        self.breaks = sorted(self.random.randrange(size) for _ in range(upload.breaks))
        # Where an upload that is not to be completed ends.
        self.end = self.random.randrange(size) if upload.fate != "complete" else None

    def run(self):
        try:
            while time.monotonic() < self.deadline:
                try:
                    self.since = time.monotonic()
                    self._once()
                except Again:
                    time.sleep(self.random.choice((0, 0, 0.05, 0.5)))
                except self.losses as error:
                    self._lost(self.mark, error)
        except Over:
            pass
        finally:
            for connection in [*self.older, self.connection]:
                if connection:
                    connection.close()

    def _lost(self, mark, error):
        self._let_go()
        if not self.gateway.explains(mark):
            what = "was silent" if self._is_silence(error) else "left"
            self.journal.violate(f"the gateway {what} and nobody had done anything to it: {error!r}",
                                 self.upload, self.key)
            raise Over
        self.journal.count("connections lost by faults of the gateway")
        time.sleep(self.random.uniform(0.02, 0.3))

    def _let_go(self):
        if self.connection:
            self.connection.drop()
        self.connection = None

    def _vanish(self):
        """Never comes back."""
        self.journal.count("clients that vanished for good")
        self.upload.outcome = "vanished"
        self._let_go()
        raise Over

    # What the gateway may have no room for

    def _wait_for_quota(self):
        """Others may give some back; a client that has waited long enough gives up what it has."""
        self.patience_with_quota -= 1
        if self.patience_with_quota < 0:
            if self.key:
                self._let_go()
                self._give_up()
            self.upload.outcome = "refused for quota"
            raise Over
        time.sleep(self.random.uniform(0.1, 0.8))

    def _wait_for_disk(self, is_contact):
        """The disk fills and empties; what is safe stays so, and the key holds it."""
        self._let_go()
        # A refusal is no contact: only what was offered and settled begins the resume window anew.
        if self.key and is_contact:
            self.upload.promise(self.key).contact = time.monotonic()
        self.patience_with_disk -= 1
        if self.patience_with_disk < 0:
            self.patience_with_quota = -1
            self._wait_for_quota()
        time.sleep(self.random.uniform(0.2, 1))

    def _may_storage_fail(self):
        return self.upload.route.is_small or self.troubles.explain_storage(self.since)

    # Pipes

    def _backend_failed(self, answer):
        """The client begins anew; somebody must have done something to the backend's connection."""
        upload, key = self.upload, self.key
        self._let_go()
        if key is None:
            # Whoever has no offer never learns the key of the connection that broke.
            if self.backends.broke_nameless(upload):
                self.journal.count("payloads begun anew after a fault of the backend")
            elif (self.backends.none_was_up(time.monotonic() - 10)
                  or self.troubles.explain(self.since, "descriptors", "read-only", "power")):
                self.journal.count("uploads that no backend took")
            else:
                self.journal.violate(f"no backend was found, and one was up: {answer}", upload)
                raise Over
            time.sleep(self.random.uniform(0.2, 0.8))
            return
        promise = upload.promise(key)
        restarted = promise.life != self.gateway.life or self.gateway.explains(self.mark)
        if not restarted and self.troubles.explain(promise.began, "ledger", "descriptors", "power"):
            restarted = not self.backends.is_to_blame(key)
        # A broken connection shows at the gateway before its thread here has told.
        deadline = time.monotonic() + 1
        while not restarted and not self.backends.is_to_blame(key) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not restarted and not self.backends.is_to_blame(key):
            found = "; ".join(map(str, self.backends.of(key))) or "no connection"
            self.journal.violate(f"{answer}, and nobody did anything to the backend: {found}", upload, key)
        self.journal.count(f"pipes begun anew after {'a restart' if restarted else 'a fault of the backend'}")
        promise.is_broken = True
        self.key = None
        time.sleep(self.random.uniform(0, 0.3))
