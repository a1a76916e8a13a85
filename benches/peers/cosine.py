"""The peer of benches/delta_s.rs: NumPy on the same shapes. Needs numpy. Prints the median of seven runs.

Run: python3 benches/peers/cosine.py
"""

import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import numpy as np

N, DIM, HITS = 1_000_000, 384, 10


def unit(seed, n):
    vectors = np.random.default_rng(seed).uniform(-1, 1, (n, DIM)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def cosine(a, b):
    lengths = np.sqrt(np.einsum("nd,nd->n", a, a) * np.einsum("nd,nd->n", b, b))
    return np.einsum("nd,nd->n", a, b) / lengths


def delta_s(questions, hits):
    centroids = hits.reshape(-1, HITS, DIM).sum(axis=1)
    return 1 - np.einsum("nd,nd->n", questions, centroids) / np.linalg.norm(centroids, axis=1)


def median_seconds(work):
    times = []
    for _ in range(7):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return sorted(times)[3]


a, b, questions = unit(1, N), unit(2, N), unit(3, N // HITS)
print(f"cosine of 1,000,000 pairs          {median_seconds(lambda: cosine(a, b)):.3f} s")
print(f"delta S of 100,000 probes, 10 hits {median_seconds(lambda: delta_s(questions, a)):.3f} s")
