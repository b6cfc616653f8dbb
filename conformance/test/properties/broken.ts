/**
 * Subjects that are wrong in one way each: the property of that name must find out.
 *
 * Spec: docs/spec/21-conformance.md §21.3.
 * Each is the reference with its answers changed, and a script in which the change shows.
 */
import { Bytes } from "@tacit/core/hazmat"
import type { Handler } from "../../src/protocol/Message.ts"
import type { Members, Value } from "../../src/protocol/Value.ts"
import type { Script, WorldName } from "../../src/properties/Script.ts"
import { accepting, changed, events, eventsOf, okOf, put, rejectClass } from "./wrong.ts"

export interface BrokenSubject {
  readonly property: string
  readonly how: string
  readonly make: () => Handler
  readonly world?: WorldName
  readonly script: Script
}

const talk: Script = [["send", 0, 0, 3], ["all"], ["send", 1, 0, 4], ["all"], ["send", 0, 0, 5], ["all"]]

/** A peer echoes a run that the first device, put back to a copy from before, knows nothing of. */
const putBack: Script = [
  ["send", 0, 0, 0],
  ["all"],
  ["send", 1, 0, 0],
  ["all"],
  ["poll", 0],
  ["poll", 1],
  ["all"],
  ["snapshot", 0],
  ["restart", 0],
  ["send", 0, 0, 0],
  ["deliver", 0],
  ["rollback", 0, 0],
  ["send", 1, 0, 0],
  ["deliver", 0],
  ["deliver", 0],
  ["send", 0, 0, 0],
  ["all"]
]

let repeated: ReadonlyArray<Members> = []
let usurper: Members = {}

