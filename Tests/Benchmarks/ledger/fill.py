#!/usr/bin/env python3
"""Fills a ledger with complete uploads, to see how a gateway does that has taken millions.

usage: fill.py LEDGER COUNT [--there PERCENT] [--route PATH]

They are of the last 60 days, evenly, and of a thousand clients; the files of PERCENT of them are there, as far as the ledger
knows. The ledger must be there, of this release's schema, and no gateway may have it: start one once and stop it.
"""

import argparse
import os
import sqlite3
import time

BATCH = 500_000
# Keys as the gateway mints them: four characters of the second before random ones (UploadKey.swift), so that they lie in its
# index as a gateway's do.
ROWS = """
WITH RECURSIVE number(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM number WHERE n < :last),
  moment AS (SELECT n, :now - :span + n * :span / :count AS at FROM number)
INSERT INTO upload (key, route, owner, subject, format, label, total, created_at, committed, granted, state, epoch, holder,
  expires_at, finished_at, store_state, file)
SELECT substr(:alphabet, 1 + ((at / 1000) >> 18) % 62, 1) || substr(:alphabet, 1 + (((at / 1000) >> 12) & 63), 1)
    || substr(:alphabet, 1 + (((at / 1000) >> 6) & 63), 1) || substr(:alphabet, 1 + ((at / 1000) & 63), 1)
    || hex(randomblob(14)),
  :route, 'token:client-' || (n % 1000), 'token:client-' || (n % 1000), 'bytes', 'report-' || n || '.csv', 4096, at, 4096, 0,
  'done', 1, '', at + 86400000, at + 40, 'plain', CASE WHEN n % 100 < :there THEN '' ELSE 'gone' END
FROM moment
"""
EXTENTS = "INSERT INTO upload_quota (key, subject, win, low, high) SELECT key, '', 0, 0, 4096 FROM upload WHERE file = ''"
QUOTA = """
INSERT INTO quota (route, subject, win, reserved, used, cap) VALUES (?, '', 0, 0, ?, 1 << 46)
ON CONFLICT (route, subject, win) DO UPDATE SET used = used + excluded.used, cap = excluded.cap
"""
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
INDEXES = ("upload_age", "upload_done")


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ledger")
    parser.add_argument("count", type=int)
    parser.add_argument("--there", type=int, default=10)
    parser.add_argument("--route", default="/upload-file")
    options = parser.parse_args()
    begin = time.monotonic()
    database = sqlite3.connect(options.ledger, isolation_level=None)
    for pragma in ("synchronous = OFF", "cache_size = -1000000", "temp_store = MEMORY"):
        database.execute(f"PRAGMA {pragma}")
    # What is sorted at the end takes a fraction of the time.
    made = [database.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)).fetchone()[0] for name in INDEXES]
    for name in INDEXES:
        database.execute(f"DROP INDEX {name}")
    values = {"count": options.count, "now": int(time.time() * 1000), "span": 60 * 86_400_000, "route": options.route,
              "there": options.there, "alphabet": ALPHABET}
    for first in range(0, options.count, BATCH):
        last = min(first + BATCH, options.count) - 1
        database.execute(ROWS, values | {"first": first, "last": last})
        print(f"{last + 1} after {time.monotonic() - begin:.0f} s", flush=True)
    database.execute(EXTENTS)
    there = database.execute("SELECT count(*) FROM upload_quota").fetchone()[0]
    database.execute(QUOTA, (options.route, 4096 * there))
    for sql in made:
        database.execute(sql)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    size = os.path.getsize(options.ledger)
    print(f"{options.count} uploads in {time.monotonic() - begin:.0f} s, {size >> 20} MiB, {size // options.count} bytes each")


if __name__ == "__main__":
    main()
