"""`ragstone rank` beside pytrec_eval, and trec_eval where its binary is named. Needs pytrec-eval-terrier.

Two drawn runs of about 42 MB, 1,000 queries with 1,000 documents and 10,000 with 100; seven measures of each
query, end to end: from the start of the process to the last line of output. By turns, medians of seven, two
processors. pytrec_eval wraps the C code of trec_eval 9.0.8; its script reads both files with `str.split` into
dictionaries, as its documentation does, and its own import is part of the time, as is the start of every process.
Scores are compared as 32-bit numbers, as version 9 does, and the printed values must agree.

Run: cargo build --release, and
  python3 benches/peers/rank.py target/release/ragstone [trec_eval]
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 7
MEASURES = ["map", "P.10", "recall.100", "ndcg_cut.10", "recip_rank", "bpref", "Rprec"]

PYTREC_EVAL = """
import sys
import pytrec_eval

with open(sys.argv[1]) as file:
    qrels = pytrec_eval.parse_qrel(file)
with open(sys.argv[2]) as file:
    run = pytrec_eval.parse_run(file)
found = pytrec_eval.RelevanceEvaluator(qrels, set(sys.argv[3:])).evaluate(run)
lines = []
for query in sorted(found):
    lines += [f"{name:<22}\\t{query}\\t{value:.4f}\\n" for name, value in found[query].items()]
sys.stdout.write("".join(lines))
"""


def draw(folder, n_queries, n_documents, n_judged):
    rng = random.Random(7)
    names = [os.path.join(folder, f"{n_queries}.{kind}") for kind in ("qrels", "run")]
    with open(names[0], "w") as qrels, open(names[1], "w") as run:
        for query in range(1, n_queries + 1):
            documents = rng.sample(range(10_000_000), n_documents)
            score = 20.0
            for rank, document in enumerate(documents, 1):
                score -= rng.random() * 0.01
                run.write(f"{query} Q0 doc_{document:08d} {rank} {score:.6f} run_alpha\n")
            missed = rng.sample(range(10_000_000, 20_000_000), n_judged // 2)
            for document in rng.sample(documents, n_judged // 2) + missed:
                qrels.write(f"{query} 0 doc_{document:08d} {rng.choice([0, 0, 0, 1, 1, 2, 3])}\n")
    return names


def timed(command):
    start = time.perf_counter()
    output = subprocess.run(command, check=True, capture_output=True).stdout
    return time.perf_counter() - start, output


def peak_mib(command):
    """Peak resident size of one process, from a child of its own."""
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    found = subprocess.run([sys.executable, "-c", script, *command], check=True, capture_output=True)
    return int(found.stdout) / 1024


def values(output):
    rows = (line.split() for line in output.decode().splitlines())
    return {(name, query): value for name, query, value in rows if query != "all"}


def main():
    ragstone = sys.argv[1]
    print(f"{len(os.sched_getaffinity(0))} processors")
    with tempfile.TemporaryDirectory() as folder:
        for n_queries, n_documents, n_judged in ((1000, 1000, 100), (10_000, 100, 20)):
            qrels, run = draw(folder, n_queries, n_documents, n_judged)
            asked = [argument for measure in MEASURES for argument in ("-m", measure)]
            commands = {
                "ragstone": [ragstone, "rank", qrels, run, "-q", "--f32", *asked],
                "pytrec_eval": [sys.executable, "-c", PYTREC_EVAL, qrels, run, *MEASURES],
            }
            if len(sys.argv) > 2:
                commands["trec_eval"] = [sys.argv[2], "-q", *asked, qrels, run]
            times = {name: [] for name in commands}
            outputs = {}
            for _ in range(RUNS):
                for name, command in commands.items():
                    seconds, outputs[name] = timed(command)
                    times[name].append(seconds)
            ours = values(outputs["ragstone"])
            for name in commands:
                assert values(outputs[name]) == ours, f"{name} disagrees"
            medians = {name: statistics.median(found) for name, found in times.items()}
            megabytes = os.path.getsize(run) / 1e6
            print(f"{n_queries} x {n_documents}, {megabytes:.1f} MB, {len(ours)} values agree")
            for name, median in medians.items():
                ratio = median / medians["ragstone"]
                print(f"  {name:<12} {median:.3f} s  {ratio:5.1f} x  {peak_mib(commands[name]):.0f} MiB")


main()
