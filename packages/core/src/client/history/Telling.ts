/**
 * Speaking to other own devices about histories: whom, and how a word goes out.
 *
 * Spec: docs/spec/22-own-devices.md; docs/spec/23-history.md §23.4, §23.6.
 * Does not know what the words say.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../../base/Bytes.ts"
import type * as OwnDevice from "../../envelope/OwnDevice.ts"
import * as Conversations from "../Conversations.ts"
import type { ClientError } from "../Errors.ts"
import * as Background from "../internal/background.ts"
import type { Opened } from "../Opened.ts"
import * as Orders from "../Orders.ts"
import * as Settling from "../Settling.ts"
import * as Own from "../Own.ts"
import * as Peers from "../Peers.ts"
import * as Sealing from "../Sealing.ts"

/** Whether a device (hexadecimal) is another own one that can read. */
export const isPartner = (opened: Opened, device: string): boolean =>
  Own.others(opened).some((one) => Bytes.toHex(one) === device)

/** Makes words durable on their way to a device, with what `more` puts into the same commit. */
export const tell = Effect.fnUntraced(function* (
  opened: Opened,
  device: Uint8Array,
  words: ReadonlyArray<OwnDevice.Word>,
  more: (work: Sealing.SendWork) => void = () => undefined
) {
  yield* prepare(opened, device)
  yield* Orders.reserve(opened, words.length)
  yield* Conversations.withHandle(opened, opened.hex.account, (own) =>
    Effect.flatMap(Background.now, (now) => {
      const work = new Sealing.SendWork()
      work.handles.add(own)
      Settling.absorb(opened, work, own, now)
      for (const word of words) Own.post(opened, work, own, word, now, { devices: [device] })
      more(work)
      return Conversations.commitWork(opened, work)
    })
  )
})

/** Fetches what a device without a session needs; where that fails, the words wait for it. */
const prepare = (opened: Opened, device: Uint8Array): Effect.Effect<void, ClientError> =>
  Effect.gen(function* () {
    const hex = Bytes.toHex(device)
    const handle = yield* Conversations.get(opened, opened.hex.account)
    const known = handle.devices.get(hex)
    const own = opened.contacts.get(opened.hex.account)
    if (own === undefined || opened.prepared.has(hex)) return
    if (known !== undefined && Conversations.activeSession(known) !== undefined) return
    const fetched = yield* Effect.result(Peers.fetchBundle(opened, own, device))
    if (Result.isSuccess(fetched)) opened.prepared.set(hex, fetched.success)
  })
