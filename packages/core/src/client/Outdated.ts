/**
 * Peers that do not know this account's newest devices: told so at once.
 *
 * Spec: docs/spec/22-own-devices.md §22.2, rule own.lists.3.
 * Says nothing but a version; the manifests come from the directory.
 */
import type * as Content from "../envelope/Content.ts"
import * as Addressing from "../identity/Addressing.ts"
import type { Burst } from "./Burst.ts"
import type { Device, Opened } from "./Opened.ts"

/** Devices remembered as told. */
const most = 4096

/** Notes that a device went by an old version of the own manifest: it gets an acknowledgement that names the newest. */
export const note = (opened: Opened, work: Burst, device: Device, lists: Content.Extensions["lists"]): void => {
  if (lists === undefined || lists.peer >= opened.manifestVersion) return
  const version = opened.manifestVersion
  const { told } = opened
  if (!Addressing.isTold(lists.peer, version, told.get(device.hex), work.now)) return
  if (told.size >= most) told.clear()
  told.set(device.hex, { version, at: work.now })
  work.outdated.add(device.hex)
  work.answers.add(device)
}
