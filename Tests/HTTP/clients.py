"""Other people's clients against the gateway: h2load, and tuspy and aiotus from PyPI, in a virtual environment of their own.

usage: clients.py --sluice PATH [--packages FOLDER]
"""

import argparse
import asyncio
import io
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from gateway import MIB, Gateway  # noqa: E402
from packages import environment  # noqa: E402

PACKAGES = ("tuspy==1.1.0", "aiotus==1.1.0")
ENVIRONMENT = "http-clients"
BOUND = 300
SIZES = (0, 1, 5, 300_000, 3 * MIB + 7)
# Uploads of h2load, and the size of each.
LOAD, LOAD_SIZE = 300, 20_000


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sluice", required=True, metavar="PATH")
    parser.add_argument("--packages", metavar="FOLDER", help="an environment that has them, instead of one from PyPI")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"not done after {BOUND} s"))
    signal.alarm(BOUND)
    folder = tempfile.mkdtemp(prefix="sluice-http-clients-")
    gateway = Gateway(folder, options.sluice)
    try:
        python = f"{options.packages or environment(ENVIRONMENT, PACKAGES)}/bin/python3"
        gateway.start()
        # What the clients trust, each by its own library's variable.
        variables = os.environ | {
            "REQUESTS_CA_BUNDLE": gateway.authority,
            "GATEWAY": gateway.origin,
            "AUTHORITY": gateway.authority,
            "FOLDER": folder,
        }
        done = subprocess.run([python, "-B", os.path.abspath(__file__), "inside"], env=variables, check=False)
        is_loaded = h2load(gateway)
        wanted = sorted([content(size) for size in SIZES for _ in range(USES)] + [content(LOAD_SIZE)] * LOAD)
        kept = sorted(gateway.content(one) for one in gateway.published())
        print(f"{len(kept)} files in the store" + ("" if kept == wanted else f", expected {len(wanted)}, or others"))
        return 0 if done.returncode == 0 and is_loaded and kept == wanted else 1
    finally:
        gateway.stop()
        shutil.rmtree(folder)


def h2load(gateway):
    """nghttp2's load tool: 10 connections with 10 streams at once each, a PUT on each stream."""
    path = f"{gateway.folder}/load"
    with open(path, "wb") as file:
        file.write(content(LOAD_SIZE))
    words = ["-n", str(LOAD), "-c", "10", "-m", "10", "-d", path, "-H", ":method: PUT", f"{gateway.origin}/files/load"]
    done = subprocess.run(["h2load", *words], check=False, capture_output=True, text=True)
    fine = re.search(rf"^status codes: {LOAD} 2xx, 0 3xx, 0 4xx, 0 5xx$", done.stdout, re.M)
    print(f"{'passed' if fine else 'FAILED'} h2load, {LOAD} PUTs of {LOAD_SIZE} bytes")
    if not fine:
        print(done.stdout + done.stderr)
    return bool(fine)


def content(size):
    return bytes(number * 7 % 251 for number in range(1000)) * (size // 1000) + b"x" * (size % 1000)


# In the environment


def tuspy_whole(url, size):
    from tusclient.client import TusClient  # pylint: disable=import-error,import-outside-toplevel

    TusClient(url).uploader(file_stream=io.BytesIO(content(size)), metadata={"filename": "a b.txt"}).upload()


def tuspy_chunks(url, size):
    from tusclient.client import TusClient  # pylint: disable=import-error,import-outside-toplevel

    TusClient(url).uploader(file_stream=io.BytesIO(content(size)), chunk_size=100_000, upload_checksum=True).upload()


def tuspy_resumed(url, size):
    """Half by one uploader, the rest by another that knows the URL alone."""
    from tusclient.client import TusClient  # pylint: disable=import-error,import-outside-toplevel

    client = TusClient(url)
    first = client.uploader(file_stream=io.BytesIO(content(size)), chunk_size=max(1, size // 2))
    first.upload_chunk() if size else first.upload()
    second = client.uploader(file_stream=io.BytesIO(content(size)), url=first.url, chunk_size=50_000)
    assert second.offset == first.offset, f"offset {second.offset}, expected {first.offset}"
    second.upload()


def tuspy_async(url, size):
    from tusclient.client import TusClient  # pylint: disable=import-error,import-outside-toplevel

    # Its connections trust what the process trusts.
    uploader = TusClient(url).async_uploader(file_stream=io.BytesIO(content(size)), verify_tls_cert=False)
    asyncio.run(uploader.upload())


def aiotus_whole(url, size):
    import aiotus  # pylint: disable=import-error,import-outside-toplevel

    trust = ssl.create_default_context(cafile=os.environ["AUTHORITY"])

    async def upload():
        options = aiotus.RetryConfiguration(retry_attempts=1, ssl=trust)
        location = await aiotus.upload(
            url, io.BytesIO(content(size)), {"filename": b"a b.txt"}, config=options, chunksize=MIB
        )
        assert location is not None, "no location"
        told = await aiotus.metadata(location, config=options)
        assert told.get("filename") == b"a b.txt", f"metadata {told}"

    asyncio.run(upload())


def aiotus_multiple(url, size):
    """Three parts at once, joined by the gateway."""
    import aiotus  # pylint: disable=import-error,import-outside-toplevel

    trust = ssl.create_default_context(cafile=os.environ["AUTHORITY"])
    whole, step = content(size), size // 3 + 1
    parts = [io.BytesIO(whole[start : start + step]) for start in (0, step, 2 * step)]

    async def upload():
        options = aiotus.RetryConfiguration(retry_attempts=1, ssl=trust)
        location = await aiotus.upload_multiple(url, parts, {"filename": b"a b.txt"}, config=options, chunksize=MIB)
        assert location is not None, "no location"

    asyncio.run(upload())


CASES = (tuspy_whole, tuspy_chunks, tuspy_resumed, tuspy_async, aiotus_whole, aiotus_multiple)
USES = len(CASES)


def inside():
    failed = 0
    for function in CASES:
        for size in SIZES:
            try:
                function(f"{os.environ['GATEWAY']}/files", size)
                print(f"passed {function.__name__} {size} bytes")
            except Exception as failure:  # pylint: disable=broad-except
                failed += 1
                print(f"FAILED {function.__name__} {size} bytes: {type(failure).__name__}: {failure}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(inside() if sys.argv[1:] == ["inside"] else main())
