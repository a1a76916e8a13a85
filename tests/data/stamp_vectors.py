"""Makes tests/data/stamp-vectors.json: small indexes and what their stamps must hold.

A second implementation of docs/stamp-format.md, written from that note and not from the program, in
plain Python with the `blake3` package (1.0.11) and nothing else:

    python tests/data/stamp_vectors.py > tests/data/stamp-vectors.json

`tests/it/stamp_vectors.rs` stamps the same rows with the program and compares everything.
"""

import base64
import json
import math
import struct
import unicodedata
from decimal import Decimal

from blake3 import blake3

DEPTH = 12
FLOATS = 16
ABSENT = b"\xff\xff\xff\xff"
SETTINGS = ["METRIC", "INDEX_PARAMS", "RANKING", "ANALYZER", "DIM", "SCHEMA_REV", "MODEL_TAG",
            "CHUNKER", "RERANKER"]


def h(data):
    return blake3(data).digest()


def derive(context, data):
    return blake3(data, derive_key_context=context).digest()


def shown(digest):
    return "b3:" + digest.hex()


# RFC 8785.

def number(x):
    """ECMAScript's Number::toString, whose digits are the shortest that read back as the same double."""
    if x == 0:
        return "0"
    if x < 0:
        return "-" + number(-x)
    _, digits, exponent = Decimal(repr(x)).as_tuple()
    digits = "".join(map(str, digits))
    stripped = digits.rstrip("0")
    exponent += len(digits) - len(stripped)
    digits, k = stripped, len(stripped)
    n = k + exponent  # The value is 0.digits times ten to the n.
    if k <= n <= 21:
        return digits + "0" * (n - k)
    if 0 < n <= 21:
        return digits[:n] + "." + digits[n:]
    if -6 < n <= 0:
        return "0." + "0" * -n + digits
    sign = "+" if n > 0 else "-"
    mantissa = digits if k == 1 else digits[0] + "." + digits[1:]
    return f"{mantissa}e{sign}{abs(n - 1)}"


def text(s):
    short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}
    plain = lambda c: short.get(ord(c)) or (f"\\u{ord(c):04x}" if ord(c) < 32 else c)
    return '"' + "".join(map(plain, s)) + '"'


def canonical(value):
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (int, float)):
        return number(float(value))
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return "{" + ",".join(text(key) + ":" + canonical(value[key]) for key in keys) + "}"


# Numbers.

def f32(x):
    """The nearest f32; the sum or product of two f32 is rounded only once by it."""
    try:
        return struct.unpack("<f", struct.pack("<f", x))[0]
    except OverflowError:
        return math.copysign(math.inf, x)


def signs(seed, dim):
    bits = blake3(struct.pack("<Q", seed), derive_key_context="ragstone 2026 vector sketch v1")
    return struct.unpack(f"<{dim}H", bits.digest(length=2 * dim))


def projection(vector, seed):
    words = signs(seed, len(vector))
    sums = [[0.0] * FLOATS for _ in range(4)]
    full = len(vector) // 4 * 4
    for i, x in enumerate(vector):
        chain = i % 4 if i < full else 0
        for j in range(FLOATS):
            term = f32(x * (-0.25 if words[i] >> j & 1 else 0.25))
            sums[chain][j] = f32(sums[chain][j] + term)
    totals = [f32(f32(a + b) + f32(c + d)) for a, b, c, d in zip(*sums)]
    return [math.nan if math.isnan(x) else x for x in totals]  # Of all NaN, 0x7fc00000.


def norm(vector):
    if all(x == 0 for x in vector):
        return 0.0
    lanes = [0.0] * FLOATS
    full = len(vector) // FLOATS * FLOATS
    for i, x in enumerate(vector[:full]):
        lanes[i % FLOATS] = f32(lanes[i % FLOATS] + f32(x * x))
    squares = sum(lanes) + sum(x * x for x in vector[full:])
    if math.isfinite(squares) and squares > 1e-20:
        return math.sqrt(squares)
    if any(map(math.isnan, vector)):
        return math.nan
    if any(map(math.isinf, vector)):
        return math.inf
    return math.sqrt(sum(x * x for x in vector))


