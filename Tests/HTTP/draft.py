"""What the interop versions of the draft for resumable uploads call things."""

VERSIONS = range(3, 11)


class Words:
    """One version's; None is a request without a version, which has the newest rules and no 104."""

    def __init__(self, version):
        self.version, self.rules = version, version or 10
        self.field = "Upload-Incomplete" if version == 3 else "Upload-Complete"

    def complete(self, is_complete):
        return "?1" if is_complete != (self.version == 3) else "?0"

    def fields(self, is_complete=None, more=None):
        fields = {} if self.version is None else {"Upload-Draft-Interop-Version": self.version}
        if is_complete is not None:
            fields[self.field] = self.complete(is_complete)
        return {**fields, **(more or {})}
