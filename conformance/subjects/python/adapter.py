#!/usr/bin/env python3
"""A subject to begin from: the families labels and encoding, on the standard library.
Replace the functions by calls into your library, then add operations and families.

Spec: docs/spec/20-subject.md. Try it: tacit-conformance run --subject "python3 adapter.py"
"""
import hashlib, hmac, json, sys

from codec import Decoder, Refusal, canon, decode, longest

# Section 1: hashes and labels.
def sha256(data): return hashlib.sha256(data).digest()
def mac(key, data): return hmac.new(key, data, hashlib.sha256).digest()
def label(purpose, *parts): return b"tacit/1 " + purpose.encode() + b"\0" + b"".join(parts)
def hkdf(salt, ikm, info, length):
    prk, out, block = mac(salt, ikm), b"", b""
    while len(out) < length:
        block = mac(prk, block + info + bytes([len(out) // 32 + 1]))
        out += block
    return out[:length]

# Section 20: what is asked. Bytes arrive as hexadecimal text; `b` reads a member.
def suite(i): return bytes([i["suite"]])
def cut(data, *names): return {name: data[32 * n:32 * n + 32].hex() for n, name in enumerate(names)}
def transcript(i, b):
    names = """suite initiatorAccount responderAccount initiatorDevice responderDevice initiatorAgreement
        responderAgreement ephemeral signedPrekeyId signedPrekey oneTimePrekeyId oneTimePrekey kemPrekeyId
        kemPrekey kemCiphertext""".split()
    ad = sha256(label("session transcript", canon([i[n] if isinstance(i[n], int) else b(n) for n in names])))
    return {"ad": ad.hex(), "sessionId": ad[:16].hex()}
def message_key(i, b):
    key = 64 if i["suite"] == 3 else 32
    out = hkdf(b("nonce"), b("messageKey"), label("message key", suite(i)), key + (16 if key == 64 else 12))
    return {"key": out[:key].hex(), "nonce": out[key:].hex()}
def header_key(i, b):
    key = b("headerKey")
    return {"key": (hkdf(bytes(32), key, label("header key", b"\3"), 64) if i["suite"] == 3 else key).hex()}
def pqxdh(i, b):
    secrets = [b(name) for name in ("dh1", "dh2", "dh3", "dh4", "encapsulated") if name in i]
    out = hkdf(bytes(32), b"\xff" * 32 + b"".join(secrets), label("pqxdh", suite(i)), 96)
    return cut(out, "rootKey", "initiatorHeader", "responderHeader")
class Bulk:
    """The long run of vectors/README.md: one stream of random bytes in, one digest out."""
    def __init__(self, seed): self.seed, self.block, self.rest, self.digest = seed, 0, b"", bytes(32)
    def take(self, n):
        while len(self.rest) < n:
            self.rest += sha256(self.seed + self.block.to_bytes(8, "big"))
            self.block += 1
        out, self.rest = self.rest[:n], self.rest[n:]
        return out
    def number(self, m): return int.from_bytes(self.take(4), "big") % m
    def absorb(self, data): self.digest = sha256(self.digest + data)
    def char(self):
        base, most = ((0x20, 95), (0x80, 0x780), (0x800, 0xd000), (0x10000, 0x100000))[self.number(4)]
        return chr(base + self.number(most))
    def value(self, depth=0):
        kind = self.number(3 if depth == 6 else 5)
        if kind == 0:
            bits = self.number(54)
            return int.from_bytes(self.take(8), "big") % 2 ** bits
        if kind == 1: return self.take(self.number(40 if self.number(3) else 300))
        if kind == 2: return "".join(self.char() for _ in range(self.number(40)))
        n, key, out = self.number(5 if depth else 20), -1, {}
        if kind == 3: return [self.value(depth + 1) for _ in range(n)]
        for _ in range(n):
            key += 1 + self.number(300)
            out[key] = self.value(depth + 1)
        return out
    def change(self, data):
        how, n = self.number(4), len(data)
        at = self.number((8 * n, n, n + 1, n)[how])
        if how == 0: return data[:at // 8] + bytes([data[at // 8] ^ 1 << at % 8]) + data[at // 8 + 1:]
        return data[:at] if how == 1 else data[:at] + self.take(1) + data[at + how - 2:]
def bulk_encoding(i, b):
    bulk = Bulk(b("seed"))
    for _ in range(i["count"]):
        encoded = canon(bulk.value())
        bulk.absorb(encoded)
        try:
            decode(bulk.change(encoded), 131072, Decoder.any)
            bulk.absorb(b"ok")
        except Refusal as refusal: bulk.absorb(str(refusal).encode())
    return {"digest": bulk.digest.hex()}
OPS = {
    "bulk.encoding": bulk_encoding,
    "canon.decode": lambda i, b: {"value": decode(b("bytes"), 131072, Decoder.any)},
    "layout.decode": lambda i, b: {"value": decode(b("bytes"), longest(i["layout"]), lambda d: d.layout(i["layout"]))},
    "label": lambda i, b: {"out": label(i["purpose"], *map(bytes.fromhex, i["parts"])).hex()},
    "kdf.session-tag": lambda i, b: {"tag": mac(b("headerKey"), label("session tag"))[:16].hex()},
    "kdf.root-step": lambda i, b: cut(hkdf(b("rootKey"), b("agreed"), label("root step"), 96), "rootKey", "chainKey", "headerKey"),
    "kdf.chain-step": lambda i, b: {"messageKey": mac(b("chainKey"), b"\1").hex(),
                                    "chainKey": mac(b("chainKey"), b"\2").hex()},
    "kdf.message-key": message_key, "kdf.transcript": transcript,
    "kdf.header-key": header_key, "kdf.pqxdh": pqxdh,
    "kdf.direct-conversation": lambda i, b: {"id": sha256(label("direct conversation", *sorted((b("a"), b("b")))))[:16].hex()},
    "kdf.envelope-digest": lambda i, b: {"digest": sha256(label("envelope digest", b("body")))[:16].hex()},
    "kdf.manifest-hash": lambda i, b: {"hash": sha256(label("manifest hash", b("body"))).hex()},
    "kdf.session-start": lambda i, b: {"digest": sha256(label("session start id", *map(
        b, ("account", "device", "ephemeral", "kemCiphertext"))))[:16].hex()},
    "hello": lambda i, b: {"name": "tacit-python-template", "version": "0.1.0", "language": "Python", "speaks": 1,
                           "source": "conformance/subjects/python",
                           "features": {"families": {"labels": 1, "encoding": 1}}},
    "reset": lambda i, b: {}, "bye": lambda i, b: {},
}
def answer(request):
    operation, given = OPS.get(request["op"]), request["in"]
    if operation is None: return {"unsupported": {"feature": request["op"]}}
    try: return {"ok": operation(given, lambda name: bytes.fromhex(given[name]))}
    except Refusal as refusal:
        stage = "limit" if str(refusal) in ("size", "count", "depth") else "decode"
        return {"reject": {"stage": stage, "class": f"codec.{refusal}"}}
    except Exception as error: return {"fault": {"message": repr(error)}}  # never a reject

if __name__ == "__main__":
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps({"id": request["id"], **answer(request)}), flush=True)
        if request["op"] == "bye": break
