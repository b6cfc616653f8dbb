/**
 * What the primitive files share: the family, and cases whose operation is a trace operation.
 *
 * Spec: docs/spec/01-suites.md.
 */
import { hex, unhex, utf8 } from "../bytes.ts"
import { FileBuilder, seed, type Family } from "../family.ts"
import type { JsonObject } from "../model.ts"
import { operations } from "../operations.ts"
import { coin, compute, type Inputs } from "../ops.ts"
import { resolve } from "../trace.ts"

/** F01. */
export const family: Family = {
  id: "F01",
  name: "primitives",
  document: "docs/spec/01-suites.md",
  level: 1,
  operations: Object.fromEntries(
    Object.entries(operations).filter(([op]) => /^(?:sha|hmac|hkdf|x25519|ed25519|ml-kem|aead|aes)/.test(op))
  ),
  notes: {
    KnownAnswer: { kind: "PUBLISHED", text: "Copied from the standard that the title names.", refs: [] },
    SmallOrder: {
      kind: "KEY_CONTROL",
      text: "The peer's point has an order that divides the cofactor, so the result does not depend on our secret.",
      refs: ["RFC 7748 §6.1"]
    },
    NonCanonical: {
      kind: "MALLEABILITY",
      text: "A field element at or above the prime, or a negative zero: a second encoding of a point.",
      refs: ["RFC 8032 §5.1.3"]
    },
    LargeS: { kind: "MALLEABILITY", text: "S is not below the order of the base point.", refs: ["RFC 8032 §5.1.7"] },
    Cofactor: {
      kind: "DISAGREEMENT",
      text: "Verifiers that multiply by the cofactor and those that do not answer differently. The cofactorless equation decides.",
      refs: ["docs/spec/01-suites.md §1.4"]
    },
    Solved: {
      kind: "AUTH_BYPASS",
      text: "The equation holds: only a look at the points themselves refuses it.",
      refs: ["docs/spec/01-suites.md §1.4"]
    },
    Modified: { kind: "AUTH_BYPASS", text: "One bit or one length differs from a genuine value.", refs: [] },
    ImplicitRejection: {
      kind: "ORACLE",
      text: "A wrong ciphertext gives a secret that agrees with nobody, never an error.",
      refs: ["FIPS 203 §6.3"]
    },
    Modulus: {
      kind: "KEY_CHECK",
      text: "A coefficient of the encapsulation key is at or above q = 3329.",
      refs: ["FIPS 203 §7.2"]
    },
    Padding: {
      kind: "ORACLE",
      text: "Authentic, but the padding inside is wrong. Must look like any other failure.",
      refs: []
    }
  }
}

/** Adds cases to one primitive file. */
export class PrimitiveFile extends FileBuilder {
  constructor(topic: string) {
    super(family, topic)
  }

  /** A case whose output the generator computes. */
  computed(
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    op: string,
    input: JsonObject,
    flags: ReadonlyArray<string> = []
  ): void {
    const out = compute(seed, op, resolve(input, noReferences) as Inputs)
    if (out === undefined) throw new Error(`${id}: refused`)
    this.valid({ id, title, clauses, flags }, op, input, { out: hex(out) })
  }

  /** A published answer: what is computed must equal it. */
  known(
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    op: string,
    input: JsonObject,
    expected: string
  ): void {
    this.computed(id, title, clauses, op, input, ["KnownAnswer"])
    const out = this.case(id).out!["out"]
    if (out !== expected) throw new Error(`${id}: computed ${JSON.stringify(out)}, published ${expected}`)
  }

  /** A refused call; checks that the generator's own primitive refuses it as well. */
  refusedCall(
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    flags: ReadonlyArray<string>,
    twin: string,
    delta: Parameters<FileBuilder["invalid"]>[2],
    cause: string,
    critical = true
  ): void {
    const item = this.invalid({ id, title, clauses, flags, critical }, twin, delta, cause)
    if (compute(seed, item.op!, resolve(item.in, noReferences) as Inputs) !== undefined)
      throw new Error(`${id}: not refused`)
  }
}

const noReferences = (name: string): Uint8Array => {
  throw new Error(`primitive cases have no reference ${name}`)
}

/** A coin of the primitive family as hex: values nobody chose. */
export const random = (label: string, index: number, length: number): string =>
  hex(coin(seed, "primitives", label, index, length))

/** `length` bytes 00 01 02 …: easy to recognise in a dump. */
export const counting = (length: number): string => hex(Uint8Array.from({ length }, (_, i) => i & 0xff))

export const ascii = (text: string): string => hex(utf8(text))

/** XOR of two hex strings of one length. */
export const flip = (value: string, offset: number, mask: number): string => {
  const bytes = unhex(value)
  bytes[offset] = bytes[offset]! ^ mask
  return hex(bytes)
}