def norm_bin(length):
    """By exact powers: the largest b with 2^((b - 1/2)/8) <= length, near an edge by decimals."""
    guess = round(8 * math.log2(length))
    edge = lambda b: Decimal(2) ** (Decimal(2 * b - 1) / 16)
    while edge(guess) > Decimal(length):
        guess -= 1
    while edge(guess + 1) <= Decimal(length):
        guess += 1
    return guess


# Rows and trees.

class Row:
    def __init__(self, given, seed):
        self.id, self.given = given["id"], given
        body = (given["text"] or "")
        self.text = h(body.encode())
        self.nfc = h(unicodedata.normalize("NFC", body).encode())
        metadata = json.loads(given["metadata"] or "{}", parse_int=float) or {}
        self.metadata = h(canonical(metadata).encode())
        self.keys = {key: h(canonical(metadata[key]).encode())[:8]
                     for key in sorted(metadata, key=str.encode)}
        self.section = "/".join(given["section"]) if given["section"] else None
        self.vector = self.norm = self.sketch = None
        self.dim = 0
        if given["vector"] is not None:
            data = bytes.fromhex(given["vector"])
            self.dim = len(data) // 4
            self.numbers = struct.unpack(f"<{self.dim}f", data)
            self.vector, self.norm = h(data), norm(self.numbers)
            self.sketch = projection(self.numbers, seed)
        self.id_hash = h(self.id.encode())
        self.content_row = derive("ragstone 2026 index row v1",
                                  self.text + self.metadata + self.id.encode())
        self.vector_row = derive("ragstone 2026 vector row v1",
                                 self.id_hash + (self.vector or bytes(32)))
        self.bucket = int.from_bytes(self.id_hash[:2], "big") >> 16 - DEPTH

    def order(self):
        section = (self.section or "").encode()
        length = ABSENT if self.section is None else struct.pack("<I", len(section))
        return (self.id_hash, self.text, self.nfc, self.metadata, self.vector or bytes(32), length,
                section)

    def written(self):
        pick = lambda value, there: value if there else None
        there = self.vector is not None
        return {
            "id": self.id,
            "section": self.section,
            "text": self.text.hex(),
            "text_nfc": pick(self.nfc.hex(), self.nfc != self.text),
            "metadata": self.metadata.hex(),
            "metadata_keys": {key: value.hex() for key, value in self.keys.items()} or None,
            "vector": pick(self.vector and self.vector.hex(), there),
            "dim": pick(self.dim, there),
            "norm": pick(there and float_bits(self.norm), there),
            "projection": pick(there and struct.pack("<16f", *self.sketch).hex(), there),
            "content_row": self.content_row.hex(),
            "vector_row": self.vector_row.hex(),
        }


def float_bits(x):
    return struct.pack("<f", f32(x) if math.isfinite(x) else x).hex()


def buckets(rows, channel):
    found = [[] for _ in range(1 << DEPTH)]
    for row in rows:
        found[row.bucket].append(getattr(row, "content_row" if channel == "index" else "vector_row"))
    return [derive(f"ragstone 2026 {channel} bucket v1", b"".join(sorted(rows))) for rows in found]


def root(level, channel):
    while len(level) > 1:
        level = [derive(f"ragstone 2026 {channel} node v1", left + right)
                 for left, right in zip(level[::2], level[1::2])]
    return level[0]


def config_root(contract):
    settings = {name: contract[name] for name in SETTINGS if name in contract}
    return shown(derive("ragstone 2026 config v1", canonical(settings).encode())) if settings else None


def repeated(values):
    return sum(values.count(value) > 1 for value in values)


