/**
 * Who is addressed, by manifests alone, and what it means when two sides go by different ones.
 *
 * Spec: docs/spec/22-own-devices.md §22.1, §22.2, §22.6.
 * Vectors: vectors/devices.
 * Knows no session and sends nothing: the client does.
 */
import * as Bytes from "../base/Bytes.ts"
import * as Device from "./Device.ts"
import * as Manifest from "./Manifest.ts"

/** What extension 13 carries: versions of the sender's manifest and, 0 for none, of the receiver's by which the message was addressed. */
export interface Lists {
  readonly own: number
  readonly peer: number
}

/** How long a device that goes on by the same old version is not told again, ms (rule own.lists.3). */
export const againMs = 60_000

/** The devices of a manifest that read, without `self` (32 bytes): whom a message is for, or a word to own devices (rule own.devices.1). */
export const readers = (manifest: Pick<Manifest.Statement, "devices">, self: Uint8Array): ReadonlyArray<Uint8Array> =>
  manifest.devices
    .filter(({ device, role }) => role !== Device.roles.replica && !Bytes.equal(device, self))
    .map(({ device }) => device)

/** The own devices that a sender did not address that went by `version` of the own manifest (rule own.received.1). */
export const addedSince = (
  manifest: Manifest.Statement,
  self: Uint8Array,
  version: number
): ReadonlyArray<Uint8Array> =>
  version >= manifest.version
    ? []
    : readers(manifest, self).filter((id) => (Manifest.deviceOf(manifest, id)?.addedIn ?? 0) > version)

/** Whether a sender that went by `version` of the own manifest did not know this device, so that a copy came before (rule own.received.3). */
export const isUnknownTo = (manifest: Manifest.Statement, self: Uint8Array, version: number): boolean => {
  const listed = Manifest.deviceOf(manifest, self)
  return listed !== undefined && version < listed.addedIn
}

/** When and for which version a device was told last that it goes by an old one. Times in ms. */
export interface Told {
  readonly version: number
  readonly at: number
}

/** Whether a device that addressed by version `named` of the own manifest is told of `newest` now (rule own.lists.3). */
export const isTold = (named: number, newest: number, last: Told | undefined, now: number): boolean =>
  named < newest && (last === undefined || last.version !== newest || now - last.at >= againMs)