export const broken: ReadonlyArray<BrokenSubject> = [
  {
    property: "P01",
    how: "swallows every second message",
    make: () => events((event) => (event["type"] === "message" && Number(event["number"]) % 2 === 0 ? [] : [event])),
    script: [...talk, ["send", 0, 0, 1], ["all"]]
  },
  {
    property: "P01",
    how: "shows a message under another number",
    make: () =>
      events((event) => (event["type"] === "message" ? [{ ...event, number: Number(event["number"]) + 1 }] : [event])),
    script: talk
  },
  {
    property: "P02",
    how: "makes a message up",
    make: () => events((event) => (event["type"] === "message" ? [event, { ...event, text: "7a7a" }] : [event])),
    script: talk
  },
  {
    property: "P02",
    how: "shows a message under another sender",
    make: () => events((event) => (event["type"] === "message" ? [{ ...event, from: "00".repeat(32) }] : [event])),
    script: talk
  },
  {
    property: "P02",
    how: "takes in what was altered",
    make: () => accepting("auth.tag"),
    script: [...talk, ["flip", 0, 8, 9]]
  },
  {
    property: "P03",
    how: "shows a message twice",
    make: () => events((event) => (event["type"] === "message" ? [event, event] : [event])),
    script: talk
  },
  {
    property: "P03",
    how: "shows a replayed message again",
    make: () => {
      repeated = []
      return changed(() => (reply, { op }) => {
        if (op !== "receive") return reply
        if (eventsOf(reply).some(({ type }) => type === "message")) repeated = eventsOf(reply)
        const isReplay = rejectClass(reply)?.startsWith("fresh.") === true
        return isReplay ? { id: reply.id, ok: { events: repeated, out: [] } } : reply
      })
    },
    script: [
      ["send", 0, 0, 3],
      ["deliver", 0],
      ["replay", 0]
    ]
  },
  {
    property: "P04",
    how: "gives up after a refusal",
    make: () => {
      let refused = 0
      return changed(() => (reply, { op }) => {
        if (op !== "receive") return reply
        if ("reject" in reply) refused++
        return refused > 0 ? { id: reply.id, reject: { stage: "lookup", class: "lookup.no-session" } } : reply
      })
    },
    script: [...talk, ["flip", 2, 8, 9], ["send", 0, 0, 1], ["all"]]
  },
  {
    property: "P05",
    how: "counts refusals in what it keeps",
    make: () => {
      let refused = 0
      return changed(() => (reply, { op }) => {
        if (op === "receive" && "reject" in reply) refused++
        return op === "digest"
          ? put(reply, { digest: `${okOf(reply)?.["digest"] as string}${Bytes.toHex(Bytes.be32(refused))}` })
          : reply
      })
    },
    script: [...talk, ["flip", 2, 8, 9]]
  },
  {
    property: "P06",
    how: "names a session of its own",
    make: () =>
      changed(
        () =>
          (reply, { as, op }) =>
            op === "session.agree" ? put(reply, { session: as === "a0" ? "00" : "01" }) : reply
      ),
    script: talk
  },
  {
    property: "P18",
    how: "goes on in a session of its own after starts crossed",
    make: () =>
      changed(() => {
        const began = new Set<string | undefined>()
        return (reply, { as, op }) => {
          const used = okOf(reply)?.["used"]
          if (op === "session.send" && Array.isArray(used) && used.length > 0) began.add(as)
          return op === "session.agree" && began.size > 1 ? put(reply, { session: as === "a0" ? "00" : "01" }) : reply
        }
      }),
    script: [
      ["send", 0, 0, 0],
      ["send", 1, 0, 0]
    ]
  },
  {
    property: "P10",
    how: "takes in what is for another mailbox",
    make: () => accepting("envelope.mailbox"),
    script: [...talk, ["redirect", 0, 0]]
  },
  {
    property: "P10",
    how: "looks at freshness before it authenticates",
    make: () =>
      changed(
        () =>
          (reply, { op }) =>
            op === "receive" && rejectClass(reply) === "envelope.mailbox"
              ? { id: reply.id, reject: { stage: "freshness", class: "fresh.used-key" } }
              : reply
      ),
    script: [...talk, ["redirect", 0, 0]]
  },
  {
    property: "P11",
    how: "seals with a constant for a nonce",
    make: () =>
      changed(
        () => (reply) => reply,
        (request) =>
          request.op === "session.send"
            ? { ...request, coins: { "header.nonce": Array(4).fill("00".repeat(12)) } }
            : request
      ),
    script: [...talk, ["send", 0, 0, 1], ["send", 0, 0, 2], ["all"]]
  },
  {
    property: "P11",
    how: "meets its coins again after a restore",
    make: () => {
      let sent = 0
      return changed(
        () =>
          (reply, { op }) => {
            if (op === "actor.restore") sent = 0
            return reply
          },
        (request) => {
          if (request.op !== "session.send") return request
          const nonce = Bytes.toHex(Bytes.be32(++sent)).padStart(24, "0")
          return { ...request, coins: { "header.nonce": [nonce] } }
        }
      )
    },
    script: [...talk, ["snapshot", 0], ["rollback", 0, 0], ["send", 0, 0, 1], ["send", 0, 0, 2], ["send", 0, 0, 3]]
  },
  {
    property: "P12",
    how: "stores without bounds",
    make: () =>
      changed(
        () =>
          (reply, { op }) =>
            op === "inspect" ? put(reply, { skipped: 1_000_000_000 }) : reply
      ),
    script: talk
  },
  {
    property: "P12",
    how: "works long on what it refuses",
    make: () =>
      changed(() => async (reply, { op }) => {
        if (op === "receive" && "reject" in reply) await new Promise((resolve) => setTimeout(resolve, 1500))
        return reply
      }),
    script: [...talk, ...talk, ["flip", 2, 8, 9]]
  },
  {
    property: "P13",
    how: "reports a gap that is none",
    make: () =>
      events((event) =>
        event["type"] === "message" ? [{ type: "gap", device: event["from"]!, from: 7, to: 8 }, event] : [event]
      ),
    script: talk
  },
  {
    property: "P13",
    how: "keeps quiet about gaps",
    make: () => events((event) => (event["type"] === "gap" ? [] : [event])),
    script: [...talk, ["send", 0, 0, 1], ["send", 0, 0, 2], ["drop", 0], ["all"]]
  },
  {
    property: "P14",
    how: "keeps quiet about a changed identity",
    make: () => events((event) => (event["type"] === "identity-changed" ? [] : [event])),
    world: "usurper",
    script: [["send", 0, 0, 1], ["all"], ["usurp"], ["send", 2, 0, 1], ["all"]]
  },
  {
    property: "P14",
    how: "pins whatever account the directory names",
    make: () => {
      let mine: Value = ""
      return changed(() => (reply, { as, op, in: input }) => {
        if (op === "actor.new" && as === "a2") mine = okOf(reply)?.["device"] ?? ""
        if (op === "peer.learn" && rejectClass(reply) === "policy.identity-changed")
          return { id: reply.id, ok: { devices: [mine] } }
        if (op === "poll")
          return put(reply, { events: eventsOf(reply).filter(({ type }) => type !== "identity-changed") })
        void input
        return reply
      })
    },
    world: "usurper",
    script: [["usurp"]]
  },
  {
    property: "P14",
    how: "keeps quiet about an account that only a start brings",
    make: () => events((event) => (event["type"] === "identity-changed" ? [] : [event])),
    world: "usurper",
    script: [["send", 0, 0, 1], ["all"], ["usurp", 1], ["send", 2, 0, 1], ["all"], ["accept"], ["all"]]
  },
  {
    property: "P14",
    how: "shows what came under a changed identity before it was accepted",
    make: () => {
      let theirs = ""
      return changed(() => (reply, { as, in: input, op }) => {
        if (as === "a2" && op === "session.send") theirs = input["text"] as string
        if (as === "a2" && op === "actor.new") usurper = okOf(reply)!
        const isHeld = eventsOf(reply).some(({ class: cause }) => cause === "policy.identity-changed")
        if (op !== "receive" || !isHeld) return reply
        const { account, device } = usurper
        const message = {
          type: "message",
          from: device!,
          account: account!,
          id: "00",
          number: 1,
          text: theirs,
          late: false
        }
        return put(reply, { events: [...eventsOf(reply), message] })
      })
    },
    world: "usurper",
    script: [["send", 0, 0, 1], ["all"], ["usurp", 0], ["send", 2, 0, 1], ["all"]]
  },
  {
    property: "P17",
    how: "hears a device that was revoked",
    make: () => accepting("lookup.no-session", "policy.revoked-device"),
    script: [["revoke", 0, 0]]
  },
  {
    property: "P19",
    how: "opens a start again when its session is gone",
    make: () => accepting("fresh.replayed-start"),
    script: [["old-start", 0, 0]]
  },
  {
    property: "P19",
    how: "uses a one-time key a second time",
    make: () => accepting("lookup.prekey-consumed"),
    world: "trio",
    script: [
      ["send", 0, 0, 1],
      ["all"],
      ["send", 1, 0, 1],
      ["all"],
      ["bundle", 1, 0, 0],
      ["all"],
      ["bundle", 2, 0, 0],
      ["all"],
      ["bundle", 0, 0, 7],
      ["all"]
    ]
  },
  {
    property: "P01",
    how: "acknowledges before it stores",
    make: () =>
      changed(
        () => (reply) => (okOf(reply)?.["acknowledged"] === undefined ? reply : put(reply, { acknowledged: true }))
      ),
    script: [
      ["send", 0, 0, 1],
      ["crash-receive", 0, 0]
    ]
  },
  {
    property: "P13",
    how: "calls numbers under a floor missing",
    make: () =>
      events((event) =>
        event["type"] === "message" && event["number"] === 7
          ? [{ type: "gap", device: event["from"]!, from: 1, to: 6 }, event]
          : [event]
      ),
    script: [["malice", 0, 1]]
  },
  {
    property: "P20",
    how: "keeps quiet about having been put back",
    make: () => events((event) => (event["type"] === "restored" ? [] : [event])),
    script: putBack
  },
  {
    property: "P20",
    how: "goes on numbering when it knows that it was put back",
    make: () =>
      changed(
        () =>
          (reply, { op }) =>
            op === "session.send" && okOf(reply)?.["number"] === 0 ? put(reply, { number: 99 }) : reply
      ),
    script: putBack
  },
  {
    property: "P20",
    how: "takes a damaged snapshot",
    make: () =>
      changed(
        () =>
          (reply, { op }) =>
            op === "actor.restore" && "reject" in reply ? { id: reply.id, ok: { events: [], out: [] } } : reply
      ),
    script: [...talk, ["corrupt", 0, 5, 4]]
  },
  {
    property: "P20",
    how: "takes an old list of devices",
    make: () =>
      changed(
        () =>
          (reply, { op }) =>
            op === "peer.learn" && rejectClass(reply) === "fresh.rollback"
              ? { id: reply.id, ok: { devices: [] } }
              : reply
      ),
    script: [["chain", 0, 0]]
  },
  {
    property: "P21",
    how: "gives one number to messages that come together",
    make: () =>
      changed(
        () =>
          (reply, { op }) =>
            op === "session.send" && okOf(reply)?.["number"] !== undefined ? put(reply, { number: 1 }) : reply
      ),
    script: [...talk, ["overlap", 0, 0, 3]]
  },
  {
    property: "P22",
    how: "pads to lengths of its own",
    make: () =>
      changed(() => (reply, { op }) => {
        const out = okOf(reply)?.["out"]
        if (op !== "session.send" || !Array.isArray(out)) return reply
        const longer = out.map((one) => {
          const { to, wire } = one as { readonly to: string; readonly wire: string }
          const bytes = Bytes.fromHex(wire)!
          // A session message with a one-byte head of its length.
          if (bytes[2] !== 2 || bytes[21] !== 0xc4 || bytes[22]! > 250) return { to, wire }
          const length = bytes[22]! + 1
          return {
            to,
            wire: Bytes.toHex(
              Bytes.concat(bytes.subarray(0, 22), Uint8Array.of(length), bytes.subarray(23), Uint8Array.of(0))
            )
          }
        })
        return put(reply, { out: longer })
      }),
    script: talk
  },
  {
    property: "P23",
    how: "gives every message the same id",
    make: () =>
      changed(
        () =>
          (reply, { op }) =>
            op === "session.send" && "ok" in reply ? put(reply, { id: "11".repeat(16) }) : reply
      ),
    script: talk
  }
]

