"""All figures of a comparison, and what is made of them."""

import json
import statistics


class Results:
    """Figures by workload and contender; a file of JSON between runs."""

    def __init__(self, data=None):
        self.data = data or {"about": {}, "limit": {}, "workloads": {}, "failures": []}

    @classmethod
    def read(cls, path):
        with open(path) as file:
            return cls(json.load(file))

    def write(self, path):
        with open(path, "w") as file:
            json.dump(self.data, file, indent=1, ensure_ascii=False)
            file.write("\n")

    def add(self, workload, contender, figures):
        """Keeps one run's figures."""
        entry = self.data["workloads"].setdefault(workload.name, {})
        entry.setdefault(contender.name, []).append({key: round(value, 6) for key, value in figures.items()})

    def fail(self, workload, contender, reason):
        """Keeps why there are none."""
        self.data["failures"].append({"workload": workload.name, "contender": contender.name, "reason": reason})

    def contenders(self, workload):
        """Who was measured under a workload."""
        return list(self.data["workloads"].get(workload.name, {}))

    def values(self, workload, contender, metric):
        """Of all runs."""
        runs = self.data["workloads"].get(workload.name, {}).get(contender, [])
        return [run[metric.key] for run in runs if metric.key in run]

    def median(self, workload, contender, metric):
        """Of all runs; None without any."""
        values = self.values(workload, contender, metric)
        return statistics.median(values) if values else None

    def spread(self, workload, contender, metric):
        """Least and most of all runs."""
        values = self.values(workload, contender, metric)
        return min(values), max(values)

    def best_peer(self, workload, metric):
        """The best median of those that are neither Sluice nor the mark; None without any."""
        medians = [
            self.median(workload, name, metric)
            for name in self.contenders(workload)
            if not name.startswith(("sluice", "mark"))
        ]
        if not medians:
            return None
        return min(medians) if metric.less_is_better else max(medians)

    def mark(self, workload, metric):
        """What the bare C loop needs; None where there is none, or more than one."""
        marks = [name for name in self.contenders(workload) if name.startswith("mark")]
        return self.median(workload, marks[0], metric) if len(marks) == 1 else None