def health(rows):
    vectors = [row for row in rows if row.vector is not None]
    dims, norms = {}, {}
    for row in vectors:
        dims[row.dim] = dims.get(row.dim, 0) + 1
    usual = min(dims, key=lambda dim: (-dims[dim], dim)) if dims else None
    sized = [row for row in vectors if math.isfinite(row.norm) and row.norm > 0]
    for row in sized:
        norms[norm_bin(row.norm)] = norms.get(norm_bin(row.norm), 0) + 1
    nan = [row for row in vectors if any(map(math.isnan, row.numbers))]
    infinite = [row for row in vectors if any(map(math.isinf, row.numbers)) and row not in nan]
    ids = [row.id for row in rows]
    texts = [row.given["text"] for row in rows]
    return usual, {
        "rows": len(rows),
        "distinct_ids": len(set(ids)),
        "duplicate_ids": sum(ids.count(id) > 1 for id in set(ids)),
        "absent_texts": texts.count(None),
        "empty_texts": sum(text is not None and not text.strip() for text in texts),
        "absent_vectors": len(rows) - len(vectors),
        "nan_vectors": len(nan),
        "infinite_vectors": len(infinite),
        "zero_vectors": sum(all(x == 0 for x in row.numbers) for row in vectors),
        "wrong_dimension": sum(row.dim != usual for row in vectors),
        "duplicate_vectors": repeated([row.vector for row in vectors]),
        "unnormalised": sum(abs(row.norm - 1) > 2e-3 for row in sized),
        "dimensions": {str(dim): dims[dim] for dim in sorted(dims)},
        "norms": {str(b): norms[b] for b in sorted(norms)},
    }


def stamp(index):
    seed = index["seed"]
    rows = sorted((Row(given, seed) for given in index["rows"]), key=Row.order)
    usual, counted = health(rows)
    content, vectors = buckets(rows, "index"), buckets(rows, "vector")
    any_vector = counted["absent_vectors"] < len(rows)
    vector_root = shown(root(vectors, "vector")) if any_vector else None
    contract = dict(index["claims"], INDEX_HASH=shown(root(content, "index")), COUNT=str(len(rows)))
    if any_vector:
        contract.update(VECTOR_HASH=vector_root, DIM=str(usual))
    has = lambda name: name in index["columns"] and len(rows) > 0
    packed = lambda values: base64.b64encode(b"".join(values)).decode()
    counts = [[row for row in rows if row.bucket == i] for i in range(1 << DEPTH)]
    footer = {
        "ragstone.stamp.content": packed(content),
        "ragstone.stamp.vectors": packed(vectors),
        "ragstone.stamp.rows": packed(struct.pack("<I", len(rows)) for rows in counts),
        "ragstone.stamp.ids": packed(struct.pack("<I", len({row.id for row in rows}))
                                     for rows in counts),
    }
    return {
        "document": {
            "format": 1,
            "contract": contract,
            "claimed": index["claims"],
            "channels": {"content": contract["INDEX_HASH"], "vectors": vector_root,
                         "config": config_root(contract)},
            "covers": {"texts": has("text") and counted["absent_texts"] < len(rows),
                       "metadata": has("metadata"), "vectors": any_vector,
                       "sections": has("section")},
            "left_out": [],
            "health": counted,
            "sketch": {"seed": seed, "floats": FLOATS},
        },
        "footer_digests": {key: shown(h(value.encode())) for key, value in footer.items()},
        "rows": [row.written() for row in rows],
    }


# The indexes.

def floats(*numbers):
    return struct.pack(f"<{len(numbers)}f", *numbers).hex()


def wave(dim, shift):
    """Some numbers that are exact in f32."""
    return floats(*(((i * 37 + shift * 11) % 64 - 31) / 128 for i in range(dim)))


def row(id, text="", metadata=None, section=None, vector=None):
    return {"id": id, "text": text, "metadata": metadata, "section": section, "vector": vector}


ALL = ["id", "text", "metadata", "section", "vector"]
NAN, INF = float("nan"), float("inf")
NUMBERS = ('{"a":1,"b":1.0,"c":-0,"d":-0.0,"e":1e21,"f":1e20,"g":123456789012345678,'
           '"h":0.000001,"i":1e-7,"j":4.50,"k":2e-3,"l":1e23,"m":5e-324,"n":1.7976931348623157e308,'
           '"o":9007199254740993,"p":18446744073709551615,"q":-9223372036854775808,'
           '"r":333333333.33333329,"s":0.1,"t":100,"u":123456789012345678901234567890}')


