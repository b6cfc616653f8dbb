/**
 * What a network can do to an envelope: other bytes in place of those that were sent.
 *
 * Spec: docs/spec/03-envelopes.md; docs/spec/21-conformance.md §21.3.
 * Needs no key. What needs one is Malice.ts.
 */
import { Bytes } from "@tacit/core/hazmat"
import * as Bytecode from "./Bytecode.ts"

/** An altered envelope: what was done to it, and whether all that changed is where it goes. */
export interface Tampered {
  readonly bytes: Uint8Array
  readonly what: string
}

type Operands = readonly [number, number, number]

const flipped = (bytes: Uint8Array, at: number, bit: number): Uint8Array => {
  const out = bytes.slice()
  out[at]! ^= 1 << (bit & 7)
  return out
}

/** Lengths of what a session message consists of, in suite 1. */
const parts = [
  ["session tag", 16],
  ["header nonce", 12],
  ["encrypted header", 56]
] as const

/** Named ranges of an envelope, as far as they can be told from outside. */
export const fields = (
  bytes: Uint8Array
): ReadonlyArray<{ readonly name: string; readonly from: number; readonly to: number }> => {
  const parsed = Bytecode.envelope(bytes)
  if (parsed === undefined) return [{ name: "bytes", from: 0, to: bytes.length }]
  const { body, kind, to } = parsed
  const outer = [
    { name: "head", from: 0, to: 1 },
    { name: "version", from: 1, to: 2 },
    { name: "kind", from: 2, to: 3 },
    { name: "to", from: to.content, to: to.end },
    { name: "body length", from: body.start, to: body.content }
  ]
  if (kind === 2) {
    let at = body.content
    for (const [name, length] of parts) outer.push({ name, from: at, to: (at += length) })
    if (at < body.end) outer.push({ name: "ciphertext", from: at, to: body.end })
    return outer.filter((field) => field.to <= bytes.length)
  }
  const inner = Bytecode.items(bytes.subarray(body.content, body.end))
  const names = ["start", "suite", "ephemeral", "box"]
  inner?.forEach(({ end, start, content, type }, i) => {
    const from = type === "bytes" ? content : start
    outer.push({
      name: names[i] ?? "body",
      from: body.content + from,
      to: body.content + (type === "list" ? start + 1 : end)
    })
  })
  return inner === undefined ? [...outer, { name: "body", from: body.content, to: body.end }] : outer
}

const lowOrder = new Uint8Array(32)

