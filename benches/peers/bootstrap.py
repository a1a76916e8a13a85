"""The peer of benches/stats.rs: SciPy's bootstrap of a median on the same 1,200 values. Needs numpy
and scipy. Prints the median of seven runs, and the interval, which must agree with ours.

Run: python3 benches/peers/bootstrap.py
"""

import json
import os
import time
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap

FILE = Path(__file__).parents[2] / "tests/data/normal_1200.json"
values = np.array(json.loads(FILE.read_text())["values"])


def run(method):
    # Batches of 1,000 resamples: as fast as all at once, in a tenth of the memory.
    return bootstrap(
        (values,), np.median, n_resamples=10_000, batch=1000, method=method, rng=np.random.default_rng(1)
    )


print(f"{len(os.sched_getaffinity(0))} processors")
for method in ("percentile", "BCa"):
    times = []
    for _ in range(7):
        start = time.perf_counter()
        interval = run(method).confidence_interval
        times.append(time.perf_counter() - start)
    print(f"median, 10,000 resamples, {method:10} {sorted(times)[3]:.4f} s  {interval}")
