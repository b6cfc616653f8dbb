/**
 * What the device page shows and does, on an open client: devices, their history, linking one, removing one.
 *
 * Spec: docs/spec/04-accounts.md §4.4; docs/spec/19-linking.md §19.7 (old).
 * Knows no HTTP and no HTML.
 */
import type { PromiseClient, PromiseLinkOffer } from "@tacit/bots"
import type { DeviceVersion, OfferState, RoleName, Warning } from "@tacit/core"
import { explain } from "../../../Explain.ts"
import * as QrCode from "../../../QrCode.ts"
import type { ChallengeView, DeviceView, LinkView, NoticeView, Trouble, View } from "./Wire.ts"

/** Something was not done. The words are for the person at the page. */
export class NotDone extends Error {
  readonly trouble: Trouble
  constructor(trouble: Trouble) {
    super(trouble.message)
    this.trouble = trouble
  }
}

export interface Desk {
  readonly view: () => Promise<View>
  /** Begins to link a device; one that was under way is given up. */
  readonly link: (role: RoleName, challenge: ChallengeView) => Promise<void>
  /** The code that the new device shows, as text. */
  readonly scanned: (text: string) => Promise<void>
  readonly cancel: () => Promise<void>
  /** The invitation that is out, as an SVG image. */
  readonly code: () => string | undefined
  /** Removes a device, if the list is still that of `version`: what a person saw when they said so. */
  readonly revoke: (device: string, version: number) => Promise<void>
  /** Asks the relay for the newest list. */
  readonly refresh: () => Promise<void>
  /** Whether a linking is under way: somebody may be looking at another device. */
  readonly isLinking: () => boolean
  /** Gives up what is under way. */
  readonly close: () => Promise<void>
}

/** Notices kept for the page; older ones were printed. */
const mostNotices = 32

/** How often it is asked when histories were compared, ms. */
const comparedEveryMs = 30_000

/** What of the client's warnings is about the account's own devices. */
const noticeOf = (warning: Warning, self: { readonly account: string }): NoticeView | undefined => {
  const { at, line } = warning
  switch (warning._tag) {
    case "DevicesChanged":
    case "Forked":
      return warning.peer.account === self.account ? { at, line, grave: true } : undefined
    case "RemovedByRelay":
      return warning.own ? { at, line, grave: true } : undefined
    case "Rejected":
      return warning.peer?.account === self.account && isAboutLists(warning.cause)
        ? { at, line, grave: true }
        : undefined
    case "Revoked":
    case "RestoredFromBackup":
      return { at, line, grave: true }
    default:
      return undefined
  }
}

const isAboutLists = (cause: string): boolean =>
  cause === "fresh.rollback" || cause === "auth.fork" || cause === "lookup.manifest-gap"

const troubleOf = (error: unknown): Trouble => {
  const { code, message, next } = explain(error)
  return { error: code, message: `${message.charAt(0).toUpperCase()}${message.slice(1)}.`, next }
}

/** Runs something; what goes wrong is told in words. */
const done = async <A>(work: Promise<A>): Promise<A> => {
  try {
    return await work
  } catch (error) {
    throw error instanceof NotDone ? error : new NotDone(troubleOf(error))
  }
}

const notNow = (message: string, next: string): NotDone => new NotDone({ error: "NotNow", message, next })

