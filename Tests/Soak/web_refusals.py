"""What a client over HTTP makes of refusals, each of which must have a cause, and how it gives an upload up."""

import json
import time

from course import Over
from wires import connect


class Refusals:
    """A part of `Web`."""

    def _refused(self, answer, start, errs):
        upload, status = self.upload, answer.status
        problem = self._problem(answer)
        detail = problem.get("detail", "")
        if status == 404 and self.key:
            # Where it may have expired the client begins anew.
            if not self.told.unknown(upload, self.key, str(answer)):
                raise Over
            self.key = None
        elif status == 400 and problem.get("title") == "Superseded" and self.has_taken_over:
            # What it had left behind came later.
            self.journal.count("requests over HTTP that an abandoned one of the same client overtook")
        elif errs and status in (400, 460):
            self.journal.count("requests over HTTP with a wrong checksum, refused")
        elif upload.digest == "wrong" and self._was_digest(problem):
            self._is_refused_for_digest()
        elif status == 409 and start is not None and answer["Upload-Offset"]:
            # It was not asked; what it remembered was safe, and more may be by now.
            self.journal.count("offsets of which a 409 told better")
            self.told.offset(upload, self.key, int(answer["Upload-Offset"]), "409")
            self.offset, self.is_settled = int(answer["Upload-Offset"]), True
        elif status == 413 and upload.size > upload.route.upload:
            upload.outcome = "refused for its size"
            raise Over
        elif status == 503 and "shutting down" in detail and self.gateway.explains(self.mark):
            self._let_go()
            time.sleep(self.random.uniform(0.02, 0.2))
        elif status == 503 and answer["Retry-After"] and "shutting down" not in detail:
            self._wait_for_quota() if int(answer["Retry-After"]) > 1 else time.sleep(self.random.uniform(0.2, 0.8))
        elif status == 507 and "store" not in detail:
            self._wait_for_quota()
        elif status in (500, 507) and self._may_storage_fail():
            self._wait_for_disk(is_contact=False)
        elif status in (410, 502, 504) and upload.route.is_pipe:
            if upload.digest == "wrong" and self.key and upload.promise(self.key).sent >= upload.size:
                # It was refused, and the answer was lost.
                self._is_refused_for_digest()
            self._backend_failed(str(answer))
        else:
            self.journal.violate(f"refused: {answer}", upload, self.key)
            raise Over

    def _is_refused_for_digest(self):
        if self.key:
            self.upload.promise(self.key).is_gone = True
        self.upload.outcome = "refused for its digest"
        raise Over

    @staticmethod
    def _was_digest(problem):
        return problem.get("type", "").endswith("#digest-mismatching-values")

    @staticmethod
    def _problem(answer):
        try:
            return json.loads(answer.body)
        except ValueError:
            # HEAD has no body that could tell.
            return {}

    def _give_up(self):
        """Until the gateway says that it is gone."""
        upload, tries = self.upload, 0
        while time.monotonic() < self.deadline:
            mark = self.gateway.mark()
            tries += 1
            try:
                wire = connect(upload.http, self.told.places)
                self.journal.happened("give-up")
                answer = wire.ask("DELETE", self.place, self._fields())
                wire.close()
            except self.losses as error:
                self._lost(mark, error)
                continue
            detail = self._problem(answer).get("detail", "")
            if answer.status == 204:
                self.journal.count("uploads given up")
            elif answer.status == 404 and tries > 1:
                self.journal.count("uploads given up, of which the answer was lost")
            elif answer.status == 404:
                self.told.unknown(upload, self.key, "the answer to DELETE")
            elif answer.status == 410 and upload.route.is_pipe:
                self.journal.count("broken pipes given up")
            elif answer.status == 503 and "shutting down" in detail and self.gateway.explains(mark):
                continue
            elif answer.status in (500, 507) and self.troubles.explain_storage(self.since):
                time.sleep(self.random.uniform(0.2, 1))
                continue
            else:
                self.journal.violate(f"DELETE: {answer}", upload, self.key)
            upload.promise(self.key).is_gone = True
            upload.outcome = "given up"
            raise Over
