"""`ragstone traffic` beside DuckDB, on logs of many requests. Needs duckdb and pytz.

Both read the same file and group it by variant, route, cold or warm, and minute; DuckDB computes counts,
server errors and four exact quantiles of three latencies, ragstone its whole table. Two threads each,
by turns; prints medians, the ratio, and the largest resident size of ragstone. The groups and what they
count must agree.

Run: cargo build --release, and in a folder with 8 GB to spare
  ragstone simulate healthy --stage fifty --minutes 60 --rate 2778 --out lines
  ragstone simulate healthy --stage fifty --minutes 60 --rate 2778 --as parquet --out columns
  python3 benches/peers/traffic.py target/release/ragstone lines/telemetry.jsonl columns/telemetry.parquet
"""

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time

RUNS = 5
QUANTILES = "[0.5, 0.75, 0.95, 0.99]"
COLUMNS = """{ts: 'TIMESTAMP', route: 'VARCHAR', variant: 'VARCHAR', cold_start: 'BOOLEAN',
    warm_ping: 'BOOLEAN', status: 'INTEGER',
    latency_ms: 'STRUCT(tffb DOUBLE, tusable DOUBLE, tfinal DOUBLE)'}"""


def query(log):
    if log.endswith(".parquet"):
        source = f"read_parquet('{log}')"
    else:
        source = f"read_json('{log}', format = 'newline_delimited', columns = {COLUMNS})"
    quantiles = ", ".join(
        f"quantile_cont(latency_ms.{point}, {QUANTILES})" for point in ("tffb", "tusable", "tfinal")
    )
    return f"""SELECT variant, route, cold_start, time_bucket(INTERVAL '60 seconds', ts),
        count(*), sum((status >= 500)::INT), {quantiles}
        FROM {source} WHERE NOT warm_ping GROUP BY ALL"""


def peer(logs):
    """Runs the query, and compares the table in a file with what it found, as it is asked to.

    In a process of its own: the size of a small parent is not added to that of its children.
    """
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    logs.send(duckdb.__version__)
    while True:
        log, table = logs.recv()
        start = time.perf_counter()
        rows = connection.execute(query(log)).fetchall()
        seconds = time.perf_counter() - start
        if table is not None:
            with open(table) as file:
                groups = json.load(file)["groups"]
            found = sorted(
                (group["arm"], group["route"], group["temperature"] == "cold", group["n"], group["n_5xx"])
                for group in groups
            )
            assert found == sorted((*row[:3], *row[4:6]) for row in rows), "the groups differ"
        logs.send((seconds, len(rows), sum(row[4] for row in rows)))


def ours(binary, log, out, form):
    """Seconds from start to end of the process, and its largest resident size in MiB."""
    start = time.perf_counter()
    child = subprocess.Popen(
        [binary, "traffic", log, "--threads", "2", "--format", form],
        stdout=out,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 3, "nothing is judged"
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main(binary, logs):
    theirs, away = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    context.Process(target=peer, args=(away,), daemon=True).start()
    version = theirs.recv()
    print(f"{len(os.sched_getaffinity(0))} processors, DuckDB {version}, {RUNS} runs each")
    for log in logs:
        peers, own, size = [], [], 0
        for run in range(RUNS + 1):
            # The first run fills the page cache, and its table of all sketches is compared.
            first = run == 0
            with tempfile.NamedTemporaryFile("w") as table:
                took, mib = ours(binary, log, table, "json" if first else "text")
                theirs.send((log, table.name if first else None))
                seconds, n_groups, n = theirs.recv()
            if not first:
                peers.append(seconds)
                own.append(took)
                size = max(size, mib)
        peer_s, own_s = sorted(peers)[RUNS // 2], sorted(own)[RUNS // 2]
        print(
            f"{log}: {n} requests in {n_groups} groups; DuckDB {peer_s:.2f} s, "
            f"ragstone {own_s:.2f} s, {peer_s / own_s:.2f} × its speed, {size:.0f} MiB"
        )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
