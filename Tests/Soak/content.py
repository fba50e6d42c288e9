"""What is uploaded: bytes that cost little to make, to check and to find again at any offset."""

import gzip
import hashlib
import random
import zlib

PIECE = 1024 * 1024
# A prime: bytes that land at a wrong offset, which is mostly a multiple of some power of two, are other bytes.
PERIOD = 1_048_583


class Pool:
    """The bytes that all contents of a run are cut from."""

    def __init__(self, seed):
        once = random.Random(seed).randbytes(PERIOD)
        self.bytes = memoryview(once + once)


class Prose:
    """As a pool, of bytes that can be compressed."""

    def __init__(self, seed):
        source = random.Random(f"prose {seed}")
        words = [bytes(source.choices(b"abcdefghijklmnopqrstuvwxyz", k=source.randrange(2, 12))) for _ in range(4000)]
        once = b" ".join(source.choices(words, k=PERIOD // 4))[:PERIOD]
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
            # A client and a backend may ask at once: what the other sees is whole.
            digest = hashlib.sha256()
            for piece in self.pieces():
                digest.update(piece)
            self._digest = digest
        return self._digest

    def write_to(self, path):
        with open(path, "wb") as file:
            for piece in self.pieces():
                file.write(piece)

    def difference(self, path, count=None):
        """None where the file's first `count` bytes (without it: all, and not one more) are these; else what is not."""
        end = self.size if count is None else count
        with open(path, "rb", buffering=0) as file:
            kept, length = self._digest_of(file, count)
        if length != end:
            return f"{length} bytes are there, not {end}"
        if kept.digest() == self.prefix(end):
            return None
        return f"the bytes differ from byte {self._first_difference(path, end)} of {end}"

    def compressed_difference(self, path, count=None):
        """As `difference`, of what is in a gzip file. With `count`, what is behind these bytes may be half a member."""
        end = self.size if count is None else count
        try:
            with gzip.open(path, "rb") as file:
                kept, length = self._digest_of(file, count)
        except (OSError, EOFError, zlib.error) as error:
            return f"no reader takes its file: {type(error).__name__}: {error}"
        if length != end:
            return f"{length} bytes are in its file, not {end}"
        return None if kept.digest() == self.prefix(end) else f"the bytes in its file differ, of {end}"

    @staticmethod
    def _digest_of(file, count):
        kept, length = hashlib.sha256(), 0
        while (data := file.read(PIECE if count is None else min(PIECE, count - length))):
            kept.update(data)
            length += len(data)
        return kept, length

    def prefix(self, count):
        """The SHA-256 of the first `count` bytes."""
        if count == self.size:
            return self.sha256().digest()
        wanted = hashlib.sha256()
        for piece in self.pieces(0, count):
            wanted.update(piece)
        return wanted.digest()

    def _first_difference(self, path, end):
        offset = 0
        with open(path, "rb") as file:
            for piece in self.pieces(0, end):
                data = file.read(len(piece))
                if data != piece:
                    return offset + next(i for i, (a, b) in enumerate(zip(data, piece)) if a != b)
                offset += len(piece)
        return end
