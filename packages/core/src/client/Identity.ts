/**
 * Accepting a changed identity.
 *
 * Spec: docs/spec/04-accounts.md §4.3, rule manifest.pin.1; docs/spec/08-sessions.md §8.2, rule session.start.4.
 * Only the user can decide this, after comparing out of band.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../base/Bytes.ts"
import * as Loading from "./Loading.ts"
import { type AcceptError, PeerMisbehaved, UnknownUser } from "./Errors.ts"
import type { Opened } from "./Opened.ts"
import * as Own from "./Own.ts"
import * as Peers from "./Peers.ts"
import * as Receiving from "./Receiving.ts"
import * as Records from "./Records.ts"
import * as Starts from "./Starts.ts"
import * as Trust from "./Trust.ts"

/**
 * Pins `account` (32 bytes) for a name from now on. The directory must answer the name with it. The account pinned before stays a
 * contact without a name. What was held for the new one is delivered now.
 */
export const accept = (opened: Opened, user: string, account: Uint8Array): Effect.Effect<void, AcceptError> =>
  Effect.gen(function* () {
    const pinned = opened.names.get(user)
    if (pinned === undefined) return yield* new UnknownUser({ user })
    const hex = Bytes.toHex(account)
    if (pinned === hex) return yield* Peers.settleOffer(opened, pinned, undefined)
    yield* Trust.mayAccept(opened, user)
    const { manifests, verdict } = yield* Peers.confirm(opened, user, account)
    if (verdict !== "same") return yield* new PeerMisbehaved({ user, failure: "auth.account" })
    // In two commits: after a crash between them the name is free, and is pinned again from the directory's answer.
    yield* Peers.settleOffer(opened, pinned, account)
    opened.trust.named.add(hex)
    const accepted = yield* Peers.pinAs(opened, user, account, manifests)
    // Rule own.contact.1.
    yield* Own.tell(opened, [Own.contactWord(accepted, 2)])
    yield* deliverHeld(opened, hex)
  })

const deliverHeld = Effect.fnUntraced(function* (opened: Opened, account: string) {
  for (const { key, value } of yield* Loading.scanAll(opened.store, `held/${account}/`)) {
    const { envelope, receivedAt } = yield* Records.read(Records.Held, key, value)
    const delivery = { id: Records.orderOf(key), receivedAt, envelope }
    yield* Receiving.burst(opened, [delivery], false)
    yield* Starts.forgetHeld(opened, key)
  }
})
