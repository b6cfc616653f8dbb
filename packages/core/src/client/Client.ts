/**
 * The client: everything an application does, as one service over the ports.
 *
 * Spec: docs/spec/README.md.
 * Adds nothing to the programs beside it but names.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Bytes from "../base/Bytes.ts"
import type { Crypto, Entropy } from "../ports/Crypto.ts"
import type { Directory } from "../ports/Directory.ts"
import type { KeyCustody } from "../ports/KeyCustody.ts"
import type { Store } from "../ports/Store.ts"
import type { Transport } from "../ports/Transport.ts"
import type { Body, ClientApi, Conversation, Peer } from "./Api.ts"
import * as Attachments from "./attachment/Attachments.ts"
import * as Devices from "./Devices.ts"
import { type ClientError, type NotRegistered, Revoked } from "./Errors.ts"
import * as Identity from "./Identity.ts"
import * as Inbox from "./Inbox.ts"
import * as Opening from "./Opening.ts"
import type { Contact, Opened } from "./Opened.ts"
import * as Flush from "./Flush.ts"
import * as History from "./history/History.ts"
import * as Linking from "./Linking.ts"
import * as Notices from "./Notices.ts"
import * as Outcomes from "./Outcomes.ts"
import * as Peers from "./Peers.ts"
import * as Sending from "./Sending.ts"
import * as Settings from "./Settings.ts"
import * as Synced from "./Synced.ts"
import * as TrustAllows from "./TrustAllows.ts"
import type { TrustApi } from "./TrustApi.ts"
import * as Trusting from "./Trusting.ts"

/** The services a client stands on. */
export type Requirements = Store | Transport | Directory | KeyCustody | Crypto | Entropy

/** The client service. */
export class Client extends Context.Service<Client, ClientApi>()("@tacit/core/Client") {
  /**
   * Opens the registered device of the store, logs it in, and keeps it running until the layer's scope closes. Succeeds without a
   * connection too: what is sent then waits. Fails with `NotRegistered` when the store has no account.
   */
  static readonly layer = (
    options: Opening.Options = {}
  ): Layer.Layer<Client, ClientError | NotRegistered, Requirements> =>
    Layer.effect(Client, Effect.map(Opening.open(options), make))
}

/** The operations on an opened client. */
export const make = (opened: Opened): ClientApi => {
  const failed = <A, E>(effect: Effect.Effect<A, E>) => Inbox.orFailed(opened, effect)

  const link = Linking.make(opened)

  const look = (peer: Peer) =>
    typeof peer === "string" ? Peers.resolve(opened, peer) : Peers.byAccount(opened, peer.account)

  // A changed identity is an error only when the policy does not have it accepted (rule trust.effect.4).
  const find = (peer: Peer) =>
    Effect.catchTag(look(peer), "IdentityChanged", (changed) =>
      Effect.flatMap(Trusting.settleIdentity(opened, changed.pinned), (accepted): ReturnType<typeof look> =>
        accepted ? look(peer) : Effect.fail(changed)
      )
    )

  /** Rule trust.effect.5. */
  const allowed = <E>(found: Effect.Effect<Contact, E>) =>
    Effect.tap(found, (contact) => TrustAllows.maySend(opened, contact))

  const converse = (contact: Contact, user: string): Conversation => {
    // Every call looks at the contact again: its identity may have changed meanwhile.
    const checked = Peers.byAccount(opened, contact.hex)
    const sendable = allowed(checked)
    const many = (bodies: ReadonlyArray<Body | string>) =>
      failed(Effect.flatMap(sendable, () => Sending.send(opened, contact, bodies)))
    return {
      id: Peers.conversationOf(opened, contact),
      user,
      account: contact.hex,
      send: (body, options) =>
        failed(
          Effect.flatMap(sendable, () => Effect.map(Sending.send(opened, contact, [body], options), (sent) => sent[0]!))
        ),
      sendMany: many,
      typing: (typing) => Effect.asVoid(many([{ type: "typing", typing }])),
      outcome: (id) => failed(Outcomes.of(opened, contact, id)),
      markRead: (ids) => failed(Effect.flatMap(sendable, () => Sending.markRead(opened, contact, ids))),
      reset: failed(Effect.flatMap(checked, () => Effect.asVoid(Sending.reset(opened, contact.hex))))
    }
  }

  const conversation = (peer: Peer) =>
    failed(Effect.map(find(peer), (contact) => converse(contact, contact.record.user ?? "")))

  const send: ClientApi["send"] = (peer, body, options) =>
    failed(
      Effect.flatMap(allowed(find(peer)), (contact) =>
        Effect.map(Sending.send(opened, contact, [body], options), (sent) => sent[0]!)
      )
    )

  return {
    self: { user: opened.self.user, ...opened.hex },
    conversation,
    send,
    messages: Inbox.messages(opened),
    batches: Inbox.batches(opened),
    take: (message) => failed(Inbox.take(opened, [message])),
    synced: Synced.items(opened),
    takeSynced: ({ order }) => failed(Synced.take(opened, order)),
    warnings: opened.warnings.stream,
    outbox: opened.events.stream,
    flush: failed(Flush.flush(opened)),
    status: opened.transport.status,
    contacts: failed(
      Effect.sync(() =>
        [...opened.contacts.values()]
          .filter(({ hex }) => hex !== opened.hex.account)
          .map((contact) => Trusting.describe(opened, Peers.present(contact)))
      )
    ),
    trust: trustOf(failed, Trusting.make(opened)),
    settings: Settings.make(opened, failed),
    acceptIdentity: (user, account) => failed(Identity.accept(opened, user, Bytes.fromHex(account) ?? Bytes.empty)),
    devices: failed(Effect.sync(() => Devices.list(opened))),
    refreshDevices: failed(Effect.map(Devices.learn(opened), () => Devices.list(opened))),
    deviceVersions: failed(Devices.versions(opened)),
    revokeDevice: (device) => failed(Devices.revoke(opened, device)),
    link: { invite: (options) => failed(link.invite(options)), promised: failed(link.promised) },
    resetDevices: failed(
      Effect.suspend((): Effect.Effect<number, ClientError | Revoked> =>
        opened.removed === undefined
          ? Sending.reset(opened, opened.hex.account)
          : Effect.fail(new Revoked({ version: opened.removed.manifest }))
      )
    ),
    proofs: failed(Effect.sync(() => Notices.proofs(opened))),
    history: History.make(opened),
    attachments: Attachments.make(opened, send, (peer) => failed(Effect.asVoid(allowed(find(peer)))))
  }
}

/** The same operations, which fail with the client. */
const trustOf = (
  failed: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E | ClientError>,
  trust: TrustApi
): TrustApi => ({
  policy: trust.policy,
  setPolicy: (policy) => failed(trust.setPolicy(policy)),
  log: failed(trust.log),
  dryRun: (policy) => failed(trust.dryRun(policy)),
  holds: failed(trust.holds),
  approve: (peer) => failed(trust.approve(peer)),
  disapprove: (peer) => failed(trust.disapprove(peer)),
  safety: (peer) => failed(trust.safety(peer)),
  verify: (peer, evidence) => failed(trust.verify(peer, evidence)),
  unverify: (peer) => failed(trust.unverify(peer)),
  invite: (options) => failed(trust.invite(options)),
  meet: (invitation) => failed(trust.meet(invitation))
})
