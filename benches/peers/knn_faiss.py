"""The peer of benches/knn.rs: faiss-cpu's exact index on the same shapes. Needs numpy and faiss-cpu.

Prints the median of seven searches on two threads. Run: python3 benches/peers/knn_faiss.py
"""

import time

import faiss
import numpy as np

ROWS, QUERIES, DIM, K, THREADS = 200_000, 1_000, 384, 10, 2


def unit(seed, n):
    vectors = np.random.default_rng(seed).standard_normal((n, DIM), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def median_seconds(work):
    times = []
    for _ in range(7):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return sorted(times)[3]


faiss.omp_set_num_threads(THREADS)
rows, queries = unit(1, ROWS), unit(2, QUERIES)
for name, index in [("dot", faiss.IndexFlatIP(DIM)), ("l2", faiss.IndexFlatL2(DIM))]:
    index.add(rows)
    print(f"{name:<4} {median_seconds(lambda: index.search(queries, K)):.3f} s")
