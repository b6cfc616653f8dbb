/**
 * Settings that the devices of an account share, for the application.
 *
 * Spec: docs/spec/22-own-devices.md §22.8.
 * What other devices say about settings is taken in client/OwnWords.ts; identity/Settings.ts decides what stands.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as OwnDevice from "../envelope/OwnDevice.ts"
import * as Settings from "../identity/Settings.ts"
import type * as Api from "./Api.ts"
import * as Conversations from "./Conversations.ts"
import { type ClientError, InvalidSetting, Revoked } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Opened } from "./Opened.ts"
import * as Orders from "./Orders.ts"
import * as Own from "./Own.ts"
import * as Records from "./Records.ts"
import * as Sealing from "./Sealing.ts"
import * as SettingsState from "./SettingsState.ts"
import * as Settling from "./Settling.ts"

type SetError = ClientError | InvalidSetting | Revoked

/** The operations on an opened client; `failed` has them fail with it. */
export const make = (
  opened: Opened,
  failed: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E | ClientError>
): Api.SettingsApi => ({
  list: failed(Effect.sync(() => list(opened))),
  get: (name) => failed(Effect.sync(() => list(opened).find((one) => one.name === name)?.value)),
  set: (name, value) =>
    failed(write(opened, name, typeof value === "string" ? Bytes.utf8Encode(value) : value.slice())),
  unset: (name) => failed(write(opened, name, undefined))
})

const list = (opened: Opened): ReadonlyArray<Api.Setting> =>
  SettingsState.of(opened.settings).flatMap(({ name, value }) =>
    value === undefined ? [] : [{ name, value: value.slice() }]
  )

/** Rule own.setting.2. */
const write = (opened: Opened, name: string, value: Uint8Array | undefined): Effect.Effect<void, SetError> => {
  if (!OwnDevice.isSettingName(name)) return Effect.fail(new InvalidSetting({ reason: "name" }))
  if (value !== undefined && value.length > Limits.maxSettingBytes) {
    return Effect.fail(new InvalidSetting({ reason: "value" }))
  }
  return Conversations.withHandle(opened, opened.hex.account, (own) =>
    Effect.gen(function* () {
      if (opened.removed !== undefined) return yield* new Revoked({ version: opened.removed.manifest })
      const now = yield* Background.now
      const before = SettingsState.of(opened.settings)
      const next = Settings.write(before, name, value, now, opened.self.device)
      if (next === undefined) return yield* new InvalidSetting({ reason: "full" })
      if (next === before) return
      yield* Orders.reserve(opened, Own.others(opened).length)
      const work = new Sealing.SendWork()
      work.handles.add(own)
      Settling.absorb(opened, work, own, now)
      SettingsState.put(opened.settings, work.batch, next)
      Own.post(opened, work, own, SettingsState.word(next), now)
      yield* Conversations.commitWork(opened, work)
    })
  )
}

/** How long a device that was told of the settings is not told of the same again, ms. */
const tellEveryMs = 7 * 24 * 60 * 60 * 1000

/** Tells the settings to own devices that were not told for a week: what was lost since is made good (rule own.setting.3). */
export const repeat = (opened: Opened): Effect.Effect<void, ClientError> =>
  Effect.forEach(Own.others(opened), (id) => repeatTo(opened, id), { discard: true })

const repeatTo = (opened: Opened, id: Uint8Array): Effect.Effect<void, ClientError> =>
  Effect.gen(function* () {
    const key = Records.keys.greeted(Bytes.toHex(id))
    const stored = yield* opened.store.get(key)
    const now = yield* Background.now
    // One that was not greeted yet will be.
    if (stored === undefined || SettingsState.of(opened.settings).length === 0) return
    if (now - (yield* Records.read(Records.Greeted, key, stored.value)).at < tellEveryMs) return
    yield* Orders.reserve(opened, 1)
    yield* Conversations.withHandle(opened, opened.hex.account, (own) =>
      Effect.suspend(() => {
        const work = new Sealing.SendWork()
        work.handles.add(own)
        Settling.absorb(opened, work, own, now)
        Own.post(opened, work, own, SettingsState.word(SettingsState.of(opened.settings)), now, { devices: [id] })
        work.batch.put(key, Records.Greeted.encode({ version: Records.written, at: now }))
        return Conversations.commitWork(opened, work)
      })
    )
  })
