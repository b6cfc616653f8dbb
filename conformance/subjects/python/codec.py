"""The canonical encoding and its layouts: what the adapter puts under test.

Spec: docs/spec/02-encoding.md.
"""

class Refusal(Exception):
    """Bad input, with a reason of section 2.6. Nothing else may become a reject."""

# Section 2: first byte -> kind, width of the length behind it, value in it, least value of this form.
FORMS = {0xc4: ("bytes", 1, 0), 0xc5: ("bytes", 2, 1 << 8), 0xc6: ("bytes", 4, 1 << 16), 0xcc: ("uint", 1, 1 << 7),
         0xcd: ("uint", 2, 1 << 8), 0xce: ("uint", 4, 1 << 16), 0xcf: ("uint", 8, 1 << 32), 0xd9: ("text", 1, 1 << 5),
         0xda: ("text", 2, 1 << 8), 0xdb: ("text", 4, 1 << 16), 0xdc: ("array", 2, 1 << 4), 0xdd: ("array", 4, 1 << 16),
         0xde: ("map", 2, 1 << 4), 0xdf: ("map", 4, 1 << 16)}
MAX = 2**53 - 1
def form(b):
    if b < 0x80: return "uint", 0, 0, b
    if b < 0x90: return "map", 0, 0, b & 15
    if b < 0xa0: return "array", 0, 0, b & 15
    if b < 0xc0: return "text", 0, 0, b & 31
    return (*FORMS[b], 0) if b in FORMS else (None, 0, 0, 0)
def need(good, reason):
    if not good: raise Refusal(reason)

class Decoder:
    def __init__(self, data): self.data, self.at = data, 0
    def head(self, want=None):
        need(self.at < len(self.data), "truncated")
        kind, width, least, value = form(self.data[self.at])
        need(kind and want in (None, kind), "type")
        need(self.at + 1 + width <= len(self.data), "truncated")
        if width: value = int.from_bytes(self.data[self.at + 1:self.at + 1 + width], "big")
        need(value >= least, "noncanonical")
        self.at += 1 + width
        return kind, value
    def uint(self, least=0, most=MAX):
        value = self.head("uint")[1]
        need(least <= value <= min(most, MAX), "value")
        return value
    def content(self, n, text=False):
        need(n <= len(self.data) - self.at, "truncated")
        raw, self.at = self.data[self.at:self.at + n], self.at + n
        if not text: return raw.hex()
        try: return raw.decode("utf-8")
        except UnicodeDecodeError: raise Refusal("utf8") from None
    def nest(self, values, depth):
        need(depth <= 8, "depth")
        need(values <= len(self.data) - self.at, "truncated")
    def keys(self, n):
        last = -1
        for _ in range(n):
            key = self.uint()
            need(key != last, "duplicate-key")
            need(key > last, "key-order")
            last = key
            yield key
    def any(self, depth=1):
        kind, n = self.head()
        if kind == "uint": need(n <= MAX, "value"); return n
        if kind == "bytes": return self.content(n)
        if kind == "text": return {"text": self.content(n, True)}
        need(n <= 4096, "count")
        self.nest(n if kind == "array" else 2 * n, depth)
        if kind == "array": return [self.any(depth + 1) for _ in range(n)]
        return {"map": [[key, self.any(depth + 1)] for key in self.keys(n)]}
    def layout(self, l, depth=1):
        kind = l["kind"]
        if kind == "uint": return self.uint(l["min"], l["max"])
        if kind == "literal": return self.uint(l["value"], l["value"])
        if kind in ("bytes", "text"):
            n = self.head(kind)[1]
            need(l["min"] <= n <= l["max"], "size")
            return self.content(n, kind == "text")
        if kind == "extensions": return self.extensions(l, depth)
        n, start = self.head("array")[1], None
        if kind in ("list", "optional"):
            need(l.get("min", 0) <= n <= l.get("max", 1), "count")
            self.nest(n, depth)
            return [self.layout(l["item"], depth + 1) for _ in range(n)]
        if kind == "oneOf":  # the literal is read before the number of items is compared
            need(1 <= n <= 4096, "count")
            self.nest(n, depth)
            start, tag = self.at, self.uint()
            l = next((c["node"] for c in l["cases"] if c["value"] == tag), None)
            need(l, "value")
        need(n == len(l["fields"]), "count")
        if start is None: self.nest(n, depth)
        else: self.at = start
        return {f["name"]: self.layout(f["node"], depth + 1) for f in l["fields"]}
    def extensions(self, l, depth):
        n, known, out = self.head("map")[1], {k["key"]: k for k in l["known"]}, {"unknown": []}
        need(n <= 64, "count")
        self.nest(2 * n, depth)
        for key in self.keys(n):
            if key in known: out[known[key]["name"]] = self.layout(known[key]["node"], depth + 1); continue
            need(key % 2, "unknown-critical")
            start = self.at
            self.any(depth + 1)
            need(self.at - start <= 4096, "size")
            out["unknown"].append({"key": key, "value": self.data[start:self.at].hex()})
        return out
def width(n, fixed): return 1 if n < fixed else 2 if n < 1 << 8 else 3 if n < 1 << 16 else 5
def longest(l):
    """The longest encoding a layout allows [codec.bound.3]."""
    kind = l["kind"]
    if kind in ("uint", "literal"): return len(canon(min(l.get("max", l.get("value")), MAX)))
    if kind in ("bytes", "text"): return width(l["max"], 32 if kind == "text" else 0) + l["max"]
    if kind in ("list", "optional"): return (3 if l.get("max", 1) > 15 else 1) + l.get("max", 1) * longest(l["item"])
    if kind == "tuple": return (3 if len(l["fields"]) > 15 else 1) + sum(longest(f["node"]) for f in l["fields"])
    if kind == "oneOf": return max(longest(c["node"]) for c in l["cases"])
    return 3 + sum(9 + longest(k["node"]) for k in l["known"]) + (64 - len(l["known"])) * 4105
def decode(data, limit, read):
    need(len(data) <= limit, "size")
    decoder = Decoder(data)
    value = read(decoder)
    need(decoder.at == len(data), "trailing")
    return value
def canon(value):
    """The encoding of integers, bytes, texts, lists and dicts."""
    if isinstance(value, int):
        return head(value, [(128, 0, 0), (1 << 8, 0xcc, 1), (1 << 16, 0xcd, 2), (1 << 32, 0xce, 4), (1 << 53, 0xcf, 8)])
    if isinstance(value, bytes): return head(len(value), [(1 << 8, 0xc4, 1), (1 << 16, 0xc5, 2), (1 << 32, 0xc6, 4)]) + value
    if isinstance(value, str):
        raw = value.encode()
        return head(len(raw), [(32, 0xa0, 0), (1 << 8, 0xd9, 1), (1 << 16, 0xda, 2), (1 << 32, 0xdb, 4)]) + raw
    if isinstance(value, list): return head(len(value), [(16, 0x90, 0), (4097, 0xdc, 2)]) + b"".join(map(canon, value))
    entries = (canon(part) for entry in sorted(value.items()) for part in entry)
    return head(len(value), [(16, 0x80, 0), (4097, 0xde, 2)]) + b"".join(entries)
def head(n, forms):
    first, size = next((first, size) for below, first, size in forms if n < below)
    return bytes([first]) + n.to_bytes(size, "big") if size else bytes([first | n])
