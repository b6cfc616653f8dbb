/**
 * What a client tells its user, as events of the subject protocol.
 *
 * Spec: docs/spec/20-subject.md, rules subject.event.1 and subject.event.2.
 */
import type { Incoming, OutboxEvent, Synced, Warning } from "@tacit/core"
import { Bytes } from "@tacit/core/hazmat"
import type { Members } from "../../../src/protocol/Value.ts"

const hexOf = (text: string): string => Bytes.toHex(Bytes.utf8Encode(text))

/** A message that was delivered; nothing for one without text. */
export const message = ({ body, from, id, late, sequence }: Incoming): Members | undefined =>
  body.type === "text"
    ? { type: "message", from: from.device, account: from.account, id, number: sequence, text: hexOf(body.text), late }
    : undefined

/** A message that another own device sent; nothing for what else own devices say. */
export const copy = (item: Synced): Members | undefined =>
  item.type === "sent" && item.body.type === "text"
    ? {
        type: "sent-copy",
        device: item.by.device,
        account: item.to.account,
        id: item.id,
        number: item.sequence,
        text: hexOf(item.body.text)
      }
    : undefined

/** A receipt of a contact's device. */
export const receipt = ({ id, own, state, to }: OutboxEvent): Members | undefined =>
  own || (state !== "delivered" && state !== "read")
    ? undefined
    : { type: "receipt", device: to.device, ids: [id], state: state === "delivered" ? 1 : 2 }

/** A warning that is no refusal. */
export const warning = (warned: Exclude<Warning, { readonly _tag: "Rejected" }>): Members | undefined => {
  switch (warned._tag) {
    case "Gap":
    case "Lost": {
      const { from, peer, to } = warned
      return { type: warned._tag === "Gap" ? "gap" : "lost", device: peer.device, from, to }
    }
    case "GapFilled":
      return { type: "gap-filled", device: warned.peer.device, number: warned.number }
    case "IdentityChanged": {
      const { offered, peer, pinned } = warned
      return { type: "identity-changed", user: peer.user ?? "", pinned, offered }
    }
    case "DevicesChanged": {
      const { added, peer, removed, version } = warned
      return { type: "device-changed", account: peer.account, version, added, removed }
    }
    case "PeerRollback":
      return { type: "peer-rollback", device: warned.peer.device }
    case "RestoredFromBackup":
      return { type: "restored" }
    case "SessionReset":
      return { type: "session-reset", device: warned.peer.device }
    case "Revoked":
      return { type: "revoked", version: warned.version }
    case "Forked":
      return { type: "forked", account: warned.peer.account }
    // No events of this protocol.
    case "RemovedByRelay":
    case "Trust":
    case "SetAsideFull":
      return undefined
  }
}
