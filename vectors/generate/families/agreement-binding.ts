/**
 * F05: every input of the agreement shown to matter alone.
 *
 * Spec: docs/spec/05-agreement.md §5.2.
 */
import { FileBuilder } from "../family.ts"
import type { VectorFile } from "../model.ts"
import { begin, family, finish, left, prekeys, receive, Session } from "./agreement.ts"
import { cast, ephemeralOffset } from "./session-crossing.ts"

const bob = "bob/1"

/** Every DH output, the encapsulated secret and every element of the transcript, changed alone with everything behind it made anew. */
export const binding = (): VectorFile => {
  const file = new FileBuilder(family, "binding")
  const world = "binding"
  const { a, b, trace } = cast(file, world, "Alice begins a session with Bob, who used one-time prekeys of both kinds")
  const s = new Session(trace, "s", 1, a.device, a.actor, b, { opk: b.opk[0], kem: b.kem[0]! })
  s.start(0)
  finish(s, 2)
  const setting = [begin(b.device, bob), prekeys(b, bob)]
  const genuine = [receive(s, bob, 0, 0, { turns: true }), left(bob, [10], [12])]
  const twin = "binding-start"
  file.transcript({ id: twin, title: "Bob receives a start", clauses: ["pqxdh.kdf.1", "pqxdh.ad.1"], world }, [
    ...setting,
    ...genuine
  ])
  const probe = [left(bob, [9, 10], [11, 12]), ...genuine]
  const change = (
    id: string,
    title: string,
    clause: string,
    value: string,
    offset: number,
    field: string,
    bytes = "01"
  ): void =>
    void file.refused(
      { id: `binding-${id}`, title, clauses: [clause, "prekey.once.1"], flags: ["Secret"], critical: true },
      twin,
      {
        at: "script/2/in/envelope",
        op: "resign",
        value,
        inner: { at: "value", op: "xor", offset, bytes, field }
      },
      "auth.tag",
      { probe, rejects: 2 }
    )
  for (const n of [1, 2, 3, 4])
    change(`dh${n}`, `Alice computed another DH${n}`, "pqxdh.dh.1", `s.dh${n}`, 31, `DH${n}`)
  change("secret", "Alice has another encapsulated secret", "pqxdh.kem.1", "s.ss", 0, "SS")
  change("front", "another byte in front of the agreements", "pqxdh.kdf.1", "s.ikm", 0, "0xFF³²")
  change(
    "ephemeral-other-encoding",
    "EK with its top bit set: the same agreements, another transcript",
    "crypto.x25519.2",
    "s.0.0.start",
    ephemeralOffset(trace),
    "EK",
    "80"
  )
  const elements: ReadonlyArray<readonly [name: string, title: string, length: number]> = [
    ["suite", "suite", 1],
    ["account-a", "Alice's account", 34],
    ["account-b", "Bob's account", 34],
    ["device-a", "Alice's device", 34],
    ["device-b", "Bob's device", 34],
    ["agreement-a", "Alice's agreement key", 34],
    ["agreement-b", "Bob's agreement key", 34],
    ["ephemeral", "EK", 34],
    ["signed-prekey-id", "signed prekey id", 1],
    ["signed-prekey", "signed prekey", 34],
    ["one-time-id", "one-time prekey id", 1],
    ["one-time", "one-time prekey", 34],
    ["kem-id", "KEM prekey id", 1],
    ["kem-key", "KEM prekey", 1187],
    ["kem-ciphertext", "KEM ciphertext", 1091]
  ]
  let offset = 1
  for (const [id, title, length] of elements) {
    offset += length
    change(
      `transcript-${id}`,
      `another ${title} in Alice's transcript`,
      "pqxdh.ad.1",
      "s.transcript",
      offset - 1,
      title
    )
  }
  if (offset !== trace.look("s.transcript").length) throw new Error("the transcript has other elements")
  return file.file()
}
