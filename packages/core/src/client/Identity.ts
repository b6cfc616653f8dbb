/**
 * Accepting a changed identity.
 *
 * Spec: docs/spec/04-accounts.md §4.3, rule manifest.pin.1; docs/spec/08-sessions.md §8.2, rule session.start.4.
 * Only the user can decide this, after comparing out of band.
 */
import * as Effect from "effect/Effect"
import * as Bytes from "../base/Bytes.ts"
import * as Conversations from "./Conversations.ts"
import * as Loading from "./Loading.ts"
import { type AcceptError, type ClientError, PeerMisbehaved, UnknownUser } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import type { Contact, Opened } from "./Opened.ts"
import * as Orders from "./Orders.ts"
import * as Own from "./Own.ts"
import * as Peers from "./Peers.ts"
import * as Receiving from "./Receiving.ts"
import * as Records from "./Records.ts"
import * as Sealing from "./Sealing.ts"
import * as Settling from "./Settling.ts"
import * as Starts from "./Starts.ts"
import * as Trust from "./Trust.ts"
import * as TrustState from "./TrustState.ts"
import * as Verified from "./Verified.ts"

/**
 * Pins `account` (32 bytes) for a name from now on. The directory must answer the name with it. The account pinned before stays a
 * contact without a name. What was held for the new one is delivered now. `also` puts more into the commit that accepts.
 */
export const accept = (
  opened: Opened,
  user: string,
  account: Uint8Array,
  also: (work: Conversations.Work) => void = () => undefined
): Effect.Effect<void, AcceptError> =>
  Effect.gen(function* () {
    const pinned = opened.names.get(user)
    if (pinned === undefined) return yield* new UnknownUser({ user })
    const hex = Bytes.toHex(account)
    if (pinned === hex) return yield* Peers.withdrawOffer(opened, pinned)
    yield* Trust.mayAccept(opened, user)
    const { manifests, verdict } = yield* Peers.confirm(opened, user, account)
    if (verdict !== "same") return yield* new PeerMisbehaved({ user, failure: "auth.account" })
    opened.trust.named.add(hex)
    const isDone = yield* move(opened, user, pinned, account, manifests, also)
    // The name was moved meanwhile, by an own device's word.
    if (!isDone) return yield* accept(opened, user, account, also)
    yield* deliverHeld(opened, hex)
  })

/**
 * Moves the name in one commit, with the word about it to own devices (rule own.contact.1). Answers whether the name still stood for
 * `pinned`. The lock of the own conversation comes first, as everywhere.
 */
const move = (
  opened: Opened,
  user: string,
  pinned: string,
  account: Uint8Array,
  manifests: ReadonlyArray<Uint8Array>,
  also: (work: Conversations.Work) => void
): Effect.Effect<boolean, ClientError | PeerMisbehaved> =>
  Conversations.withHandle(opened, opened.hex.account, (own) =>
    Conversations.withHandle(opened, pinned, (handle) =>
      Effect.gen(function* () {
        if (opened.names.get(user) !== pinned) return false
        const now = yield* Background.now
        yield* Orders.reserve(opened, 2 * Own.others(opened).length)
        const work = new Sealing.SendWork()
        work.handles.add(own)
        work.handles.add(handle)
        const tell = (accepted: Contact): void => {
          const before = opened.contacts.get(pinned)!
          Peers.put(opened, work, before, { ...before.record, user: undefined, offered: undefined })
          also(work)
          if (Own.others(opened).length === 0) return
          const { print } = TrustState.recordOf(opened.trust, accepted.hex, work.batch)
          Settling.absorb(opened, work, own, now)
          Own.post(opened, work, own, Own.contactWord(accepted, 2, print), now)
          const verified = Verified.wordAbout(opened, accepted, work.batch)
          if (verified !== undefined) Own.post(opened, work, own, verified, now)
        }
        yield* Peers.pinAs(opened, user, account, manifests, { work, with: tell })
        return true
      })
    )
  )

/** What was held of accounts whose identity was accepted since, here before a crash or by word of an own device. */
export const resume = (opened: Opened): Effect.Effect<void, ClientError> =>
  Effect.flatMap(Loading.scanAll(opened.store, "held/"), (records) =>
    Effect.forEach(
      new Set(records.map(({ key }) => Records.partsOf(key)[1]!)),
      (account) =>
        opened.contacts.get(account)?.record.user === undefined ? Effect.void : deliverHeld(opened, account),
      { discard: true }
    )
  )

const deliverHeld = Effect.fnUntraced(function* (opened: Opened, account: string) {
  for (const { key, value } of yield* Loading.scanAll(opened.store, `held/${account}/`)) {
    const { envelope, receivedAt } = yield* Records.read(Records.Held, key, value)
    const delivery = { id: Records.orderOf(key), receivedAt, envelope }
    yield* Receiving.burst(opened, [delivery], false)
    yield* Starts.forgetHeld(opened, key)
  }
})