/** The ways of tampering that change one envelope. `other` is a second one, `own` public keys one could put in. */
export const ways: {
  readonly [name: string]: (
    bytes: Uint8Array,
    operands: Operands,
    other: Uint8Array,
    own: ReadonlyArray<Uint8Array>
  ) => Tampered | undefined
} = {
  truncate: (bytes, [n]) => {
    const cut = 1 + (n % (bytes.length - 1))
    return { bytes: bytes.slice(0, bytes.length - cut), what: `cut by ${cut} bytes` }
  },
  extend: (bytes, [n, fill]) => ({
    bytes: Bytes.concat(bytes, new Uint8Array(1 + (n % 40)).fill(fill)),
    what: `followed by ${1 + (n % 40)} bytes`
  }),
  flip: (bytes, [field, at, bit]) => {
    const all = fields(bytes)
    const { from, name, to } = all[field % all.length]!
    return { bytes: flipped(bytes, from + (at % (to - from)), bit), what: `with a bit of its ${name} changed` }
  },
  splice: (bytes, [mode], other) => {
    const a = Bytecode.envelope(bytes)
    const b = Bytecode.envelope(other)
    if (a === undefined || b === undefined) return undefined
    // The head of one ratchet message with the ciphertext of another, or a whole body behind another address.
    const cut = mode % 2 === 0 && a.kind === 2 && b.kind === 2 ? 84 : 0
    const body = Bytes.concat(
      bytes.subarray(a.body.content, a.body.content + cut),
      other.subarray(b.body.content + cut, b.body.end)
    )
    const head =
      body.length < 256 ? Uint8Array.of(0xc4, body.length) : Uint8Array.of(0xc5, body.length >> 8, body.length & 255)
    return { bytes: Bytes.concat(bytes.subarray(0, a.body.start), head, body), what: "put together from two" }
  },
  reencode: (bytes, [item]) => {
    const parsed = Bytecode.envelope(bytes)
    if (parsed === undefined) return undefined
    const { body } = parsed
    const inner = parsed.kind === 1 ? (Bytecode.items(bytes.subarray(body.content, body.end)) ?? []) : []
    const choice = item % (parsed.all.length + inner.length)
    if (choice < parsed.all.length) {
      const longer = Bytecode.longer(bytes, parsed.all[choice]!)
      return longer === undefined ? undefined : { bytes: longer, what: "written in another form" }
    }
    const longer = Bytecode.longer(bytes.subarray(body.content, body.end), inner[choice - parsed.all.length]!)
    if (longer === undefined || longer.length > 65_535) return undefined
    const head = Uint8Array.of(0xc5, longer.length >> 8, longer.length & 255)
    return { bytes: Bytes.concat(bytes.subarray(0, body.start), head, longer), what: "with a start in another form" }
  },
  field: (bytes, [mode]) => {
    const parsed = Bytecode.envelope(bytes)
    if (parsed === undefined) return undefined
    const { body, to } = parsed
    const cut = [
      () => Bytes.concat(Uint8Array.of(0x93), bytes.subarray(1, body.start)),
      () => Bytes.concat(Uint8Array.of(0x93), bytes.subarray(1, to.start), bytes.subarray(to.end)),
      () => Bytes.concat(Uint8Array.of(0x95), bytes.subarray(1), Uint8Array.of(0)),
      () => Bytes.concat(Uint8Array.of(0x95), bytes.subarray(1), Uint8Array.of(0x80)),
      () => Bytes.concat(Uint8Array.of(0x95), bytes.subarray(1, 3), Uint8Array.of(0), bytes.subarray(3))
    ]
    return { bytes: cut[mode % cut.length]!(), what: "with a field more or less" }
  },
  version: (bytes, [mode, value]) => {
    const out = bytes.slice()
    const at = 1 + (mode % 2)
    const before = out[at]!
    out[at] = value % 128
    if (out[at] === before) out[at] = (before + 1) % 128
    return { bytes: out, what: at === 1 ? "of another version" : "of another kind" }
  },
  suite: (bytes, [value]) => {
    const parsed = Bytecode.envelope(bytes)
    if (parsed?.kind !== 1) return undefined
    const out = bytes.slice()
    const at = parsed.body.content + 1
    const before = out[at]!
    out[at] = value % 5
    if (out[at] === before) out[at] = (before + 1) % 5
    return { bytes: out, what: "of another suite" }
  },
  key: (bytes, [which, bit], _other, own) => {
    const parsed = Bytecode.envelope(bytes)
    if (parsed?.kind !== 1) return undefined
    const at = parsed.body.content + 4
    const keys = [lowOrder, Uint8Array.of(1, ...lowOrder.subarray(1)), ...own]
    const choice = which % (keys.length + 1)
    const out = bytes.slice()
    // The top bit is no part of an X25519 key, yet part of what is authenticated.
    if (choice === keys.length) out[at + 31]! ^= 0x80
    else out.set(keys[choice]!, at)
    if (Bytes.equal(out, bytes)) out[at]! ^= 1 << (bit & 7)
    return { bytes: out, what: "with another public key" }
  }
}

/** The same envelope for another mailbox. */
export const readdressed = (bytes: Uint8Array, mailbox: Uint8Array): Tampered | undefined => {
  const parsed = Bytecode.envelope(bytes)
  if (parsed === undefined) return undefined
  const out = bytes.slice()
  out.set(mailbox, parsed.to.content)
  return { bytes: out, what: "with another mailbox" }
}

/** A signed structure with one bit changed, in a part that a signature covers. `paths` are the parts. */
export const unsigned = (
  bytes: Uint8Array,
  paths: ReadonlyArray<string>,
  [which, at, bit]: Operands
): Uint8Array | undefined => {
  const parts = Bytecode.items(bytes)?.filter(({ path, type }) => type === "bytes" && paths.includes(path))
  const part = parts?.[which % Math.max(1, parts.length)]
  return part === undefined ? undefined : flipped(bytes, part.content + (at % (part.end - part.content)), bit)
}
