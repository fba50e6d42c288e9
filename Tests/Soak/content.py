"""What is uploaded: bytes that cost little to make, to check and to find again at any offset."""

import hashlib
import random

PIECE = 1024 * 1024
# A prime: bytes that land at a wrong offset, which is mostly a multiple of some power of two, are other bytes.
PERIOD = 1_048_583


class Pool:
    """The bytes that all contents of a run are cut from."""

    def __init__(self, seed):
        once = random.Random(seed).randbytes(PERIOD)
        self.bytes = memoryview(once + once)


class Content:
    """`size` bytes: the pool's, again and again, from a start of its own."""

    def __init__(self, pool, size, start):
        self.pool, self.size, self.start = pool, size, start % PERIOD
        self._digest = None

    def piece(self, offset, count):
        """The bytes from `offset` on, at most `count` and at most a MiB of them."""
        begin = (self.start + offset) % PERIOD
        return self.pool.bytes[begin : begin + max(0, min(count, PIECE, self.size - offset))]

    def pieces(self, offset=0, end=None):
        end = self.size if end is None else end
        while offset < end:
            piece = self.piece(offset, end - offset)
            yield piece
            offset += len(piece)

    def sha256(self):
        """A hash object of the whole."""
        if self._digest is None:
            self._digest = hashlib.sha256()
            for piece in self.pieces():
                self._digest.update(piece)
        return self._digest

    def write_to(self, path):
        with open(path, "wb") as file:
            for piece in self.pieces():
                file.write(piece)

    def difference(self, path, count=None):
        """None where the file's first `count` bytes (without it: all, and not one more) are these; else what is not."""
        end = self.size if count is None else count
        kept, wanted = hashlib.sha256(), self.sha256()
        length = 0
        with open(path, "rb", buffering=0) as file:
            while (data := file.read(PIECE if count is None else min(PIECE, count - length))):
                kept.update(data)
                length += len(data)
        if length != end:
            return f"{length} bytes are there, not {end}"
        if count is not None:
            wanted = hashlib.sha256()
            for piece in self.pieces(0, count):
                wanted.update(piece)
        if kept.digest() == wanted.digest():
            return None
        return f"the bytes differ from byte {self._first_difference(path, end)} of {end}"

    def _first_difference(self, path, end):
        offset = 0
        with open(path, "rb") as file:
            for piece in self.pieces(0, end):
                data = file.read(len(piece))
                if data != piece:
                    return offset + next(i for i, (a, b) in enumerate(zip(data, piece)) if a != b)
                offset += len(piece)
        return end
