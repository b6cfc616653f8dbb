/**
 * Subjects that are wrong about accounts of several devices, in one way each: the property of that name must find out.
 *
 * Spec: docs/spec/21-conformance.md §21.3; docs/spec/04-accounts.md §4.4; docs/spec/22-own-devices.md.
 * Devices are a0 to a2 of alice and a3 to a5 of bob, each made when it is admitted; a0 and a3 are there from the beginning.
 */
import type { Handler, Request } from "../../src/protocol/Message.ts"
import type { Members, Value } from "../../src/protocol/Value.ts"
import type { Script } from "../../src/properties/Script.ts"
import { textOf } from "../../src/properties/Text.ts"
import { accepting, changed, events, eventsOf, okOf, outOf, put, rejectClass } from "./wrong.ts"

export interface BrokenFleet {
  readonly property: string
  readonly how: string
  readonly make: () => Handler
  readonly script: Script
}

const alice = 0
const bob = 1
/** Bob has a second device, and everybody knows. */
const second: Script = [["admit", bob], ["inform", 0, 1], ["poll", 0], ["poll", 1], ["poll", 2], ["all"]]
/** Bob has three. */
const third: Script = [["admit", bob], ["admit", bob], ["poll", 0], ["poll", 1], ["poll", 2], ["poll", 3], ["all"]]
/** A message each way. */
const talk: Script = [["send", 0], ["all"], ["send", 1], ["all"]]

/** Goes on by the manifests of before a device's `op`, and says that it took the newer ones. */
const stuck = (as: string, ...ops: ReadonlyArray<string>): Handler => {
  let most = 0
  const older = (request: Request): Request => {
    const { manifests } = request.in
    if (request.as !== as || !Array.isArray(manifests)) return request
    if (!ops.includes(request.op) && request.op !== "peer.answer") return request
    // The third version is the one that revokes.
    most = Math.max(most, manifests.length)
    return { ...request, in: { ...request.in, manifests: manifests.slice(0, 2) } }
  }
  return changed(() => (reply) => reply, older)
}

/** The first session that is told of two devices is told for ever. */
const sameSession = (of: string): Handler =>
  changed(() => {
    const first = new Map<string, Value>()
    return (reply, { as, in: input, op }) => {
      const session = okOf(reply)?.["session"]
      if (op !== "session.agree" || as !== of || session === undefined) return reply
      const key = textOf(input["device"])
      if (!first.has(key)) first.set(key, session)
      return put(reply, { session: first.get(key)! })
    }
  })

/** From the first message on that a device shows, what it sends to another one is lost. */
const silentTo = (from: string, to: string): Handler =>
  changed(() => {
    let mailbox: Value | undefined
    let silent = false
    return (reply, { as, op }) => {
      if (op === "actor.enter" && as === to) mailbox = okOf(reply)?.["mailbox"]
      if (as !== from) return reply
      silent ||= eventsOf(reply).some(({ type }) => type === "message")
      return silent ? put(reply, { out: outOf(reply).filter((one) => one["to"] !== mailbox) }) : reply
    }
  })

