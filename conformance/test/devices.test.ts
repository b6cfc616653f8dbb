/**
 * A device that knows two accounts' manifests, behind the subject protocol.
 *
 * Spec: docs/spec/20-subject.md §20.4; docs/spec/22-own-devices.md.
 */
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { resolve, type JsonObject, type Names } from "../../vectors/interpret/values.ts"
import type { Members } from "../src/protocol/Value.ts"
import { create } from "../subjects/reference/index.ts"

interface File {
  readonly worlds: Readonly<
    Record<string, { readonly trace: ReadonlyArray<{ readonly id: string; readonly out: string }> }>
  >
  readonly cases: ReadonlyArray<{
    readonly id: string
    readonly script: ReadonlyArray<{ readonly do: string; readonly in: JsonObject }>
  }>
}

const file = JSON.parse(readFileSync(new URL("../../vectors/devices/fan-out.json", import.meta.url), "utf8")) as File
const names: Names = new Map(file.worlds["people"]!.trace.map(({ id, out }) => [id, out]))

it("addresses nobody before it is started, everybody that reads afterwards, and is forgotten by a reset [subject.devices.1]", async () => {
  const subject = create()
  let id = 0
  const ask = async (op: string, input: Members) => subject.handle({ id: ++id, op, as: "alice/1", in: input })
  const { script } = file.cases.find((one) => one.id === "devices-fan-out-4-4")!
  const [start, send] = script.map((step) => resolve(step.in, names) as Members) as [Members, Members]
  expect(await ask("devices.send", send)).toHaveProperty("fault")
  expect(await ask("devices.start", start)).toMatchObject({ ok: { own: 4, peer: 4 } })
  const sent = await ask("devices.send", send)
  const readersOf = (person: string) => [1, 2, 4].map((n) => names.get(`${person}${n}.device`)!).sort()
  const self = names.get("alice1.device")
  expect(sent).toMatchObject({
    ok: { message: readersOf("bob"), copies: readersOf("alice").filter((device) => device !== self), lists: [4, 4] }
  })
  await subject.handle({ id: ++id, op: "reset", in: {} })
  expect(await ask("devices.send", send)).toHaveProperty("fault")
})
