/**
 * Letting go of what an opened client holds in memory: session keys are overwritten, everything else that is read from the store is dropped.
 *
 * Spec: docs/spec/12-vault.md §12.8 (vault.lock.2).
 * For a client that nothing runs on any more. Overwrites what this program holds; copies that the engine or a native library made, and
 * strings, are out of reach.
 */
import * as Bytes from "../base/Bytes.ts"
import * as KeyCache from "../crypto/KeyCache.ts"
import type { HeaderKey } from "../ratchet/HeaderKey.ts"
import type { Opened, SessionEntry } from "./Opened.ts"

/** Overwrites and drops. Safe to repeat. */
export const forget = (opened: Opened): void => {
  for (const { devices } of opened.handles.values()) {
    for (const { sessions } of devices.values()) {
      for (const entry of sessions.values()) wipe(secretsOf(entry))
      sessions.clear()
    }
    devices.clear()
  }
  for (const { dh1 } of opened.prepared.values()) if (dh1 !== undefined) wipe([dh1])
  wipe([opened.self.secret, opened.self.token])
  const { asked, asking, checked, contacts, ended, handles, history, inbox, lanes, missed, names, prepared } = opened
  const { proofs, proven, sends, synced, tags, told, trust, warned } = opened
  for (const held of [handles, prepared, contacts, names, checked, tags, lanes, sends]) held.clear()
  for (const held of [asked, asking, ended, proven, told, warned, missed, proofs, synced.waiting]) held.clear()
  for (const held of [trust.entries, trust.decided, trust.aside, trust.named, trust.warned]) held.clear()
  inbox.cache.clear()
  opened.settings.settings = []
  opened.others = undefined
  opened.greetedBy = undefined
  if (history === undefined) return
  history.state.index = undefined
  history.state.halves.clear()
  history.state.partners.clear()
}

const headerKeys = (header: HeaderKey | undefined): ReadonlyArray<Uint8Array> =>
  header === undefined ? [] : [header.key, header.sealing]

/** Every secret of a session: its ratchet's, and those kept for late messages. */
const secretsOf = ({ session, skipped }: SessionEntry): ReadonlyArray<Uint8Array> => {
  const { ratchet } = session
  const keys = [ratchet.rootKey, ratchet.ratchetSecret, ratchet.sendChain, ratchet.nextSendHeader, ratchet.receiveChain]
  return [
    ...keys.filter((key) => key !== undefined),
    ...headerKeys(ratchet.sendHeader),
    ...headerKeys(ratchet.receiveHeader),
    ...headerKeys(ratchet.nextReceiveHeader),
    ...skipped.oldest(skipped.count).flatMap(({ header, messageKey }) => [messageKey, ...headerKeys(header)])
  ]
}

const wipe = (secrets: ReadonlyArray<Uint8Array>): void => {
  KeyCache.forget(secrets)
  Bytes.wipe(...secrets)
}