export const brokenFleet: ReadonlyArray<BrokenFleet> = [
  {
    property: "P01-devices",
    how: "shows messages on one device alone",
    make: () => events((event, as) => (as === "a4" && event["type"] === "message" ? [] : [event])),
    script: [...second, ...talk]
  },
  {
    property: "P01-devices",
    how: "keeps no copies of what own devices sent (own.copy.1)",
    make: () => events((event) => (event["type"] === "sent-copy" ? [] : [event])),
    script: [...second, ["send", 1], ["all"]]
  },
  {
    property: "P01-devices",
    how: "keeps to itself what its sender did not know to send to all (own.received.1)",
    make: () => silentTo("a3", "a4"),
    script: [["withhold", 0], ["admit", bob], ["all"], ["send", 0], ["all"]]
  },
  {
    property: "P01-devices",
    how: "numbers a copy in its own way",
    make: () => events((event) => (event["type"] === "sent-copy" ? [{ ...event, number: 77 }] : [event])),
    script: [...second, ["send", 1], ["all"]]
  },
  {
    property: "P02-devices",
    how: "shows a copy as a message that came",
    make: () =>
      events((event) =>
        event["type"] === "sent-copy" ? [{ ...event, type: "message", from: event["device"]!, late: false }] : [event]
      ),
    script: [...second, ["send", 1], ["all"]]
  },
  {
    property: "P02-devices",
    how: "shows copies of what nobody sent",
    make: () => events((event) => (event["type"] === "sent-copy" ? [event, { ...event, text: "7a7a" }] : [event])),
    script: [...second, ["send", 1], ["all"]]
  },
  {
    property: "P02-devices",
    how: "shows a message under a sibling of its sender",
    make: () => {
      let sibling: Value = ""
      return changed(() => (reply, { as, op }) => {
        if (op === "actor.enter" && as === "a4") sibling = okOf(reply)!["device"]!
        const shown = eventsOf(reply)
        if (as !== "a0" || shown.length === 0) return reply
        return put(reply, { events: shown.map((one) => (one["type"] === "message" ? { ...one, from: sibling } : one)) })
      })
    },
    script: [...second, ["send", 1], ["all"]]
  },
  {
    property: "P03-devices",
    how: "shows copies twice",
    make: () => events((event) => (event["type"] === "sent-copy" ? [event, event] : [event])),
    script: [...second, ["send", 1], ["all"]]
  },
  {
    property: "P03-devices",
    how: "shows a message again with the next poll",
    make: () =>
      changed(() => {
        const kept = new Map<string, Members>()
        return (reply, { as = "", op }) => {
          const message = eventsOf(reply).find(({ type }) => type === "message")
          if (message !== undefined) kept.set(as, message)
          const again = kept.get(as)
          return op === "poll" && as === "a4" && again !== undefined
            ? put(reply, { events: [...eventsOf(reply), again] })
            : reply
        }
      }),
    script: [...second, ["send", 0], ["all"], ["poll", 2]]
  },
  {
    property: "P04-devices",
    how: "gives up on one device after a refusal",
    make: () => {
      let refused = 0
      return changed(() => (reply, { as, op }) => {
        if (op !== "receive" || as !== "a4") return reply
        if ("reject" in reply) refused++
        return refused > 0 ? { id: reply.id, reject: { stage: "lookup", class: "lookup.no-session" } } : reply
      })
    },
    script: [...second, ["send", 0], ["all"], ...Array.from({ length: 12 }, (_, n) => ["flip", n, 8, 9] as const)]
  },
  {
    property: "P05-devices",
    how: "counts refused lists in what it keeps",
    make: () => {
      let refused = 0
      return changed(() => (reply, { op }) => {
        if (op === "peer.learn" && "reject" in reply) refused++
        return op === "digest" ? put(reply, { digest: `${textOf(okOf(reply)?.["digest"])}0${refused}` }) : reply
      })
    },
    script: [...second, ["outdated", 0, 1]]
  },
  {
    property: "P10-devices",
    how: "takes in what is for a sibling",
    make: () => accepting("envelope.mailbox"),
    script: [...second, ["send", 0], ["redirect", 0, 0]]
  },
  {
    property: "P10-devices",
    how: "begins a session with a sibling's bundle",
    make: () => {
      let target: Value = ""
      return changed(() => (reply, { as, in: input, op }) => {
        if (op === "peer.offer" && as === "a0") target = input["device"]!
        return op === "session.send" && "reject" in reply
          ? { id: reply.id, ok: { id: "00".repeat(16), number: 1, out: [], used: [target] } }
          : reply
      })
    },
    script: [...second, ["send", 0], ["all"], ["mix", 0, 0]]
  },
  {
    property: "P11-devices",
    how: "seals for all devices with one nonce",
    make: () =>
      changed(
        () => (reply) => reply,
        (request) =>
          request.op === "session.send"
            ? { ...request, coins: { "header.nonce": Array(12).fill("00".repeat(12)) } }
            : request
      ),
    script: [...second, ...talk, ["send", 0], ["send", 0], ["all"]]
  },
  {
    property: "P13-devices",
    how: "misses numbers that were never meant for a new device",
    make: () => {
      let told = false
      return changed(() => (reply, { as, op }) => {
        const message = eventsOf(reply).find(({ type }) => type === "message")
        if (op !== "receive" || as !== "a4" || message === undefined || told) return reply
        told = true
        return put(reply, { events: [{ type: "gap", device: message["from"]!, from: 1, to: 1 }, ...eventsOf(reply)] })
      })
    },
    script: [["send", 0], ["all"], ...second, ["send", 0], ["all"]]
  },
  {
    property: "P13-devices",
    how: "keeps quiet about gaps on one device",
    make: () => events((event, as) => (as === "a4" && event["type"] === "gap" ? [] : [event])),
    // Its second device gets the third message before the second one.
    script: [...second, ["send", 0], ["all"], ["send", 0], ["send", 0], ["reorder", 1], ["all"]]
  },
  {
    property: "P13-devices",
    how: "misses words of own devices that were for others (own.devices.2)",
    make: () =>
      events((event) =>
        event["type"] === "sent-copy" ? [{ type: "gap", device: event["device"]!, from: 1, to: 1 }, event] : [event]
      ),
    script: [...third, ["send", 1], ["all"]]
  },
  {
    property: "P14-devices",
    how: "keeps quiet about a new device of a contact",
    make: () => events((event, as) => (as === "a0" && event["type"] === "device-changed" ? [] : [event])),
    script: [["admit", bob], ["send", 2], ["all"]]
  },
  {
    property: "P14-devices",
    how: "keeps quiet about an own device that is gone",
    make: () => events((event, as) => (as === "a4" && event["type"] === "device-changed" ? [] : [event])),
    script: [...third, ["expel", bob, 1], ["inform", 2, 0]]
  },
  {
    property: "P14-devices",
    how: "hears of newer lists and asks for none (own.lists.2)",
    make: () => stuck("a0"),
    script: [...second, ["admit", bob]]
  },
  {
    property: "P14-devices",
    how: "tells every change twice",
    make: () => events((event) => (event["type"] === "device-changed" ? [event, event] : [event])),
    script: [
      ["admit", bob],
      ["inform", 0, 1],
      ["poll", 0]
    ]
  },
  {
    property: "P17-devices",
    how: "seals for a revoked device when it knows (manifest.revoke.2)",
    make: () => stuck("a0", "peer.learn"),
    script: [...second, ["send", 0], ["all"], ["expel", bob, 0, 1], ["inform", 0, 1], ["send", 0]]
  },
  {
    property: "P17-devices",
    how: "hears a revoked device when it knows (manifest.device.2)",
    make: () => stuck("a0", "peer.learn"),
    script: [...second, ...talk, ["send", 2], ["expel", bob, 0, 1], ["inform", 0, 1], ["all"]]
  },
  {
    property: "P17-devices",
    how: "sends when it knows that it was removed (manifest.removed.1)",
    make: () => stuck("a4", "own.learn"),
    script: [...second, ...talk, ["expel", bob, 0, 1]]
  },
  {
    property: "P17-devices",
    how: "says that it was removed, and was not",
    make: () =>
      changed(
        () =>
          (reply, { as, op }) =>
            op === "poll" && as === "a4" ? put(reply, { events: [{ type: "revoked", version: 3 }] }) : reply
      ),
    script: second
  },
  {
    property: "P17-devices",
    how: "goes on in the sessions with those that are left (manifest.revoke.3)",
    make: () => sameSession("a3"),
    script: [...third, ["send", 1], ["all"], ["expel", bob, 0, 1]]
  },
  {
    property: "P17-devices",
    how: "goes on in the sessions with contacts after an own device was revoked (manifest.revoke.4)",
    make: () => sameSession("a3"),
    script: [...second, ...talk, ["expel", bob, 0, 1], ["clock", 4], ["send", 1]]
  },
  {
    property: "P17-devices",
    how: "opens on a revoked device what was sent to another one",
    make: () => accepting("lookup.no-session", "auth.seal", "auth.start", "auth.tag", "auth.certificate"),
    script: [...third, ["expel", bob, 0, 1], ["send", 0], ["linger", 0, 0]]
  },
  {
    property: "P18-devices",
    how: "names a session of its own between own devices",
    make: () =>
      changed(
        () =>
          (reply, { as, op }) =>
            op === "session.agree" && as === "a4" ? put(reply, { session: "00" }) : reply
      ),
    script: second
  },
  {
    property: "P20-devices",
    how: "takes an old list of a contact's devices",
    make: () =>
      changed(
        () =>
          (reply, { op }) =>
            op === "peer.learn" && rejectClass(reply) === "fresh.rollback"
              ? { id: reply.id, ok: { devices: [] } }
              : reply
      ),
    script: [...second, ["outdated", 0, 1]]
  },
  {
    property: "P20-devices",
    how: "takes an old list of its own devices",
    make: () =>
      changed(
        () =>
          (reply, { op }) =>
            op === "own.learn" && rejectClass(reply) === "fresh.rollback"
              ? { id: reply.id, ok: { devices: [], events: [], out: [] } }
              : reply
      ),
    script: [...second, ["outdated", 2, 0]]
  },
  {
    property: "P20-devices",
    how: "never recovers on one device that was put back",
    make: () => {
      let back = false
      return changed(() => (reply, { as, op }) => {
        if (as !== "a4") return reply
        if (op === "actor.restore") back = true
        return back && okOf(reply)?.["out"] !== undefined ? put(reply, { out: [] }) : reply
      })
    },
    script: [...second, ...talk, ["snapshot", 2], ["send", 2], ["all"], ["rollback", 0, 0]]
  },
  {
    property: "P20-devices",
    how: "says that it was put back, and was not",
    make: () =>
      changed(
        () =>
          (reply, { as, op }) =>
            op === "poll" && as === "a4" ? put(reply, { events: [{ type: "restored" }] }) : reply
      ),
    script: second
  },
  {
    property: "P20-devices",
    how: "calls a grown list a second history",
    make: () =>
      events((event) =>
        event["type"] === "device-changed" ? [event, { type: "forked", account: event["account"]! }] : [event]
      ),
    script: [["admit", alice], ["send", 0], ["all"]]
  }
]
