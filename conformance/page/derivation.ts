/**
 * The derivation behind the values of a case, as a tree that opens step by step.
 */
import * as Derivation from "../src/audit/Derivation.ts"
import { isHex, isRef, refsIn, resolve, type TraceStep } from "../src/audit/Model.ts"
import { brief, hexView } from "./bytes.ts"
import { fold, h, type Child } from "./dom.ts"

/** What an operation does, in words. */
export const meaning: { readonly [op: string]: string } = {
  coin: "a random value, found by actor, label and index",
  literal: "a given value",
  utf8: "the bytes of a text",
  be: "an integer, big-endian",
  repeat: "bytes, so many times",
  concat: "the parts, one after the other",
  slice: "a part of the bytes",
  xor: "exclusive-or",
  min: "the smaller, bytewise",
  max: "the greater, bytewise",
  label: "the label of one purpose: “tacit/1 ”, the purpose, a zero byte, the parts",
  canon: "the canonical encoding",
  pad: "the content, 0x80, zeros up to the padded length",
  sha256: "SHA-256",
  sha512: "SHA-512",
  decimal: "five decimal digits of every five bytes",
  "iterate-sha256": "SHA-256 of head ‖ result ‖ tail, so many times",
  "hmac-sha256": "HMAC-SHA-256",
  "hmac-iterate": "HMAC-SHA-256, its result the next key, so many times",
  argon2id: "Argon2id, a passphrase stretched",
  "hkdf-extract": "HKDF extract",
  "hkdf-expand": "HKDF expand",
  "hkdf-sha256": "HKDF-SHA-256, extract and expand",
  "x25519-public": "X25519 public key of a secret",
  x25519: "X25519 agreement",
  "x25519-iterate": "X25519, result and key exchanged, so many times",
  elligator2: "the map of RFC 9380 from a field element to a point of curve25519",
  "ed25519-public": "Ed25519 public key of a seed",
  "ed25519-sign": "Ed25519 signature",
  "ed25519-verify": "strict Ed25519 verification",
  "ml-kem-768-public": "ML-KEM-768 public key of a seed",
  "ml-kem-768-check": "ML-KEM-768 key check",
  "ml-kem-768-encaps": "ML-KEM-768 encapsulation: ciphertext, then secret",
  "ml-kem-768-decaps": "ML-KEM-768 decapsulation",
  "aead-seal": "AEAD seal",
  "aead-open": "AEAD open",
  "aes-cbc-encrypt": "AES-256-CBC",
  "aes-cbc-decrypt": "AES-256-CBC, back"
}

/** Inputs in one line: references by name, bytes in short. */
export const inputLine = (step: TraceStep): string =>
  Object.entries(step.in)
    .map(([name, value]) => {
      if (isRef(value)) return `${name} = ${value.slice(1)}`
      if (Array.isArray(value))
        return `${name} = [${value.map((item) => (isRef(item) ? item.slice(1) : brief(item, 8))).join(", ")}]`
      return `${name} = ${name === "text" || name === "actor" || name === "label" || name === "purpose" ? JSON.stringify(value) : brief(value, 12)}`
    })
    .join(", ")

/** One input with its bytes. */
export const inputView = (
  derivation: Derivation.Derivation,
  name: string,
  value: unknown,
  link?: (name: string) => Child
): HTMLElement => {
  const found = ((): unknown => {
    try {
      return resolve(value, derivation.look, name)
    } catch {
      return value
    }
  })()
  const source =
    isRef(value) && found !== value
      ? (link?.(value.slice(1)) ?? h("span", { class: "ref" }, value.slice(1)))
      : undefined
  const plain = name === "actor" || name === "label" || name === "purpose" || name === "text"
  const parts = Array.isArray(value) && name === "parts" ? (value as ReadonlyArray<unknown>) : undefined
  return h(
    "div",
    { class: "input" },
    h("div", { class: "key" }, name, source),
    parts !== undefined
      ? parts.map((part, i) => inputView(derivation, `part ${i}`, part, link))
      : isHex(found) && !plain
        ? hexView(found, [], name)
        : h("code", { class: "hex" }, typeof found === "string" ? JSON.stringify(found) : JSON.stringify(value)),
    // Inside a structure the names stand in its text; here they can be followed.
    parts === undefined && !isRef(value) && link !== undefined
      ? h("div", { class: "names" }, ...refsIn(value, name).map((inner) => link(inner)))
      : undefined
  )
}

const branch = (derivation: Derivation.Derivation, name: string, seen: ReadonlySet<string>): Child => {
  const step = derivation.byId.get(name)
  if (step === undefined) return undefined
  const inner = [...new Set(Derivation.tree(derivation, name, new Set())?.children.map((child) => child.step.id) ?? [])]
  return fold(
    [
      h("span", { class: "ref" }, step.id),
      h("span", { class: "op" }, step.op),
      h("code", { class: "brief" }, brief(step.out, 8))
    ],
    () =>
      h(
        "div",
        { class: "branch" },
        h(
          "p",
          { class: "dim" },
          meaning[step.op] ?? step.op,
          step.clause === undefined ? undefined : [" · rule ", h("a", { href: `#rule/${step.clause}` }, step.clause)]
        ),
        h("div", { class: "key" }, "out"),
        hexView(step.out, [], "out"),
        ...Object.entries(step.in)
          .filter(([, value]) => !isRef(value) && !Array.isArray(value))
          .map(([key, value]) => inputView(derivation, key, value)),
        ...inner.filter((id) => !seen.has(id)).map((id) => branch(derivation, id, new Set([...seen, name])))
      )
  )
}

/** A tree for every value that a case uses itself. */
export const derivationTrees = (derivation: Derivation.Derivation, roots: ReadonlyArray<string>): Child =>
  h("div", { class: "trees" }, ...roots.map((name) => branch(derivation, name, new Set())))
