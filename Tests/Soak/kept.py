"""Where a complete upload is, and whether it is what was sent: a file, a compressed one, a named one, or a backend's."""

import glob
import json
import os
import time


class Kept:
    """What stores and backends have."""

    def __init__(self, places, backends):
        self.places, self.backends = places, backends

    def path(self, route, key, label):
        """The file of a complete upload."""
        folder, end = self.places.store(route), ".gz" if route.gzip else ""
        if not route.name:
            return f"{folder}/{key}{end}"
        file = f"anonymous/{label}-{key}{end}"
        today = f"{folder}/{time.strftime('%Y-%m-%d', time.gmtime())}/{file}"
        # One that was first offered before midnight.
        return today if os.path.exists(today) else next(iter(glob.glob(f"{folder}/*/{file}")), today)

    def partial(self, route, key):
        return f"{self.places.store(route)}/.partial/{key}"

    def difference(self, upload, key, all_of_it=True):
        """What is wrong with a complete upload, or None."""
        if upload.route.is_pipe:
            return self.backends.difference(upload, key)
        path = self.path(upload.route, key, upload.label)
        if not os.path.isfile(path):
            return "the file is not there"
        if upload.route.name and (wrong := self._sidecar(upload, key, path)):
            return wrong
        if upload.route.gzip:
            return upload.content.compressed_difference(path) if all_of_it else None
        size = os.stat(path).st_size
        if size != upload.size:
            return f"{size} bytes are there, not {upload.size}"
        return upload.content.difference(path) if all_of_it else None

    def partial_difference(self, upload, key, count):
        """What is wrong with the first `count` bytes of an unfinished one, or None."""
        path = self.partial(upload.route, key)
        if not os.path.isfile(path):
            return "there is no file"
        content = upload.content
        return content.compressed_difference(path, count) if upload.route.gzip else content.difference(path, count)

    def _sidecar(self, upload, key, path):
        try:
            with open(f"{path}.json", encoding="utf-8") as file:
                said = json.load(file)
        except (FileNotFoundError, ValueError) as error:
            return f"its sidecar: {error}"
        wanted = {"route": upload.route.path, "key": key, "name": upload.label, "size": upload.size,
                  "path": os.path.relpath(path, self.places.store(upload.route)), "stored": os.path.getsize(path),
                  "client": "address:127.0.0.1", "format": "bytes"}
        if said.get("sha256") is not None or upload.digest:
            wanted["sha256"] = upload.content.sha256().hexdigest()
        wrong = {name: said.get(name) for name, value in wanted.items() if said.get(name) != value}
        return f"its sidecar says {wrong}" if wrong else None

    def files(self, route):
        """All files of a store, but those of unfinished uploads; paths."""
        found = set()
        for folder, folders, names in os.walk(self.places.store(route)):
            if ".partial" in folders:
                folders.remove(".partial")
            found |= {os.path.join(folder, name) for name in names}
        return found