export const make = (options: {
  readonly client: PromiseClient
  /** Where the new device reaches the relay; no passwords in it. */
  readonly relay: string
  readonly idleMs: number
  readonly signal: AbortSignal
  /** Everything the client warns of, once: whoever reads here takes it from the others. */
  readonly onWarning: (warning: Warning) => void
}): Desk => {
  const { client, idleMs, onWarning, relay, signal } = options
  const notices: Array<NoticeView> = []
  let versions: ReadonlyArray<DeviceVersion> | undefined
  let versionsTrouble: string | undefined
  let asked = 0
  let connected = false
  let offer: PromiseLinkOffer | undefined
  let link: LinkView | undefined
  let linkings = 0

  const quietly = (work: Promise<unknown>): void => void work.catch(() => undefined)

  quietly(
    (async () => {
      for await (const warning of client.warnings({ signal })) {
        onWarning(warning)
        const notice = noticeOf(warning, client.self)
        if (notice === undefined) continue
        notices.push(notice)
        if (notices.length > mostNotices) notices.shift()
      }
    })()
  )
  quietly(
    (async () => {
      for await (const status of client.status({ signal })) connected = status._tag === "Connected"
    })()
  )

  /** Fetches the history again where the list has another version than it. */
  const follow = async (version: number): Promise<void> => {
    if (asked === version) return
    asked = version
    try {
      versions = await client.deviceVersions({ signal })
      versionsTrouble = undefined
    } catch (error) {
      asked = 0
      versionsTrouble = troubleOf(error).message
    }
  }

  const isOut = (): boolean => link !== undefined && link.state !== "Linked" && link.state !== "Ended"

  const note = (number: number, state: OfferState): void => {
    if (link === undefined || link.number !== number) return
    const { _tag, ...rest } = state
    if (_tag === "CompareDigits") return
    const { expiresAt, pin, role, uri } = link
    const shown = _tag === "WrongPin" && pin !== undefined ? { pin } : {}
    const view: LinkView = {
      ...shown,
      ...rest,
      number,
      state: _tag,
      uri,
      expiresAt,
      role: "role" in rest ? rest.role : role
    }
    link = view
    if (_tag === "Linked" || _tag === "Ended") offer = undefined
  }

  let compared: { readonly at: number; readonly times: ReadonlyMap<string, number> } | undefined
  /** Asked for now and then: the status of a long history takes a while. */
  const comparedAt = async (): Promise<ReadonlyMap<string, number>> => {
    if (compared === undefined || performance.now() - compared.at > comparedEveryMs) {
      // A client that keeps no history has compared nothing.
      const status = await client.history.status({ signal }).catch(() => undefined)
      const times = new Map<string, number>()
      for (const { comparedAt: at, device } of status?.devices ?? []) if (at !== undefined) times.set(device, at)
      compared = { at: performance.now(), times }
    }
    return compared.times
  }

  return {
    view: async () => {
      const list = await done(client.devices({ signal }))
      if (list.removed === undefined) quietly(follow(list.version))
      const times = await comparedAt()
      const byVersion = new Map(versions?.map(({ issuedAt, version }) => [version, issuedAt]))
      const devices = list.devices.map(({ addedIn, current, id, role }): DeviceView => {
        const [addedAt, at] = [byVersion.get(addedIn), times.get(id)]
        return {
          id,
          role,
          addedIn,
          current,
          ...(addedAt === undefined ? {} : { addedAt }),
          ...(at === undefined ? {} : { comparedAt: at })
        }
      })
      const own = list.devices.find(({ current }) => current)
      return {
        user: client.self.user ?? "",
        account: client.self.account,
        version: list.version,
        devices,
        revoked: list.revoked,
        canChange: own?.role === "admin" && list.removed === undefined,
        ...(list.pending === undefined ? {} : { pending: list.pending }),
        ...(list.removed === undefined ? {} : { removedIn: list.removed.version }),
        connected,
        ...(versions === undefined ? {} : { versions }),
        ...(versionsTrouble === undefined ? {} : { versionsTrouble }),
        notices: [...notices],
        ...(link === undefined ? {} : { link }),
        idleMs
      }
    },
    link: async (role, challenge) => {
      if (offer !== undefined) await offer.cancel().catch(() => undefined)
      const made = await done(client.link.invite({ relay, role, challenges: [challenge] }, { signal }))
      const number = ++linkings
      offer = made
      link = { number, state: "Invited", uri: made.uri, expiresAt: made.expiresAt, role }
      quietly(
        (async () => {
          for await (const state of made.states({ signal })) note(number, state)
        })()
      )
      quietly(made.result({ signal }))
    },
    scanned: async (text) => {
      if (offer === undefined || link?.state !== "ScanCode") {
        throw notNow("No code is asked for now.", "Go on with what the page shows.")
      }
      await offer.scanned(text).catch((error: unknown) => {
        const cause = typeof error === "object" && error !== null && "cause" in error ? String(error.cause) : ""
        throw new NotDone({
          error: "LinkRefused",
          message:
            cause === "link.code"
              ? "That is the code of another linking: somebody may stand between the two devices."
              : "That is not the code that the new device shows.",
          next: "Copy the whole code from the new device, or cancel."
        })
      })
    },
    cancel: async () => {
      if (offer !== undefined) await done(offer.cancel())
    },
    code: () => (isOut() && link !== undefined ? QrCode.svg(link.uri) : undefined),
    revoke: async (device, version) => {
      const list = await done(client.devices({ signal }))
      if (list.version !== version) {
        throw notNow("The list of devices changed meanwhile.", "Look at it again, then remove the device.")
      }
      if (device === client.self.device) {
        throw notNow("That is the device this page runs on.", "Remove it from another device of yours.")
      }
      if (!list.devices.some(({ id }) => id === device)) {
        throw notNow("The account has no such device.", "Look at the list again.")
      }
      await done(client.revokeDevice(device, { signal }))
    },
    refresh: async () => void (await done(client.refreshDevices({ signal }))),
    isLinking: isOut,
    close: async () => {
      if (offer !== undefined) await offer.cancel().catch(() => undefined)
    }
  }
}
