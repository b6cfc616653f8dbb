/**
 * Messages of contacts that are not heard: kept apart from the inbox, and shown in their order once they are.
 *
 * Spec: docs/spec/24-trust.md §24.3, rule trust.effect.6.
 * Decides nothing: client/Trust.ts does. They were opened like all others.
 */
import * as Effect from "effect/Effect"
import * as Limits from "../base/Limits.ts"
import * as Conversations from "./Conversations.ts"
import type { ClientError } from "./Errors.ts"
import * as Noting from "./history/Noting.ts"
import * as Inbox from "./Inbox.ts"
import * as Background from "./internal/background.ts"
import * as Loading from "./Loading.ts"
import type { Handle, Opened } from "./Opened.ts"
import * as Progress from "./Progress.ts"
import * as Records from "./Records.ts"
import * as TrustAllows from "./TrustAllows.ts"
import * as Warnings from "./Warnings.ts"

/** A work that may set messages aside: the order of the next one, by account. */
export interface Asides extends Conversations.Work {
  readonly asideNext: Map<string, number>
}

/** Whether messages of an account are kept aside: what comes after them goes there too, so that their order stays. */
export const isWaiting = (opened: Opened, work: Asides, account: string): boolean =>
  opened.trust.aside.has(account) || work.asideNext.has(account)

/** Puts a message aside, as a record of the inbox. When too many are, it is deleted and the user told. */
export const put = (opened: Opened, work: Asides, { hex }: Handle, record: Records.Inbox, now: number): void => {
  const { trust } = opened
  const { count, next } = trust.aside.get(hex) ?? { count: 0, next: 1 }
  const order = work.asideNext.get(hex) ?? next
  if (count + order - next >= Limits.maxSetAside) {
    const peer = { user: opened.contacts.get(hex)?.record.user, account: hex, device: "" }
    work.batch.applied(() => opened.warnings.publish(Warnings.asideFull(peer, now)))
    return
  }
  work.asideNext.set(hex, order + 1)
  work.batch.put(Records.keys.aside(hex, order), Records.Inbox.encode(record))
  work.batch.applied(() => {
    const before = trust.aside.get(hex)?.count ?? 0
    trust.aside.set(hex, { count: before + 1, next: order + 1 })
  })
}

/** Brings what is aside into the inbox, in its order, if the contact is heard now. */
export const release = (opened: Opened, account: string): Effect.Effect<void, ClientError> =>
  // Orders of the inbox are given out by one at a time, as in a burst of envelopes.
  opened.receiving.withPermit(
    Conversations.withHandle(opened, account, (handle) =>
      Effect.gen(function* () {
        const contact = opened.contacts.get(account)
        const now = yield* Background.now
        if (contact === undefined || !opened.trust.aside.has(account) || !TrustAllows.isHeard(opened, contact, now))
          return
        const work = new Conversations.Work()
        work.handles.add(handle)
        let order = opened.received
        for (const { key, value } of yield* Loading.scanAll(opened.store, `aside/${account}/`)) {
          work.batch.put(Records.keys.inbox(++order), value)
          const { content, device, receivedAt } = yield* Records.read(Records.Inbox, key, value)
          Noting.received(opened, work, handle, device, content, receivedAt)
          work.batch.remove(key)
        }
        Progress.put(opened, work, order, [])
        work.batch.applied(() => {
          opened.received = order
          opened.trust.aside.delete(account)
        })
        yield* Conversations.commitWork(opened, work)
        Inbox.wake(opened)
      })
    )
  )

/** {@link release} of every contact. */
export const releaseAll = (opened: Opened): Effect.Effect<void, ClientError> =>
  Effect.forEach([...opened.trust.aside.keys()], (account) => release(opened, account), { discard: true })
