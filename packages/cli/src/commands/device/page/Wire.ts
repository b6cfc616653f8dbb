/**
 * What the device page and the program that serves it say to each other, as JSON.
 *
 * Spec: none; both ends are of one release. Ids are lower-case hexadecimal, times ms since 1970.
 * Types only: the page's script imports them as well.
 */

/** A device of the account. */
export interface DeviceView {
  readonly id: string
  readonly role: "admin" | "member" | "replica"
  readonly addedIn: number
  /** When the version that added it was signed; nothing while the history is not there. */
  readonly addedAt?: number
  readonly current: boolean
  /** When this device last compared its history with that one's. */
  readonly comparedAt?: number
}

/** One version of the signed list. */
export interface VersionView {
  readonly version: number
  readonly issuedAt: number
  readonly added: ReadonlyArray<string>
  readonly removed: ReadonlyArray<string>
}

/** Something about the account's devices that a person must see. */
export interface NoticeView {
  readonly at: number
  readonly line: string
  readonly grave: boolean
}

/** A device that is being linked, as far as it is. */
export interface LinkView {
  /** The number of the linking since the page was started. */
  readonly number: number
  readonly state: "Invited" | "Joined" | "ScanCode" | "ShowPin" | "WrongPin" | "Verified" | "Linked" | "Ended"
  readonly uri: string
  readonly expiresAt: number
  readonly role: DeviceView["role"]
  readonly pin?: string
  /** Attempts left, this one included. */
  readonly left?: number
  /** The device that was verified or linked. */
  readonly device?: string
  readonly reason?: string
}

/** Everything the page shows. */
export interface View {
  readonly user: string
  readonly account: string
  readonly version: number
  readonly devices: ReadonlyArray<DeviceView>
  readonly revoked: ReadonlyArray<{ readonly id: string; readonly revokedIn: number }>
  /** This device may add and remove others. */
  readonly canChange: boolean
  /** The version that is signed and waits for the relay. */
  readonly pending?: number
  /** The version in which this device was removed. */
  readonly removedIn?: number
  /** Whether the relay can be reached now. */
  readonly connected: boolean
  /** Oldest first. */
  readonly versions?: ReadonlyArray<VersionView>
  /** Why there are no versions. */
  readonly versionsTrouble?: string
  /** Oldest first. */
  readonly notices: ReadonlyArray<NoticeView>
  readonly link?: LinkView
  /** How long the page stays when nobody does anything, ms. */
  readonly idleMs: number
}

/** Why something was not done. */
export interface Trouble {
  readonly error: string
  readonly message: string
  readonly next: string
}

/** An answer to a login: what has to come with every further request, beside the cookie. */
export interface LoggedIn {
  readonly key: string
}

/** How a person makes sure: a PIN that is typed on the new device, or a code that the new device shows. */
export type ChallengeView = "pin" | "code"
