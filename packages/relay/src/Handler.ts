/**
 * What each frame does: who may send it, what it changes, what is answered.
 *
 * Spec: docs/spec/14-relay.md §14.1 (table), §14.2–14.4.
 * Runs inside the group commit: `run` changes the database, `after` follows the commit. Opens no sockets.
 */
import { randomBytes } from "node:crypto"
import { CloseCode, maxFrameBytes, type ClientFrame, type RelayFrame } from "@tacit/transport-ws/frames"
import { Bytes, Limits } from "@tacit/core/hazmat"
import type { Grants } from "./attachments/Grants.ts"
import type { Accounts, Device, Published } from "./Accounts.ts"
import { type Connection, workWindow } from "./Connection.ts"
import type { Desk } from "./Desk.ts"
import type { Mailboxes } from "./Mailboxes.ts"
import type { RelayMetrics } from "./Metrics.ts"
import type { Observation } from "./Observation.ts"
import type { RelayLimits } from "./Options.ts"
import type { Prekeys } from "./Prekeys.ts"
import { isRefusal, refuse, type Refusal } from "./Refusal.ts"
import { isSeat, type Slots } from "./Slots.ts"
import type { Tombstones } from "./Tombstones.ts"

/** What a frame came to. Both follow the commit: the answer is sent, then `after` runs, which may close the connection. */
export interface Outcome {
  readonly answer?: RelayFrame
  readonly after?: () => void
}

export interface Handler {
  readonly handle: (connection: Connection, frame: ClientFrame) => Outcome | Refusal
  /** The connection is gone. */
  readonly forget: (connection: Connection) => void
  /** Pushes to everybody whose mailbox changed in the batch that was committed. */
  readonly pushWoken: () => void
  /** Devices connected. */
  readonly online: () => number
  /** Rows of the devices connected. */
  readonly present: () => Iterable<number>
  /** Sends away who may not use the relay any more. */
  readonly enforce: () => void
  /** Sends away what the administrator removed (rule relay.remove.4); tells each account once. Call after the commit. */
  readonly dismiss: (removed: ReadonlyArray<{ readonly device: number; readonly account: number }>) => void
}

/** Work a frame costs its connection. Signatures cost 50 to 100 µs each, most frames 20. */
export const costOf = (frame: ClientFrame): number => {
  switch (frame.type) {
    case 3:
      return 64
    case 5:
      return 16
    case 7:
      return 2 + 4 * (frame.signed.length + frame.lastResortKem.length + frame.oneTimeKem.length)
    case 8:
      return 16 + 8 * frame.certificates.length
    case 14:
      return 1 + Math.floor(frame.envelope.length / 16_384)
    case 23:
      return 1 + Math.floor(frame.blob.length / 16_384)
    case 26:
      return 16
    case 17:
      return 1 + Math.floor(frame.deliveries.length / 16)
    default:
      return 1
  }
}

/** How much of the connection's window a frame takes: look-ups may be answered with a whole frame, everything else shortly. */
export const weightOf = (frame: ClientFrame): number => (frame.type === 10 || frame.type === 18 ? workWindow : 1)

/** Rule relay.two.2: which connection a frame belongs to. */
const groupOf = (type: ClientFrame["type"]): "any" | "anonymous" | "login" | "device" | "slot" => {
  switch (type) {
    case 1:
    case 20:
      return "any"
    case 10:
    case 12:
    case 14:
    case 18:
    case 32:
      return "anonymous"
    case 3:
    case 5:
      return "login"
    case 22:
    case 23:
    case 25:
      return "slot"
    default:
      return "device"
  }
}

/** How long somebody waits who asked before anything was known, in ms. */
const askingMs = 250

const noPass = new Uint8Array(0)

