/**
 * One linking with every frame of a run in which nothing goes wrong, and the steps of transcripts that tell it.
 *
 * Spec: docs/spec/19-linking.md §19.7.
 */
import { now } from "./family.ts"
import type { Device } from "./identity.ts"
import { handedOver, invitation, Linking, payload, type Invitation } from "./linking.ts"
import type { Json, JsonObject, ScriptStep } from "./model.ts"
import type { Ref, Trace } from "./trace.ts"

/** Actors of the transcripts: the old end and the new one. */
export const [O, N] = ["old/1", "new/1"] as const

export type Event = ReadonlyArray<Json>

/** One linking with every frame of a run in which nothing goes wrong, and the steps by which it is told. */
export class Run {
  readonly trace: Trace
  readonly id: string
  readonly invited: Invitation
  readonly linking: Linking
  readonly challenge: number
  readonly joiner: Device
  readonly ready: ReturnType<Linking["ready"]>
  readonly digits: number
  readonly admin: boolean
  pin = ""
  payloadBytes: Ref = "$none"
  handover: Ref = "$none"
  ad: Ref = "$none"
  proved: Ref | undefined
  shares: Array<Ref> = []

  constructor(
    trace: Trace,
    id: string,
    old: Device,
    joiner: Device,
    challenge: number,
    index: number,
    { admin = false, digits = 6, actors = ["linking/old", "linking/new"] as readonly [string, string] } = {}
  ) {
    this.trace = trace
    this.id = id
    this.challenge = challenge
    this.joiner = joiner
    this.digits = digits
    this.admin = admin
    const lists = { 1: [1, 2], 2: [2], 3: [3] }[challenge]!
    this.invited = invitation(trace, `${id}.invitation`, old, actors[0], index, { offers: lists })
    const takes = challenge === 1 ? [1, 2] : challenge === 2 ? [1, 2] : [3]
    this.linking = new Linking(trace, id, this.invited, joiner, takes, actors, index)
    this.ready = this.linking.ready()
  }

  /** Final keys, and the frames that end the linking, out of what the challenge proved. */
  seal(proved: Ref | undefined): this {
    const { admin, id, invited, joiner, linking, trace } = this
    const { ad, handover } = linking.finish(this.challenge, proved)
    const old = invited.issuer
    const sealed = admin ? handedOver(trace, `${id}.handover`, old, handover, ad) : undefined
    this.payloadBytes = payload(trace, `${id}.payload`, old, joiner, {
      role: admin ? 1 : 2,
      ...(sealed === undefined ? {} : { handover: sealed })
    })
    this.handover = handover
    this.ad = ad
    linking.finalFromOld("payload-frame", [1, this.payloadBytes])
    linking.finalFromNew("done", [2])
    linking.finalFromOld("linked", [3])
    return this
  }

  ref(name: string): Ref {
    return `$${this.id}.${name}`
  }

  // ---- Steps

  step(
    as: string,
    act: string,
    input: JsonObject,
    state: string,
    frames: ReadonlyArray<Ref> = [],
    events: ReadonlyArray<Event> = []
  ): ScriptStep {
    return { do: act, as, in: input, expect: "ok", out: { frames: [...frames], events: [...events], state } }
  }

  receive(
    as: string,
    frame: Ref,
    state: string,
    frames: ReadonlyArray<Ref> = [],
    events: ReadonlyArray<Event> = [],
    at = now
  ): ScriptStep {
    return this.step(as, "link.receive", { frame, now: at }, state, frames, events)
  }

  /** Both ends begin: 0 the invitation, 1 hello. */
  begin(): ReadonlyArray<ScriptStep> {
    const { digits, id, invited, joiner, linking, ready, trace } = this
    const pin = trace.has(`${id}.pin-random`)
      ? this.ref("pin-random")
      : trace.coin(`${id}.pin-random`, "linking/old", "link.pin", linking.index, 10)
    const secret = trace.has(`${id}.code-secret`)
      ? this.ref("code-secret")
      : trace.coin(`${id}.code-secret`, "linking/new", "link.secret", linking.index, 16)
    return [
      {
        do: "link.offer",
        as: O,
        in: {
          invitation: invited.whole,
          agreement: invited.issuer.agree,
          digits,
          slot: invited.slot,
          ephemeral: invited.secret,
          nonce: this.ref("old-nonce"),
          pin,
          shares: [...linking.scalars(0)]
        },
        expect: "ok",
        out: { state: "open" }
      },
      this.step(
        N,
        "link.join",
        {
          invitation: invited.whole,
          show: true,
          type: true,
          digits: this.challenge === 3,
          device: joiner.device,
          agreement: joiner.agree,
          shared: linking.second,
          ephemeral: this.ref("secret"),
          nonce: this.ref("new-nonce"),
          secret,
          shares: [...linking.scalars(1)],
          now
        },
        "joined",
        [linking.hello]
      ),
      this.receive(O, linking.hello, "answered", [linking.answer], [["joined"]]),
      this.receive(N, linking.answer, "signing", [linking.reveal], [["sign", ready.input]])
    ]
  }

  /** 4 the signature, 5 reveal, 6 ready: the challenge begins. */
  open(): ReadonlyArray<ScriptStep> {
    const { challenge, linking, ready } = this
    const newState = { 1: "showing", 2: "waiting", 3: "comparing" }[challenge]!
    const newEvents: ReadonlyArray<Event> =
      challenge === 1
        ? [["show-code", this.ref("code")]]
        : challenge === 3
          ? [["compare-digits", linking.digits()]]
          : []
    const oldState = { 1: "scanning", 2: "proving", 3: "comparing" }[challenge]!
    const oldEvents: ReadonlyArray<Event> =
      challenge === 1
        ? [["scan-code"]]
        : challenge === 3
          ? [["compare-digits", linking.digits()]]
          : [["show-pin", this.pin, 3]]
    return [
      ...this.begin(),
      this.step(N, "link.sign", { signature: ready.signature, now }, newState, [ready.frame], newEvents),
      this.receive(O, linking.reveal, "revealed"),
      this.receive(O, ready.frame, oldState, challenge === 2 ? [this.shares[0]!] : [], oldEvents)
    ]
  }

  verified(): Event {
    return ["verified", this.joiner.device, this.joiner.agree, this.handover, this.ad]
  }

  /** From verified to linked. */
  close(): ReadonlyArray<ScriptStep> {
    const { joiner } = this
    return [
      this.step(O, "link.grant", { payload: this.payloadBytes, now }, "granted", [this.ref("payload-frame")]),
      this.receive(
        N,
        this.ref("payload-frame"),
        "received",
        [],
        [["received", this.payloadBytes, this.handover, this.ad]]
      ),
      this.step(N, "link.finish", { now }, "finishing", [this.ref("done")]),
      this.receive(O, this.ref("done"), "linked", [this.ref("linked")], [["linked", joiner.device]]),
      this.receive(N, this.ref("linked"), "linked", [], [["linked"]])
    ]
  }

  /** Old's end after it aborted, or heard so. */
  aborted(reason: string, by: string, named = false): Event {
    return ["aborted", reason, by, named ? this.joiner.device : ""]
  }
}
