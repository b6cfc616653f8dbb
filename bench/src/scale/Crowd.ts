/**
 * Many contacts at once: records of settled conversations with people who are not there, valid in every field and with real signatures, as a
 * client would have written them.
 *
 * The sessions lead nowhere: their keys are random, so what is sealed in them costs what it costs, and nobody could open it.
 */
import { randomBytes } from "node:crypto"
import type { CryptoProvider, Write } from "@tacit/core"
import { Records, RatchetState, Session } from "@tacit/core/hazmat"
import { FixtureAccount } from "@tacit/core/testing"
import * as Result from "effect/Result"

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

/** A session that was answered, with a device. */
const settled = (crypto: CryptoProvider, account: Uint8Array, device: Uint8Array): Session.Session => {
  const ratchet = RatchetState.fromRecord(crypto, {
    version: 1,
    suite: 1,
    sent: 3,
    received: 2,
    previous: 1,
    skipped: 0,
    keys: random(11 * 32)
  })
  if (ratchet === undefined) throw new Error("a session has no such number of keys")
  return {
    id: ratchet.ad.slice(0, 16),
    peer: { account, device },
    rank: 1,
    initiated: true,
    start: random(16),
    ratchet,
    pending: undefined
  }
}

const put = (key: string, value: Uint8Array): Write => ({ op: "put", key, value })

/** The records of a settled conversation with every device of an account. */
export const acquainted = (
  crypto: CryptoProvider,
  account: FixtureAccount.FixtureAccount,
  devices: ReadonlyArray<Pick<FixtureAccount.FixtureDevice, "device" | "mailbox" | "token">>,
  user: string
): ReadonlyArray<Write> => {
  const of = hex(account.account)
  const contact = { version: 1 as const, user, manifest: account.newest, offered: undefined, since: 1 }
  const writes = [put(Records.keys.contact(of), Records.Contact.encode(contact))]
  for (const { device, mailbox, token } of devices) {
    const session = settled(crypto, account.account, device)
    writes.push(
      put(Records.keys.session(hex(session.id)), Session.encode(session)),
      put(
        Records.keys.peer(of, hex(device)),
        Records.Peer.encode({
          version: 1,
          mailbox,
          token,
          tokenKnown: 1,
          fence: { highest: { generation: 2, startId: random(8) }, owed: 0, echoed: undefined },
          sessions: { active: { id: session.id, rank: 1 }, archived: [] },
          requests: { asked: [], sent: [] },
          addressed: 1,
          floor: 0,
          archivedIn: 0,
          healedIn: 0
        })
      )
    )
  }
  return writes
}

/** `count` people with a device each. */
export const people = (crypto: CryptoProvider, count: number, name: string): ReadonlyArray<Write> =>
  Array.from({ length: count }, (_, i) => {
    const account = FixtureAccount.makeAccount(crypto, `${name}/${i}`)
    return acquainted(crypto, account, [account.addDevice()], `${name}-${i}`)
  }).flat()

/** Checks that records read back: a figure about records that no client reads would be none. */
export const check = (crypto: CryptoProvider, writes: ReadonlyArray<Write>): void => {
  for (const write of writes) {
    if (write.op !== "put" || !write.key.startsWith("session/")) continue
    Result.getOrThrow(Session.decode(crypto, write.value))
  }
}
