"""The checks of conformance.py. Each module registers its own by the `check` decorator."""

from . import transport, uploads, unknown_total, payloads, keys, digests, limits, heads, hostile, ends  # noqa: F401
