/**
 * Accounts and devices that the relay's administrator removed: believing that the relay said so, telling it once, refusing sends.
 *
 * Spec: docs/spec/14-relay.md §14.8, rules relay.remove.6 and relay.remove.10.
 * The relay's word changes no manifest, no session and no message that is stored. Asks nobody: whoever asked hands the refusal over.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Removal from "../identity/Removal.ts"
import type { Refused } from "../ports/Transport.ts"
import { Batch, commit } from "./Commit.ts"
import { RemovedByRelay } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import * as Loading from "./Loading.ts"
import type { Dismissal, Opened } from "./Opened.ts"
import * as Records from "./Records.ts"
import { senderOf } from "./Senders.ts"
import * as Warnings from "./Warnings.ts"

/** The code of the refusal, and the reason of messages that failed by it. */
export const code = "removed-by-relay" as const

/** What stands in keys for the whole account. */
const whole = "account"

const keyOf = (account: string, device: string | undefined): string => Records.keys.dismissed(account, device ?? whole)

/** What a refusal says was removed, if it is one that counts. `about` is the account asked for, as hexadecimal, where one was. */
export const read = (opened: Opened, refusal: Refused, about: string | undefined): Removal.Removal | undefined => {
  if (refusal.code !== code) return undefined
  const read = Removal.verify(opened.crypto, refusal.detail, about === undefined ? undefined : Bytes.fromHex(about))
  return Result.getOrUndefined(read)
}

/**
 * Takes note of a refusal, if it is a removal of this account or of a device of it: durable before it is told, and told once. Answers what was
 * removed.
 */
export const hear = (opened: Opened, account: string, refusal: Refused): Effect.Effect<Removal.Removal | undefined> =>
  Effect.suspend(() => {
    const removal = read(opened, refusal, account)
    if (removal === undefined) return Effect.undefined
    // Of strangers there is nobody to tell.
    const isKnown = opened.contacts.has(account)
    return Effect.as(isKnown ? note(opened, account, removal) : Effect.void, removal)
  })

const note = (opened: Opened, account: string, { device, removedAt }: Removal.Removal): Effect.Effect<void> =>
  Effect.suspend(() => {
    const key = keyOf(account, device && Bytes.toHex(device))
    const before = opened.dismissed.get(key)
    if (before?.removedAt === removedAt) {
      before.lifted = false
      before.heard = true
      return Effect.void
    }
    // At once, so that no other refusal tells it too; a commit that fails ends the client.
    const dismissal: Dismissal = { removedAt, at: 0, told: false, heard: true, lifted: false }
    opened.dismissed.set(key, dismissal)
    return Effect.flatMap(Background.now, (at) => {
      dismissal.at = at
      return Effect.andThen(
        Background.persist(opened, store(opened, key, dismissal)),
        Effect.sync(() => tell(opened, key, dismissal))
      )
    })
  })

const store = (opened: Opened, key: string, { at, removedAt, told }: Dismissal) => {
  const batch = new Batch()
  batch.put(key, Records.Dismissed.encode({ version: Records.written, at, removedAt, told: told ? 1 : 0 }))
  return commit(opened.store, batch)
}

const tell = (opened: Opened, key: string, dismissal: Dismissal): void => {
  const [, account = "", place = whole] = Records.partsOf(key)
  const device = place === whole ? "" : place
  const own = account === opened.hex.account
  const isThis = own && (device === "" || device === opened.hex.device)
  const peer = senderOf(opened, account, device)
  const warning = Warnings.removedByRelay(peer, own, isThis, dismissal.removedAt, dismissal.at)
  opened.warnings.publishSticky(warning, () => {
    dismissal.told = true
    opened.spawn(Background.persist(opened, store(opened, key, dismissal)))
  })
}

/** Reads what is kept, and tells what was not told before the client closed. What was removed is asked for again before it is believed. */
export const load = Effect.fnUntraced(function* (opened: Opened) {
  for (const { key, value } of yield* Loading.scanAll(opened.store, "dismissed/")) {
    const { at, removedAt, told } = yield* Records.read(Records.Dismissed, key, value)
    const dismissal: Dismissal = { at, removedAt, told: told === 1, heard: false, lifted: false }
    opened.dismissed.set(key, dismissal)
    if (!dismissal.told) tell(opened, key, dismissal)
  }
})

/** The removal of a whole account, as far as it stands. */
export const ofAccount = ({ dismissed }: Pick<Opened, "dismissed">, account: string): Dismissal | undefined => {
  const dismissal = dismissed.get(keyOf(account, undefined))
  return dismissal?.lifted === false ? dismissal : undefined
}

/** The removal of this account, or of this device. */
export const ofSelf = ({ dismissed, hex }: Pick<Opened, "dismissed" | "hex">): Dismissal | undefined => {
  const device = dismissed.get(keyOf(hex.account, hex.device))
  return ofAccount({ dismissed }, hex.account) ?? (device?.lifted === false ? device : undefined)
}

/** Waits, so long at most, until the login of this run has said whether what was kept about this device still holds. */
export const told = (opened: Opened, atMostMs: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const self = ofSelf(opened)
    return self === undefined || self.heard || atMostMs <= 0
      ? Effect.void
      : Effect.andThen(Effect.sleep(stepMs), told(opened, atMostMs - stepMs))
  })

/** How often a login that is under way is looked at, ms. */
const stepMs = 50

/** The relay serves an account again, or, with `device`, logged this device in. What was told stays told. */
export const lift = ({ dismissed }: Opened, account: string, device?: string): void => {
  for (const key of [keyOf(account, undefined), ...(device === undefined ? [] : [keyOf(account, device)])]) {
    const dismissal = dismissed.get(key)
    if (dismissal !== undefined) dismissal.lifted = true
  }
}

/** The error of a send that is refused because of a removal. */
export const error = (user: string, account: string, own: boolean, { removedAt }: { readonly removedAt: number }) =>
  new RemovedByRelay({ user, account, own, removedAt })
