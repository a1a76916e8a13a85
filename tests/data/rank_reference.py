"""Makes rank_reference.json: judgments, a run, and what trec_eval 9.0.8 says of them.

The lists are drawn by the seeded generator below. The values come from pytrec_eval-terrier 0.5.11, which wraps the
C code of trec_eval 9.0.8. Its interpolated precisions are left out, since version 10 counts them otherwise.

    pip install pytrec_eval-terrier==0.5.11
    python3 tests/data/rank_reference.py > tests/data/rank_reference.json
"""

import json
import random

import pytrec_eval

CUTOFFS = "5,10,20"
MEASURES = {
    "num_ret", "num_rel", "num_rel_ret", "map", "Rprec", "bpref", "recip_rank", "infAP", "binG", "G", "ndcg",
    "ndcg_rel", "Rndcg", "set_P", "set_relative_P", "set_recall", "set_map", "set_F", "utility",
    "num_nonrel_judged_ret", f"P.{CUTOFFS}", f"recall.{CUTOFFS}", f"ndcg_cut.{CUTOFFS}", f"map_cut.{CUTOFFS}",
    f"relative_P.{CUTOFFS}", "success.1,5", "Rprec_mult.0.2,1.0,2.0",
}


def draw(rng):
    """Twelve queries; scores from a coarse grid, so that many are equal; some queries without anything relevant."""
    qrels, run = {}, {}
    for number in range(12):
        query = f"q{number:02}"
        names = [f"d{document:03}" for document in rng.sample(range(400), 40)]
        grades = [-1, 0, 0, 1, 2, 3] if number else [-1, 0]
        judged = rng.sample(names, rng.randint(5, 30))
        qrels[query] = {document: rng.choice(grades) for document in judged}
        retrieved = rng.sample(names, rng.randint(1, 30))
        run[query] = {document: rng.randint(0, 20) / 4 for document in retrieved}
    return qrels, run


def main():
    qrels, run = draw(random.Random(7))
    values = {}
    for level in (1, 2):
        evaluator = pytrec_eval.RelevanceEvaluator(qrels, MEASURES, relevance_level=level)
        found = evaluator.evaluate(run)
        values[level] = {query: dict(sorted(found[query].items())) for query in sorted(found)}
    print(json.dumps({"qrels": qrels, "run": run, "values": values}, indent=1))


main()
