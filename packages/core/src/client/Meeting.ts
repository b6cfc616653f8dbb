/**
 * Contacts by invitation: making one to be shown or sent, and taking one of somebody else.
 *
 * Spec: docs/spec/24-trust.md §24.7; docs/spec/19-linking.md §19.1.
 * An invitation names an account; who is behind it says only the channel over which it came.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"
import * as Manifest from "../identity/Manifest.ts"
import * as Name from "../identity/Name.ts"
import * as Invitation from "../link/Invitation.ts"
import * as LinkText from "../link/LinkText.ts"
import { InvalidMessage, PeerMisbehaved, UnknownUser } from "./Errors.ts"
import * as Background from "./internal/background.ts"
import { LinkRefused } from "./LinkApi.ts"
import type { Opened } from "./Opened.ts"
import * as Peers from "./Peers.ts"
import type { ContactInvitation, InviteContactOptions, Met } from "./TrustApi.ts"

/** Details of an invitation of purpose 1 (rule trust.invite.1): the name its account goes by, or nothing. */
export const Details = Layout.tuple({ user: Layout.text({ max: Limits.maxUserNameBytes }) })

/** How long an invitation serves when nothing is said: 30 days, ms. */
const lifetimeMs = 30 * 24 * 60 * 60 * 1000

/** Makes an invitation to this account. */
export const invite = Effect.fnUntraced(function* (opened: Opened, options: InviteContactOptions) {
  const { lifetimeMs: wanted = lifetimeMs, named = false, relay } = options
  const relayBytes = Bytes.utf8Encode(relay).length
  const isRelay = relayBytes > 0 && relayBytes <= Limits.maxRelayAddressBytes
  if (!isRelay || !Number.isSafeInteger(wanted) || wanted < 1 || wanted > Limits.maxInvitationLifetimeMs) {
    return yield* new InvalidMessage({ reason: "bad-invitation" })
  }
  const { custody, self } = opened
  const issuedAt = yield* Background.now
  const body = Invitation.encodeBody({
    purpose: Invitation.purposes.contact,
    account: self.account,
    device: self.device,
    relay,
    issuedAt,
    expiresAt: issuedAt + wanted,
    singleUse: false,
    details: Details.encode({ user: named ? self.user : "" })
  })
  const signature = yield* custody.signWithDevice(Invitation.signingInput(body))
  const invitation: ContactInvitation = {
    uri: LinkText.format("invite", Invitation.encode(body, signature)),
    expiresAt: issuedAt + wanted
  }
  return invitation
})

/** Takes an invitation: its account becomes a contact, whether or not its name can be looked up (rule trust.invite.2). */
export const meet = Effect.fnUntraced(function* (opened: Opened, text: string) {
  const now = yield* Background.now
  const read = Result.flatMap(LinkText.parse("invite", text), (bytes) =>
    Invitation.verify(opened.crypto, bytes, Invitation.purposes.contact, now)
  )
  if (Result.isFailure(read)) return yield* new LinkRefused({ cause: read.failure.cause })
  const { account, details, device, relay } = read.success
  const named = Details.decode(details)
  if (Result.isFailure(named)) return yield* new LinkRefused({ cause: "decode.value" })
  const hex = Bytes.toHex(account)
  if (hex === opened.hex.account) return yield* new LinkRefused({ cause: "link.reflected" })
  const claimed = Name.isName(named.success.user) ? named.success.user : undefined
  const answer = yield* Effect.catchTag(opened.directory.manifestsAfter(account, 0), "Refused", (refusal) =>
    Effect.fail(refusal.code === "unknown-user" ? new UnknownUser({ user: hex }) : refusal)
  )
  // Before anything is stored: whoever made it is a device of this account.
  const chain = Manifest.update(opened.crypto, account, undefined, answer.manifests)
  if (Result.isFailure(chain)) return yield* new PeerMisbehaved({ user: hex, failure: chain.failure.cause })
  if (Manifest.deviceOf(chain.success, device) === undefined) return yield* new LinkRefused({ cause: "link.device" })
  opened.trust.named.add(hex)
  const contact = yield* Peers.refresh(opened, hex, answer.manifests)
  const isFree = claimed !== undefined && contact.record.user === undefined && !opened.names.has(claimed)
  if (isFree) {
    // Only the directory vouches for names.
    const { manifests, verdict } = yield* Peers.confirm(opened, claimed, account)
    if (verdict === "same") yield* Peers.pinAs(opened, claimed, account, manifests)
  }
  const met: Met = { account: hex, user: opened.contacts.get(hex)?.record.user, claimed, relay }
  return met
})