def indexes():
    plain = [row(f"handbook/s{i}#0", f"Step {i}.", '{"rev":"4"}', ["handbook", f"s{i}"],
                 wave(24, i)) for i in range(40)]
    yield "no rows", ALL, {}, []
    yield "ids only", ["id"], {}, [row("a", None), row("b", None)]
    yield "many rows", ALL, {"METRIC": "cosine", "ANALYZER": "en_stem", "MODEL_TAG": "m-1",
                             "READY": "yes"}, plain
    yield "texts", ["id", "text"], {"CHUNKER": "sätze 3"}, [
        row("é", "caf\u00e9"), row("e\u0301", "cafe\u0301"), row("한", "\u1112\u1161\u11ab"),
        row("angstrom", "\u212b"), row("empty", ""), row("absent", None), row("white", "\u2003\n"),
        row("emoji", "👩\u200d🔬 ok"), row("lines", "one\ntwo\r\n\x00three"), row("", "no id at all")]
    yield "metadata", ["id", "metadata"], {}, [
        row("numbers", None, NUMBERS),
        row("one way", None, '{"b":1,"a":{"d":[1,{"z":null,"y":true}],"c":false}}'),
        row("the other way", None, ' { "a" : {"c":false,"d":[1.0,{"y":true,"z":null}]}, "b" : 1e0 } '),
        row("order of keys", None, '{"\u20ac":1,"\\r":2,"\ufb33":3,"1":4,"\U0001f600":5,"\u0080":6,"\u00f6":7}'),
        row("escapes", None, '{"k":"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\/\\/\\u007f\\u2028\\u00e9\\ud83d\\ude00"}'),
        row("no NFC here", None, '{"k":"e\\u0301"}'), row("null value", None, '{"k":null}'),
        row("empty", None, "{}"), row("absent", None), row("null", None, "null"),
        row("twice the same key", None, '{"k":1,"k":2}')]
    yield "duplicates", ALL, {}, [
        row("a", "x", '{"k":1}', ["d", "s"], floats(1, 0)), row("a", "x", '{"k":1}', ["d", "s"], floats(1, 0)),
        row("a", "x", '{"k":2}', None, floats(1, 0)), row("a", "y", '{"k":1}', ["d", "t"], floats(1, 0)),
        row("a", "x", '{"k":1}', ["d", "longer"], floats(1, 0)), row("a", "x", '{"k":1}', None, floats(1, 0)),
        row("a", "x", '{"k":1}', ["d", "s"], None), row("a", "x", '{"k":1}', ["d", "s"], floats(0, 1)),
        row("b", "x", None, None, floats(0, 1))]
    yield "vectors", ["id", "vector"], {"METRIC": "dot"}, [
        row("unit", None, vector=floats(0.6, 0.8)), row("zero", None, vector=floats(0, 0)),
        row("minus zero", None, vector=floats(-0.0, 0)), row("nan", None, vector=floats(NAN, INF)),
        row("infinite", None, vector=floats(-INF, 1)), row("infinities", None, vector=floats(INF, INF, -INF)),
        row("minus nan", None, vector="0000c0ff0000807f"), row("payload", None, vector="010080ff0000803f"), row("longer", None, vector=floats(1, 2, 3)),
        row("large", None, vector=floats(3e30, 4e30)), row("small", None, vector=floats(3e-30, 4e-30)),
        row("smallest", None, vector=floats(1e-45, 0)), row("absent", None),
        row("f16", None, vector=floats(0.60009765625, 0.7998046875)), row("no numbers", None, vector="")]
    yield "long vectors", ["id", "vector"], {}, [
        row(f"{dim}", None, vector=wave(dim, dim)) for dim in (1, 3, 4, 15, 16, 17, 100, 384)]


def main():
    def described(name, columns, claims, rows):
        seed = 2**64 - 1 if name == "long vectors" else 1
        index = {"name": name, "seed": seed, "columns": columns, "claims": claims, "rows": rows}
        return index | {"expected": stamp(index)}
    made = {
        "about": "Made by tests/data/stamp_vectors.py, an independent implementation of "
                 "docs/stamp-format.md in Python. Vectors are hexadecimal little-endian f32, so is the "
                 "norm; metadata is the text of the column. Rows under expected stand in the order of "
                 "NAME.stamp.parquet. The footer's values are given by BLAKE3 of their base64.",
        "signs": [{"seed": seed, "words": signs(seed, 24)} for seed in (1, 2**64 - 1)],
        "indexes": [described(*index) for index in indexes()],
    }
    print(json.dumps(made, indent=1, ensure_ascii=True))


main()