export const makeHandler = (services: {
  readonly name: string
  readonly limits: RelayLimits
  readonly now: () => number
  readonly accounts: Accounts
  readonly prekeys: Prekeys
  readonly mailboxes: Mailboxes
  readonly slots: Slots
  readonly tombstones: Tombstones
  readonly desk: Desk
  /** Leave to upload files, where the relay keeps any. */
  readonly grants: Grants | undefined
  readonly metrics: RelayMetrics
  readonly observation: Observation
  /** What is public of an account changed, by its row; after the commit. */
  readonly onPublished: (account: number) => void
  /** A device was given a one-time password for its account (rule relay.password.2); after the commit. */
  readonly onPasswordIssued: (user: string, device: Uint8Array) => void
}): Handler => {
  const { accounts, desk, grants, limits, mailboxes, metrics, name, now, observation, prekeys, slots, tombstones } =
    services
  const { onPasswordIssued, onPublished } = services
  const online = new Map<number, Connection>()
  const woken = new Set<number>()

  const status = (request: number, device: Device): RelayFrame => ({
    type: 6,
    request,
    waiting: mailboxes.waiting(device.id),
    ...prekeys.stock(device.id)
  })

  const closeRevoked =
    (account: number, { revoked }: Published) =>
    (): void => {
      onPublished(account)
      for (const device of revoked) {
        slots.dropOf(device)
        online.get(device)?.dismiss(CloseCode.revoked, "revoked")
        online.delete(device)
      }
    }

  const takeOver = (connection: Connection, device: Device) => (): void => {
    const before = online.get(device.id)
    if (before !== undefined && before !== connection) before.dismiss(CloseCode.replaced, "replaced")
    online.set(device.id, connection)
  }

  const welcome = (connection: Connection, request: number): Outcome => {
    const challenge = new Uint8Array(randomBytes(32))
    connection.challenge = challenge
    return {
      answer: {
        type: 2,
        request,
        relay: name,
        challenge,
        now: now(),
        limits: {
          frameBytes: maxFrameBytes,
          envelopeBytes: Limits.maxEnvelopeBytes,
          mailboxEnvelopes: limits.mailboxEnvelopes,
          mailboxBytes: limits.mailboxBytes,
          retentionMs: limits.retentionMs,
          unknown: []
        }
      }
    }
  }

  /** Rule relay.entitle.3. */
  const handOutPass = (device: Device, request: number): Outcome | Refusal => {
    if (!desk.isOn) return { answer: { type: 31, request, pass: noPass, until: 0 } }
    switch (desk.standing(device.account)) {
      case "entitled":
        return { answer: { type: 31, request, ...desk.pass(now()) } }
      case "denied":
        return refuse("not-entitled", limits.notEntitledMs)
      case "unknown":
        return refuse("rate-limited", askingMs)
    }
  }

  /** Rule attachment.grant.1. */
  const handOutGrant = (device: Device, size: number, request: number): Outcome | Refusal => {
    if (grants === undefined) return refuse("unknown-frame")
    switch (desk.standing(device.account)) {
      case "entitled": {
        const issued = grants.issue(device.account, size, now())
        return isRefusal(issued) ? issued : { answer: { type: 34, request, ...issued } }
      }
      case "denied":
        return refuse("not-entitled", limits.notEntitledMs)
      case "unknown":
        return refuse("rate-limited", askingMs)
    }
  }

  const takePass = (connection: Connection, pass: Uint8Array, request: number): Outcome | Refusal => {
    const wait = connection.wrongPasses.wait(now())
    if (wait > 0) return refuse("rate-limited", wait)
    const until = desk.isOn ? desk.goodUntil(pass, now()) : 0
    if (until === undefined) {
      connection.wrongPasses.add(now())
      return refuse("not-entitled")
    }
    connection.passUntil = until
    return { answer: { type: 4, request } }
  }

  /** Rule relay.entitle.2: sends a device away whose account may not use the relay, unless something waits for it. */
  const enforce = (device: Device): void => {
    if (desk.standing(device.account, () => enforce(device)) !== "denied" || mailboxes.waiting(device.id) > 0) return
    const connection = online.get(device.id)
    if (connection?.device === undefined) return
    connection.dismiss(CloseCode.notEntitled, "not entitled")
    online.delete(device.id)
  }

  const handleDevice = (connection: Connection, device: Device, frame: ClientFrame): Outcome | Refusal => {
    const { request } = frame
    // Rule relay.remove.4: another program may have removed it, and its connection is not closed yet. 17 and 19 find nothing any more.
    const gone = frame.type === 17 || frame.type === 19 ? undefined : tombstones.ofDevice(device.id)
    if (gone !== undefined) return gone
    switch (frame.type) {
      case 7: {
        const stock = prekeys.publish(device, frame)
        return isRefusal(stock)
          ? stock
          : { answer: status(request, device), after: () => frame.signed.length > 0 && onPublished(device.account) }
      }
      case 8: {
        const published = accounts.publishManifest(device, frame)
        return isRefusal(published)
          ? published
          : { answer: { type: 4, request }, after: closeRevoked(device.account, published) }
      }
      case 9:
        mailboxes.setToken(device.id, frame.tokenHash)
        return { answer: { type: 4, request } }
      case 17: {
        const forgotten = mailboxes.acknowledge(device.id, frame.deliveries, now())
        return { answer: { type: 4, request }, after: () => metrics.acknowledged.add("", forgotten) }
      }
      case 19:
        return {
          after: () => {
            connection.addCredit(frame.credit)
            connection.push()
          }
        }
      case 30:
        return handOutPass(device, request)
      case 33:
        return handOutGrant(device, frame.size, request)
      case 21: {
        const refusal = slots.open(device.id, frame.slot, frame.party, now())
        return refusal ?? { answer: { type: 4, request } }
      }
      case 26: {
        const issued = accounts.issuePassword(device, now())
        if (isRefusal(issued)) return issued
        const { expiresAt, password, user } = issued
        return {
          answer: { type: 27, request, password, expiresAt },
          after: () => onPasswordIssued(user, device.device)
        }
      }
      default:
        return refuse("unknown-frame")
    }
  }

  /** Rule relay.two.3: a device asks for the manifests of its own account. */
  const isOwnHistory = ({ device }: Connection, frame: ClientFrame): boolean =>
    frame.type === 18 &&
    device !== undefined &&
    accounts.subjectOf(device.account).account === Bytes.toHex(frame.account)

  const handleAnonymous = (connection: Connection, frame: ClientFrame): Outcome | Refusal => {
    const { request } = frame
    switch (frame.type) {
      case 32:
        return takePass(connection, frame.pass, request)
      case 14: {
        if (desk.isOn && connection.passUntil <= now()) return refuse("not-entitled", limits.notEntitledMs)
        const taken = mailboxes.submit(frame.token, frame.envelope, now())
        if (isRefusal(taken)) return taken
        return {
          answer: { type: 15, request },
          after: () => {
            if (!taken.stored) return metrics.repeated.add()
            metrics.accepted.add()
            metrics.acceptedBytes.add("", frame.envelope.length)
            observation.submitted(taken.device, taken.kind, frame)
            woken.add(taken.device)
          }
        }
      }
      case 10: {
        const wait = connection.unknownNames.wait(now())
        if (wait > 0) return refuse("rate-limited", wait)
        const chain = accounts.lookUp(frame.user)
        if (!isRefusal(chain)) return { answer: { type: 11, request, ...chain } }
        connection.unknownNames.add(now())
        return chain
      }
      case 18: {
        const chain = accounts.manifestsAfter(frame.account, frame.after)
        return isRefusal(chain) ? chain : { answer: { type: 11, request, ...chain } }
      }
      case 12: {
        const device = accounts.find(frame.account, frame.device)
        if (isRefusal(device)) return device
        const bundle = prekeys.handOut(device, now())
        return isRefusal(bundle) ? bundle : { answer: { type: 13, request, bundle: bundle.bytes } }
      }
      default:
        return refuse("unknown-frame")
    }
  }

  const handleLogin = (connection: Connection, frame: ClientFrame): Outcome | Refusal => {
    const { challenge } = connection
    if (frame.type === 3) {
      const published = accounts.register(frame, challenge, now())
      return isRefusal(published)
        ? published
        : { answer: { type: 4, request: frame.request }, after: closeRevoked(published.account, published) }
    }
    if (frame.type !== 5) return refuse("unknown-frame")
    if (connection.device !== undefined) return refuse("not-anonymous")
    connection.challenge = undefined
    const device = accounts.login(frame, challenge)
    if (isRefusal(device)) return device
    if (desk.standing(device.account, () => enforce(device)) === "denied" && mailboxes.waiting(device.id) === 0) {
      return refuse("not-entitled", limits.notEntitledMs)
    }
    // Set before the commit: frames behind this one in the same batch count on it. A failed commit closes the connection.
    connection.device = device
    return { answer: status(frame.request, device), after: takeOver(connection, device) }
  }

  /** Rules relay.slot.1–3; every way of having no slot is answered alike (rule relay.slot.5). */
  const handleSlot = (connection: Connection, frame: ClientFrame): Outcome | Refusal => {
    const { request } = frame
    const wait = connection.unknownSlots.wait(now())
    if (wait > 0) return refuse("rate-limited", wait)
    const counted = (refusal: Refusal): Refusal => {
      if (refusal.code === "unknown-slot") connection.unknownSlots.add(now())
      return refusal
    }
    if (frame.type === 22) {
      const seat = slots.join(frame.slot, frame.party, frame.from, connection, now())
      if (!isSeat(seat)) return counted(seat)
      if (connection.seat !== undefined && connection.seat.party !== seat.party) {
        slots.leave(connection.seat, connection)
      }
      connection.seat = seat
      return { answer: { type: 4, request }, after: () => slots.push(seat) }
    }
    const { seat } = connection
    if (seat === undefined) return counted(refuse("unknown-slot"))
    if (frame.type === 23) {
      const refusal = slots.post(seat, frame.number, frame.blob, now())
      return refusal === undefined ? { answer: { type: 4, request }, after: () => slots.push(seat) } : counted(refusal)
    }
    const refusal = slots.close(seat, now())
    return refusal === undefined ? { answer: { type: 4, request } } : counted(refusal)
  }

  return {
    handle: (connection, frame) => {
      switch (groupOf(frame.type)) {
        case "any":
          return frame.type === 1 ? welcome(connection, frame.request) : { answer: { type: 4, request: frame.request } }
        case "anonymous":
          if (isOwnHistory(connection, frame)) return handleAnonymous(connection, frame)
          if (connection.mode === "authenticated" || connection.mode === "slot") return refuse("not-anonymous")
          connection.mode = "anonymous"
          return handleAnonymous(connection, frame)
        case "login":
          if (connection.mode === "anonymous" || connection.mode === "slot") return refuse("not-anonymous")
          connection.mode = "authenticated"
          return handleLogin(connection, frame)
        case "slot":
          if (connection.mode === "anonymous" || connection.mode === "authenticated") return refuse("not-anonymous")
          connection.mode = "slot"
          return handleSlot(connection, frame)
        case "device":
          return connection.device === undefined
            ? refuse("not-logged-in")
            : handleDevice(connection, connection.device, frame)
      }
    },
    forget: (connection) => {
      const { device } = connection
      if (device !== undefined && online.get(device.id) === connection) online.delete(device.id)
      connection.device = undefined
      if (connection.seat !== undefined) slots.leave(connection.seat, connection)
    },
    pushWoken: () => {
      for (const device of woken) online.get(device)?.wake()
      woken.clear()
    },
    online: () => online.size,
    present: () => online.keys(),
    dismiss: (removed) => {
      for (const { device } of removed) {
        slots.dropOf(device)
        online.get(device)?.dismiss(CloseCode.removed, "removed")
        online.delete(device)
      }
      for (const account of new Set(removed.map((one) => one.account))) onPublished(account)
    },
    enforce: () => {
      if (!desk.isOn) return
      for (const { device } of online.values()) if (device !== undefined) enforce(device)
    }
  }
}
