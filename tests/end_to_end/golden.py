"""Makes and reads `golden_toy.json`: what the sentinels scored in the toy run, with the versions.

    python -m tests.end_to_end.golden RESULTS

A sentinel's score follows from the data, the split and the metrics alone, so it is equal on every
machine. If one moves, raise the version of what changed, then make the file again.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmark import registry
from benchmark.records import all_records

GOLDEN = Path(__file__).with_name("golden_toy.json")


def sentinel_scores(results: Path) -> dict[str, dict[str, object]]:
    """Versions and metric values of every sentinel's cell, by cell name."""
    return {
        record.cell.name: {
            "versions": dict(sorted(record.versions.items())),
            "metrics": {name: metric.value for name, metric in sorted(record.metrics.items())},
        }
        for _, record in all_records(results)
        if registry.load_baseline(record.cell.baseline).kind == "sentinel"
    }


if __name__ == "__main__":
    scores = sentinel_scores(Path(sys.argv[1]))
    GOLDEN.write_text(json.dumps(scores, indent=1, sort_keys=True) + "\n", encoding="utf-8")
