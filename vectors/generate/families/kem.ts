/**
 * F01: ML-KEM-768 with chosen seeds and coins.
 *
 * Spec: docs/spec/01-suites.md §1.5; FIPS 203.
 */
import { hex, unhex } from "../bytes.ts"
import type { Delta, VectorFile } from "../model.ts"
import * as prim from "../prim.ts"
import { PrimitiveFile, random } from "./primitive.ts"

const keys = ["crypto.mlkem.1"]
const encapsulation = ["crypto.mlkem.2"]
const check = ["crypto.mlkem.3"]
const rejection = ["crypto.mlkem.4"]

export const kem = (): VectorFile => {
  const file = new PrimitiveFile("ml-kem-768")
  const seedOf = (i: number): string =>
    i === 8 ? "00".repeat(64) : i === 9 ? "ff".repeat(64) : random("kem.seed", i, 64)
  const ekOf = (i: number): string => hex(prim.mlKemPublic(unhex(seedOf(i))))
  const coins = (i: number): string =>
    i === 4 ? "00".repeat(32) : i === 5 ? "ff".repeat(32) : random("kem.coins", i, 32)
  for (let i = 0; i < 10; i++)
    file.computed(`ml-kem-public-${i}`, "an encapsulation key", keys, "ml-kem-768-public", { seed: seedOf(i) })
  for (let i = 0; i < 6; i++)
    file.computed(`ml-kem-encaps-${i}`, "ciphertext and shared secret", encapsulation, "ml-kem-768-encaps", {
      ek: ekOf(i),
      coins: coins(i)
    })
  const ciphertext = (i: number): string => hex(prim.mlKemEncaps(unhex(ekOf(i)), unhex(coins(i)))!.slice(0, 1088))
  for (let i = 0; i < 6; i++)
    file.computed(`ml-kem-decaps-${i}`, "the shared secret back", keys, "ml-kem-768-decaps", {
      seed: seedOf(i),
      ct: ciphertext(i)
    })
  const wrong = (id: string, title: string, change: (ct: Uint8Array) => void, seed = 0): void => {
    const ct = unhex(ciphertext(0))
    change(ct)
    file.computed(`ml-kem-reject-${id}`, title, rejection, "ml-kem-768-decaps", { seed: seedOf(seed), ct: hex(ct) }, [
      "ImplicitRejection"
    ])
  }
  for (const offset of [0, 500, 959, 960, 1087])
    wrong(`byte-${offset}`, "one bit of the ciphertext: another secret, no error", (ct) => void (ct[offset]! ^= 1))
  wrong("zero", "an all-zero ciphertext", (ct) => void ct.fill(0))
  wrong("other-key", "a ciphertext for another key", () => {}, 1)
  const twin = "ml-kem-check"
  file.computed(twin, "a genuine encapsulation key passes", check, "ml-kem-768-check", { ek: ekOf(0) })
  const refuse = (id: string, title: string, flag: string, delta: Delta, on = twin): void =>
    file.refusedCall(
      `ml-kem-${on === twin ? "check" : "encaps"}-${id}`,
      title,
      check,
      [flag],
      on,
      delta,
      "auth.prekey",
      flag === "Modulus"
    )
  for (const [name, offset, bytes] of [
    ["first-q", 0, "010d"],
    ["first-max", 0, "ff0f"],
    ["q-at-383", 576, "010d"],
    ["last-q", 1150, "10d0"],
    ["all-ones", 600, "ffffff"]
  ] as const) {
    const ek = unhex(ekOf(0))
    // Coefficients are 12 bits wide: a first one takes a byte and a low half, a second one a high half and a byte.
    const set =
      name === "last-q"
        ? hex(Uint8Array.of((ek[1150]! & 0x0f) | 0x10, 0xd0))
        : bytes === "010d"
          ? hex(Uint8Array.of(0x01, 0x0d | (ek[offset + 1]! & 0xf0)))
          : bytes
    refuse(name, "a coefficient of at least q", "Modulus", { at: "in/ek", op: "set", offset, bytes: set })
    refuse(
      name,
      "a coefficient of at least q",
      "Modulus",
      { at: "in/ek", op: "set", offset, bytes: set },
      "ml-kem-encaps-0"
    )
  }
  for (const [name, delta] of [
    ["short", { op: "cut", offset: 1183, length: 1 }],
    ["long", { op: "insert", offset: 1184, bytes: "00" }],
    ["empty", { op: "cut", offset: 0, length: 1184 }]
  ] as const) {
    refuse(name, "a wrong length", "Modified", { at: "in/ek", ...delta })
    refuse(name, "a wrong length", "Modified", { at: "in/ek", ...delta }, "ml-kem-encaps-0")
  }
  for (const [name, delta] of [
    ["short", { op: "cut", offset: 1087, length: 1 }],
    ["long", { op: "insert", offset: 1088, bytes: "00" }],
    ["empty", { op: "cut", offset: 0, length: 1088 }]
  ] as const) {
    file.refusedCall(
      `ml-kem-decaps-${name}`,
      "a ciphertext of a wrong length",
      rejection,
      ["Modified"],
      "ml-kem-decaps-0",
      { at: "in/ct", ...delta },
      "auth.prekey",
      false
    )
  }
  return file.file()
}
