/**
 * Who a device is, as the application knows it.
 *
 * Spec: docs/spec/README.md (glossary).
 */
import type { Sender } from "./Api.ts"
import type { Opened } from "./Opened.ts"

/** A device, or with an empty `device` an account, with the name it is known by. */
export const senderOf = (opened: Opened, account: string, device: string): Sender => ({
  user: account === opened.hex.account ? opened.self.user : opened.contacts.get(account)?.record.user,
  account,
  device
})