/** Wrong in single operations and transcripts. */
export const brokenOperations: ReadonlyArray<Omit<BrokenSubject, "script">> = [
  {
    property: "P15",
    how: "seals one byte differently",
    make: () =>
      changed(() => (reply, { op }) => {
        const message = okOf(reply)?.["message"]
        return op === "ratchet.seal" && typeof message === "string"
          ? put(reply, { message: `${message.slice(0, -2)}00` })
          : reply
      })
  },
  {
    property: "P15",
    how: "refuses at another stage",
    make: () =>
      changed(
        () =>
          (reply, { op }) =>
            op === "ratchet.open" && "reject" in reply ? { id: reply.id, reject: { stage: "decode" } } : reply
      )
  },
  {
    property: "P16",
    how: "reads integers of any width",
    make: () =>
      changed(
        () =>
          (reply, { in: input, op }) =>
            op === "canon.decode" && "reject" in reply && (input["bytes"] as string).startsWith("cc")
              ? { id: reply.id, ok: { value: Number.parseInt((input["bytes"] as string).slice(2, 4), 16) || 0 } }
              : reply
      )
  },
  {
    property: "P16",
    how: "refuses what is canonical",
    make: () =>
      changed(
        () =>
          (reply, { op }) =>
            op === "canon.decode" && "ok" in reply ? { id: reply.id, reject: { stage: "decode" } } : reply
      )
  },
  {
    property: "P23",
    how: "has one account for all",
    make: () =>
      changed(
        () =>
          (reply, { op }) =>
            op === "actor.new" ? put(reply, { mailbox: "22".repeat(16) }) : reply
      )
  }
]
