/**
 * Manifests that messages name: fetched before what came with them is shown.
 *
 * Spec: docs/spec/04-accounts.md §4.4, rules manifest.lists.1 and manifest.own.1.
 * A message says a version and proves nothing with it: the manifests themselves come from the directory and are checked as always.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Content from "../envelope/Content.ts"
import { type Burst } from "./Burst.ts"
import * as Devices from "./Devices.ts"
import type { Handle, Opened } from "./Opened.ts"
import * as Peers from "./Peers.ts"
import * as Warnings from "./Warnings.ts"

/** How often an account's manifests are asked for in vain, ms. */
const askEveryMs = 60_000

/** Notes that a message of an account speaks of this version of its manifest. */
export const named = (work: Burst, handle: Handle, version: number): void => {
  if ((work.named.get(handle.hex) ?? 0) < version) work.named.set(handle.hex, version)
}

/** Notes what a message that opened says about both accounts' manifests. */
export const note = (opened: Opened, work: Burst, handle: Handle, lists: Content.Extensions["lists"]): void => {
  if (lists === undefined) return
  named(work, handle, lists.own)
  if (lists.peer > opened.manifestVersion && handle.hex !== opened.hex.account) work.ownNamed = true
}

/** Fetches what was noted, as part of the burst's commit. */
export const settle = Effect.fnUntraced(function* (opened: Opened, work: Burst) {
  if (work.ownNamed) work.after.push(Devices.follow(opened))
  for (const [account, version] of work.named) {
    const handle = work.held.get(account)!
    const contact = work.contacts.get(account) ?? opened.contacts.get(account)
    const held = work.manifests.get(account) ?? contact?.manifest
    // Of a first contact the whole chain is fetched after the commit.
    if (contact === undefined || held === undefined || held.version >= version) continue
    if (work.now - (opened.missed.get(account) ?? -Infinity) < askEveryMs) continue
    const answer = yield* Peers.manifestsFrom(opened, handle.account, held.version)
    const adopted =
      answer === undefined ? undefined : Peers.adopt(opened, work, handle, contact, held, undefined, answer, work.now)
    if (adopted !== undefined && Result.isSuccess(adopted)) work.manifests.set(account, adopted.success)
    if ((work.manifests.get(account) ?? held).version >= version) {
      opened.missed.delete(account)
      continue
    }
    opened.missed.set(account, work.now)
    const about = `withheld ${account} ${version}`
    if (opened.warned.has(about)) continue
    opened.warned.add(about)
    work.warnings.push(Warnings.rejected("lookup.manifest-gap", Peers.senderOf(opened, account, ""), work.now))
  }
})
