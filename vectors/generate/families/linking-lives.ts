/**
 * F14: whole linkings with both ends, by each challenge, and what each state must refuse.
 *
 * Spec: docs/spec/19-linking.md §19.2, §19.5, §19.7, §19.8. Long because it is one table of cases.
 */
import { FileBuilder, now } from "../family.ts"
import { device, type Device } from "../identity.ts"
import { handedOver, invitation, lifetime, Linking, payload, type Invitation } from "../linking.ts"
import type { Delta, Json, JsonObject, ScriptStep, VectorFile } from "../model.ts"
import type { Ref, Trace } from "../trace.ts"
import { cast, family } from "./linking.ts"

const [O, N] = ["old/1", "new/1"] as const

type Event = ReadonlyArray<Json>

/** One linking with every frame of a run in which nothing goes wrong, and the steps by which it is told. */
class Run {
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

export const linkings = (): VectorFile => {
  const file = new FileBuilder(family, "linkings")
  const world = "linkings"
  const trace = file.world(world, "linkings of one account by each challenge, and two in which somebody stands between")
  const { joiner, mallory, old } = cast(trace)
  let index = 0
  const run = (id: string, challenge: number, options: ConstructorParameters<typeof Run>[6] = {}, as = joiner): Run => {
    const made = new Run(trace, id, old, as, challenge, index++, options)
    if (challenge === 2) {
      const pin = made.linking.pin(made.digits)
      made.pin = pin.text
      made.shares.push(made.linking.share(1, pin.prs).frame)
    }
    return made
  }
  const prsOf = (made: Run): Ref => made.ref("pin")

  // ---- By each challenge
  const code = run("code", 1)
  code.seal(code.linking.code().secret)
  const admin = run("admin", 1, { admin: true })
  admin.seal(admin.linking.code().secret)
  const pin = run("pin", 2)
  const right = pin.linking.proof("right", 1, prsOf(pin), "$pin.share-1")
  pin.seal(right.isk)
  const digits = run("digits", 3).seal(undefined)
  const agreed = digits.linking.fromNew("agreed", [4])

  const scan = (of: Run): ScriptStep =>
    of.step(O, "link.scan", { code: of.ref("code"), now }, "verified", [], [of.verified()])
  const byCode = (of: Run): ReadonlyArray<ScriptStep> => [...of.open(), scan(of), ...of.close()]
  const byPin: ReadonlyArray<ScriptStep> = [
    ...pin.open(),
    pin.receive(N, pin.shares[0]!, "typing", [], [["ask-pin", 3]]),
    pin.step(N, "link.type", { text: pin.pin, now }, "proved", [right.frame]),
    pin.receive(O, right.frame, "verified", [], [pin.verified()]),
    ...pin.close()
  ]
  const confirm = (
    as: string,
    state: string,
    frames: ReadonlyArray<Ref> = [],
    events: ReadonlyArray<Event> = []
  ): ScriptStep => digits.step(as, "link.confirm", { now }, state, frames, events)
  const byDigits: ReadonlyArray<ScriptStep> = [
    ...digits.open(),
    confirm(O, "comparing"),
    confirm(N, "agreed", [agreed]),
    digits.receive(O, agreed, "verified", [], [digits.verified()]),
    ...digits.close()
  ]
  const valid = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    script: ReadonlyArray<ScriptStep>,
    flags: ReadonlyArray<string> = []
  ): void => void file.transcript({ id: `linking-${id}`, title, clauses, flags, world }, script)
  const whole = ["link.frame.1", "link.transcript.1", "link.keys.2", "link.keys.3", "link.ready.1", "link.payload.4"]
  valid("code", "a member, by a code", [...whole, "link.code.2"], byCode(code))
  valid("code-admin", "an admin, by a code: the account is handed over", [...whole, "link.payload.2"], byCode(admin))
  valid("pin", "a member, by a PIN", [...whole, "link.pin.2", "link.pin.3"], byPin)
  valid("digits", "a member, by digits", [...whole, "link.digits.1"], byDigits)
  valid(
    "digits-new-first",
    "confirmed on the new device first",
    ["link.digits.1"],
    [
      ...digits.open(),
      confirm(N, "agreed", [agreed]),
      digits.receive(O, agreed, "comparing"),
      confirm(O, "verified", [], [digits.verified()]),
      ...digits.close()
    ]
  )

  // ---- Wrong PINs
  const wrongs = (
    id: string,
    count: number,
    pinDigits: number
  ): { readonly of: Run; readonly script: ReadonlyArray<ScriptStep> } => {
    const of = run(id, 2, { digits: pinDigits })
    const script: Array<ScriptStep> = [...of.open()]
    const wrong = (attempt: number): string => String(attempt).repeat(pinDigits)
    for (let attempt = 1; attempt <= count; attempt++) {
      const prs = trace.op(`${id}.wrong-pin-${attempt}`, "utf8", { text: wrong(attempt) })
      const proof = of.linking.proof(`wrong-${attempt}`, attempt, prs, of.ref(`share-${attempt}`))
      const left = 3 - attempt
      script.push(
        of.receive(N, of.shares[attempt - 1]!, "typing", [], [["ask-pin", left + 1]]),
        of.step(N, "link.type", { text: wrong(attempt), now }, "proved", [proof.frame])
      )
      if (left > 0) {
        of.shares.push(of.linking.share(attempt + 1, prsOf(of)).frame)
        script.push(
          of.receive(
            O,
            proof.frame,
            "proving",
            [of.shares[attempt]!],
            [
              ["wrong-pin", left],
              ["show-pin", of.pin, left]
            ]
          )
        )
      } else {
        const bye = of.linking.fromOld("too-many", [5, 3])
        script.push(
          of.receive(O, proof.frame, "aborted", [bye], [["wrong-pin", 0], of.aborted("attempts", "self")]),
          of.receive(N, bye, "aborted", [], [["aborted", "attempts", "other"]])
        )
      }
    }
    return { of, script }
  }
  const thenRight = (
    { of, script }: ReturnType<typeof wrongs>,
    attempt: number,
    typed = of.pin
  ): ReadonlyArray<ScriptStep> => {
    const proof = of.linking.proof("right", attempt, prsOf(of), of.ref(`share-${attempt}`))
    of.seal(proof.isk)
    return [
      ...script,
      of.receive(N, of.shares[attempt - 1]!, "typing", [], [["ask-pin", 4 - attempt]]),
      of.step(N, "link.type", { text: typed, now }, "proved", [proof.frame]),
      of.receive(O, proof.frame, "verified", [], [of.verified()]),
      ...of.close()
    ]
  }
  const second = wrongs("second", 1, 7)
  valid(
    "pin-second",
    "a wrong PIN, then the right one of 7 digits",
    ["link.attempt.1", "link.pin.1"],
    thenRight(second, 2),
    ["WrongPin"]
  )
  const third = wrongs("third", 2, 8)
  const spaced = `${third.of.pin.slice(0, 4)} ${third.of.pin.slice(4)}`
  valid(
    "pin-third",
    "two wrong PINs, then the right one of 8 digits, typed in two groups",
    ["link.attempt.1", "link.pin.1"],
    thenRight(third, 3, spaced),
    ["WrongPin"]
  )
  const spent = wrongs("spent", 3, 6)
  valid(
    "pin-spent",
    "three wrong PINs end it on both sides",
    ["link.attempt.1", "link.abort.1", "link.abort.2"],
    spent.script,
    ["WrongPin"]
  )

  // ---- Ends before the end. Every frame that ends one takes the place of the next one of its sender.
  const bye = (of: Run, name: string, from: "old" | "new", reason: number): Ref => {
    const frame = from === "old" ? of.linking.fromOld(name, [5, reason]) : of.linking.fromNew(name, [5, reason])
    of.linking.again(from)
    return frame
  }
  const abort = (of: Run, as: string, reason: string, frame: Ref, named = false): ScriptStep =>
    of.step(
      as,
      "link.abort",
      { reason },
      "aborted",
      [frame],
      [as === O ? of.aborted(reason, "self", named) : ["aborted", reason, "self"]]
    )
  const heard = (of: Run, as: string, frame: Ref, reason: string, named = false): ScriptStep =>
    of.receive(as, frame, "aborted", [], [as === O ? of.aborted(reason, "other", named) : ["aborted", reason, "other"]])
  const bare = (name: string, reason: number): Ref =>
    trace.op(`bare.${name}`, "canon", { value: [6, reason] }, "link.frame.1")
  const cancelled = bare("cancelled", 1)
  const rules = ["link.abort.1", "link.abort.2", "link.state.1"]
  valid("abort-open", "old takes the invitation back before anybody came", rules, [
    code.begin()[0]!,
    abort(code, O, "cancelled", cancelled)
  ])
  valid("abort-joined", "new gives up before the answer", rules, [
    ...code.begin().slice(0, 2),
    abort(code, N, "cancelled", cancelled),
    code.receive(O, code.linking.hello, "answered", [code.linking.answer], [["joined"]]),
    heard(code, O, cancelled, "cancelled")
  ])
  const codeBye = bye(code, "bye-from-new", "new", 1)
  valid("abort-showing", "new gives up while its code is shown", rules, [
    ...code.open(),
    abort(code, N, "cancelled", codeBye),
    heard(code, O, codeBye, "cancelled")
  ])
  const codeOldBye = bye(code, "bye-from-old", "old", 1)
  valid("abort-scanning", "old gives up instead of scanning", rules, [
    ...code.open(),
    abort(code, O, "cancelled", codeOldBye),
    heard(code, N, codeOldBye, "cancelled")
  ])
  digits.linking.again("new")
  const mismatch = digits.linking.fromNew("mismatch", [5, 4])
  valid(
    "abort-mismatch",
    "a person sees other digits on the new device",
    ["link.digits.1", ...rules],
    [...digits.open(), abort(digits, N, "mismatch", mismatch), heard(digits, O, mismatch, "mismatch")]
  )
  const pinBye = bye(pin, "bye-from-new", "new", 1)
  valid(
    "abort-verified",
    "new gives up when the PIN was right already: old is told whom to revoke",
    ["link.revoke.1", ...rules],
    [...byPin.slice(0, 10), abort(pin, N, "cancelled", pinBye), heard(pin, O, pinBye, "cancelled", true)]
  )
  const failed = trace.op("code.failed.message", "canon", { value: [4, 7] }, "link.frame.1")
  const finalBye = (of: Run, name: string, end: "old" | "new", n: number, plaintext: Ref): Ref => {
    const key = of.ref(`final-${end}-key`)
    const nonce = new Uint8Array(12)
    nonce[11] = n
    const sealed = trace.op(
      `${of.id}.${name}.sealed`,
      "aead-seal",
      { suite: 1, key, nonce, ad: of.linking.transcript, plaintext },
      "link.keys.3"
    )
    return trace.op(`${of.id}.${name}`, "canon", { value: [5, sealed] }, "link.frame.1")
  }
  const unpublished = finalBye(code, "failed", "old", 0, failed)
  valid(
    "abort-failed",
    "publishing does not work",
    ["link.revoke.1", ...rules],
    [...code.open(), scan(code), abort(code, O, "failed", unpublished, true), heard(code, N, unpublished, "failed")]
  )
  const refusedMessage = trace.op("code.refused.message", "canon", { value: [4, 6] }, "link.frame.1")
  const refusedBye = finalBye(code, "refused", "new", 0, refusedMessage)
  valid(
    "abort-received",
    "what was handed over does not open on the new device: old is told whom to revoke",
    ["link.revoke.1", ...rules],
    [...byCode(code).slice(0, 10), abort(code, N, "refused", refusedBye), heard(code, O, refusedBye, "refused", true)]
  )
  // Ends that the other one seals a step further than it would of itself; what they could say instead is refused below.
  const early4 = trace.op("code.early.message", "canon", { value: [4, 1] }, "link.frame.1")
  const finalEarly = finalBye(code, "early", "new", 0, early4)
  valid("abort-verified-final", "an end in a final message before the payload", rules, [
    ...code.open(),
    scan(code),
    heard(code, O, finalEarly, "cancelled", true)
  ])
  const afterwards = finalBye(code, "afterwards", "old", 1, early4)
  valid("abort-after-payload", "old gives up after it handed over", rules, [
    ...byCode(code).slice(0, 10),
    heard(code, N, afterwards, "cancelled")
  ])
  const agreedBye = bye(digits, "bye-after-agreed", "new", 1)
  valid("abort-after-agreed", "new gives up after it agreed, while old's user still compares", rules, [
    ...digits.open(),
    confirm(N, "agreed", [agreed]),
    digits.receive(O, agreed, "comparing"),
    heard(digits, O, agreedBye, "cancelled")
  ])
  const late = now + lifetime
  const tick = (
    of: Run,
    as: string,
    at: number,
    state: string,
    frames: ReadonlyArray<Ref> = [],
    events: ReadonlyArray<Event> = []
  ): ScriptStep => of.step(as, "link.tick", { now: at }, state, frames, events)
  const expiredOld = bye(code, "expired-old", "old", 2)
  const expiredNew = bye(code, "expired-new", "new", 2)
  valid(
    "expired",
    "both ends see by their clocks that it is too late, and not a millisecond before",
    ["link.frame.3", "invitation.expiry.1"],
    [
      ...code.open(),
      tick(code, O, late - 1, "scanning"),
      tick(code, N, late - 1, "showing"),
      tick(code, O, late, "aborted", [expiredOld], [code.aborted("expired", "self")]),
      tick(code, N, late, "aborted", [expiredNew], [["aborted", "expired", "self"]])
    ]
  )
  const expiredMessage = trace.op("code.expired.message", "canon", { value: [4, 2] }, "link.frame.1")
  const unconfirmed = finalBye(code, "unconfirmed", "old", 1, expiredMessage)
  valid(
    "unconfirmed",
    "new never says that it is done: old is told whom to revoke",
    ["link.revoke.1", "link.frame.3"],
    [
      ...byCode(code).slice(0, 9),
      tick(code, O, late, "aborted", [unconfirmed], [code.aborted("expired", "self", true)])
    ]
  )
  valid(
    "expired-open",
    "nobody came",
    ["link.frame.3"],
    [code.begin()[0]!, tick(code, O, late, "aborted", [bare("expired", 2)], [code.aborted("expired", "self")])]
  )

  // ---- Refused
  const twins = { code: "linking-code", pin: "linking-pin", digits: "linking-digits" } as const
  const refuse = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    flags: ReadonlyArray<string>,
    twin: string,
    delta: Delta,
    cause: string,
    rejects?: number
  ): void => {
    const probe = rejects !== undefined ? { rejects } : {}
    file.refused({ id: `linking-bad-${id}`, title, clauses, flags, critical: true }, twin, delta, cause, probe)
  }
  const frameAt = (step: number): string => `script/${step}/in/frame`
  /** Another frame in the place of the one of a step. */
  const instead = (
    id: string,
    title: string,
    rule: string,
    flag: string,
    twin: string,
    step: number,
    value: Ref,
    cause: string
  ): void => refuse(id, title, [rule], [flag], twin, { at: frameAt(step), op: "assign", value }, cause)
  // Steps: 0 offer, 1 join, 2 hello, 3 answer, 4 sign, 5 reveal, 6 ready, then the challenge.
  // Before the channel.
  const { linking } = code
  const revealBytes = trace.value(linking.reveal)
  for (const [id, title, offset] of [
    ["nonce", "one bit of the revealed nonce", 4],
    ["ephemeral", "one bit of the revealed ephemeral key", 38],
    ["device", "one bit of the revealed device id", 72],
    ["agreement", "one bit of the revealed agreement key", 106]
  ] as const)
    refuse(
      `reveal-${id}`,
      title,
      ["link.commit.1"],
      ["Lying"],
      twins.code,
      { at: frameAt(5), op: "xor", offset, bytes: "01" },
      "link.commitment"
    )
  refuse(
    "reveal-takes",
    "a challenge less than committed to: a weaker one would be taken",
    ["link.commit.1", "link.decide.1"],
    ["Lying"],
    twins.code,
    { at: frameAt(5), op: "reencode", offset: revealBytes.length - 3, length: 3, bytes: "9102", kind: "another list" },
    "link.commitment"
  )
  instead(
    "reveal-other",
    "the reveal of another linking",
    "link.commit.1",
    "Replayed",
    twins.code,
    5,
    pin.linking.reveal,
    "link.commitment"
  )
  const replay = (
    id: string,
    title: string,
    rule: string,
    twin: string,
    step: number,
    place: number,
    cause: string
  ): void =>
    refuse(id, title, [rule], ["Replayed"], twin, { at: `script/${place}/in/frame`, op: "replay", step }, cause, place)
  replay("hello-twice", "hello for the second time", "link.frame.2", twins.code, 2, 3, "link.used")
  instead(
    "second-joiner",
    "somebody else says hello as well",
    "invitation.single.1",
    "Forged",
    twins.code,
    5,
    pin.linking.hello,
    "link.used"
  )
  replay("answer-twice", "the answer for the second time", "link.frame.2", twins.code, 3, 4, "link.state")
  replay("reveal-twice", "the reveal for the second time", "link.frame.2", twins.code, 5, 6, "link.state")
  instead(
    "answer-to-old",
    "old's own answer comes back",
    "link.frame.2",
    "Reflected",
    twins.code,
    5,
    linking.answer,
    "link.state"
  )
  instead(
    "hello-to-new",
    "new's own hello comes back",
    "link.frame.2",
    "Reflected",
    twins.code,
    3,
    linking.hello,
    "link.state"
  )
  instead(
    "reveal-to-new",
    "a reveal where the answer is awaited",
    "link.frame.2",
    "Reflected",
    twins.code,
    3,
    linking.reveal,
    "link.state"
  )
  instead(
    "ready-early",
    "ready before the reveal",
    "link.frame.2",
    "OutOfOrder",
    twins.code,
    5,
    code.ready.frame,
    "link.state"
  )
  instead(
    "sealed-for-hello",
    "a sealed frame before hello",
    "link.frame.2",
    "OutOfOrder",
    twins.code,
    2,
    code.ready.frame,
    "link.state"
  )
  instead(
    "final-early",
    "a final frame before the challenge",
    "link.frame.2",
    "OutOfOrder",
    twins.code,
    6,
    "$code.done",
    "link.state"
  )
  const form = (id: string, title: string, twin: string, step: number, change: Change, cause: string): void =>
    refuse(id, title, ["link.frame.1"], ["Form"], twin, { at: frameAt(step), ...change } as Delta, cause)
  form("kind-0", "a kind that does not exist", twins.code, 2, { op: "set", offset: 1, bytes: "00" }, "decode.value")
  form("kind-7", "another one", twins.code, 6, { op: "set", offset: 1, bytes: "07" }, "decode.value")
  form(
    "hello-short",
    "a commitment of 31 bytes",
    twins.code,
    2,
    { op: "reencode", offset: 2, length: 3, bytes: "c41f", kind: "shorter bin" },
    "decode.size"
  )
  form(
    "ready-short",
    "a ciphertext shorter than its tag",
    twins.code,
    6,
    { op: "assign", value: "9204c40f000000000000000000000000000000" },
    "decode.size"
  )
  form(
    "trailing",
    "a byte behind",
    twins.code,
    3,
    { op: "insert", offset: trace.value(linking.answer).length, bytes: "00" },
    "decode.trailing"
  )
  form("empty", "nothing", twins.code, 2, { op: "assign", value: "" }, "decode.truncated")

  // In the channel.
  const sealedBit = (id: string, title: string, twin: string, step: number, offset: number): void =>
    refuse(
      id,
      title,
      ["link.keys.2", "link.frame.2"],
      ["Forged"],
      twin,
      { at: frameAt(step), op: "xor", offset, bytes: "01" },
      "auth.tag"
    )
  sealedBit("ready-bit", "one bit of ready", twins.code, 6, 10)
  sealedBit("share-bit", "one bit of old's share", twins.pin, 7, 20)
  sealedBit("proof-bit", "one bit of the proof: no attempt is counted", twins.pin, 9, 30)
  sealedBit("agreed-bit", "one bit of agreed", twins.digits, 9, 6)
  sealedBit("payload-bit", "one bit of the payload", twins.code, 9, 100)
  sealedBit("done-bit", "one bit of done", twins.code, 11, 6)
  sealedBit("linked-bit", "one bit of linked", twins.code, 12, 6)
  instead(
    "ready-other",
    "ready of another linking",
    "link.transcript.1",
    "Replayed",
    twins.code,
    6,
    pin.ready.frame,
    "auth.tag"
  )
  instead(
    "share-reflected",
    "old's own share instead of the proof",
    "link.keys.1",
    "Reflected",
    twins.pin,
    9,
    pin.shares[0]!,
    "auth.tag"
  )
  instead(
    "proof-reflected",
    "new's own proof instead of the payload",
    "link.keys.1",
    "Reflected",
    twins.pin,
    11,
    right.frame,
    "auth.tag"
  )
  instead(
    "payload-reflected",
    "old's own payload instead of done",
    "link.keys.3",
    "Reflected",
    twins.code,
    11,
    "$code.payload-frame",
    "auth.tag"
  )
  instead(
    "done-reflected",
    "new's own done instead of linked",
    "link.keys.3",
    "Reflected",
    twins.code,
    12,
    "$code.done",
    "auth.tag"
  )
  replay("ready-twice", "ready for the second time", "link.keys.2", twins.code, 6, 7, "auth.tag")
  replay("share-twice", "old's share for the second time", "link.keys.2", twins.pin, 7, 8, "auth.tag")
  replay("proof-twice", "the proof for the second time", "link.keys.2", twins.pin, 9, 10, "auth.tag")
  replay("payload-twice", "the payload for the second time", "link.keys.3", twins.code, 9, 10, "auth.tag")
  replay("agreed-twice", "agreed for the second time", "link.keys.2", twins.digits, 9, 10, "auth.tag")
  const late2 = (id: string, title: string, twin: string, step: number): void =>
    refuse(
      id,
      title,
      ["link.frame.3"],
      ["Expired"],
      twin,
      { at: `script/${step}/in/now`, op: "assign", value: late },
      "link.expired"
    )
  late2("late-join", "new would join when the invitation expires", twins.code, 1)
  late2("late-hello", "hello comes too late", twins.code, 2)
  late2("late-answer", "the answer comes too late", twins.code, 3)
  late2("late-ready", "ready comes too late", twins.code, 6)
  late2("late-scan", "the code is scanned too late", twins.code, 7)
  late2("late-grant", "the manifest was published too late", twins.code, 8)
  late2("late-payload", "the payload comes too late", twins.code, 9)
  late2("late-pin", "the PIN is typed too late", twins.pin, 8)
  late2("late-proof", "the proof comes too late", twins.pin, 9)
  late2("late-confirm", "old is confirmed too late", twins.digits, 7)
  late2("late-confirm-new", "new is confirmed too late", twins.digits, 8)

  // What an end seals that breaks the rules.
  const lie = (
    id: string,
    title: string,
    rule: string,
    twin: string,
    step: number,
    value: string,
    change: Change,
    cause: string,
    flag = "Lying"
  ): void =>
    refuse(
      id,
      title,
      [rule],
      [flag],
      twin,
      { at: frameAt(step), op: "resign", value, inner: { at: frameAt(step), ...change } as Delta },
      cause
    )
  lie(
    "ready-signature",
    "ready with one bit of the signature",
    "link.ready.1",
    twins.code,
    6,
    "code.ready.message",
    { op: "xor", offset: 60, bytes: "01" },
    "link.device",
    "Forged"
  )
  lie(
    "ready-kind",
    "a message that does not exist",
    "link.frame.1",
    twins.code,
    6,
    "code.ready.message",
    { op: "set", offset: 1, bytes: "06" },
    "decode.value"
  )
  lie(
    "ready-trailing",
    "a byte behind the message",
    "link.frame.1",
    twins.code,
    6,
    "code.ready.message",
    { op: "insert", offset: 68, bytes: "00" },
    "decode.trailing",
    "Form"
  )
  lie(
    "share-attempt-2",
    "the share of the second attempt first",
    "link.attempt.1",
    twins.pin,
    7,
    "pin.share-frame-1.message",
    { op: "set", offset: 2, bytes: "02" },
    "link.state"
  )
  lie(
    "share-attempt-4",
    "a fourth attempt",
    "link.attempt.1",
    twins.pin,
    7,
    "pin.share-frame-1.message",
    { op: "set", offset: 2, bytes: "04" },
    "decode.value"
  )
  lie(
    "share-attempt-0",
    "attempt 0",
    "link.attempt.1",
    twins.pin,
    7,
    "pin.share-frame-1.message",
    { op: "set", offset: 2, bytes: "00" },
    "decode.value"
  )
  const zero = "00".repeat(32)
  const eight = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"
  lie(
    "share-zero",
    "old's share is zero",
    "link.pin.4",
    twins.pin,
    7,
    "pin.share-frame-1.message",
    { op: "set", offset: 5, bytes: zero },
    "auth.low-order",
    "LowOrder"
  )
  lie(
    "share-order-8",
    "old's share is of order 8",
    "link.pin.4",
    twins.pin,
    7,
    "pin.share-frame-1.message",
    { op: "set", offset: 5, bytes: eight },
    "auth.low-order",
    "LowOrder"
  )
  lie(
    "proof-zero",
    "new's share is zero: no attempt is counted",
    "link.pin.4",
    twins.pin,
    9,
    "pin.right-frame.message",
    { op: "set", offset: 4, bytes: zero },
    "auth.low-order",
    "LowOrder"
  )
  lie(
    "proof-order-8",
    "new's share is of order 8: no attempt is counted",
    "link.pin.4",
    twins.pin,
    9,
    "pin.right-frame.message",
    { op: "set", offset: 4, bytes: eight },
    "auth.low-order",
    "LowOrder"
  )
  lie(
    "proof-for-agreed",
    "agreed where a proof is awaited",
    "link.challenge.1",
    twins.pin,
    9,
    "pin.right-frame.message",
    { op: "reencode", offset: 0, length: 70, bytes: "9104", kind: "another message" },
    "link.state",
    "OutOfOrder"
  )
  lie(
    "agreed-for-ready",
    "agreed where ready is awaited",
    "link.ready.1",
    twins.digits,
    6,
    "digits.ready.message",
    { op: "reencode", offset: 0, length: 68, bytes: "9104", kind: "another message" },
    "link.state",
    "OutOfOrder"
  )
  lie(
    "agreed-as-share",
    "a share from new",
    "link.frame.2",
    twins.digits,
    9,
    "digits.agreed.message",
    { op: "reencode", offset: 0, length: 2, bytes: `930201c420${"09".padEnd(64, "0")}`, kind: "another message" },
    "link.state",
    "OutOfOrder"
  )
  lie(
    "done-as-linked",
    "linked where done is awaited",
    "link.state.1",
    twins.code,
    11,
    "code.done.message",
    { op: "set", offset: 1, bytes: "03" },
    "link.state",
    "OutOfOrder"
  )
  lie(
    "linked-as-done",
    "done where linked is awaited",
    "link.state.1",
    twins.code,
    12,
    "code.linked.message",
    { op: "set", offset: 1, bytes: "02" },
    "link.state",
    "OutOfOrder"
  )
  lie(
    "final-kind",
    "a final message that does not exist",
    "link.frame.1",
    twins.code,
    11,
    "code.done.message",
    { op: "set", offset: 1, bytes: "05" },
    "decode.value"
  )
  lie(
    "abort-reason",
    "an end for a reason that does not exist",
    "link.abort.1",
    "linking-abort-showing",
    8,
    "code.bye-from-new.message",
    { op: "set", offset: 2, bytes: "08" },
    "decode.value"
  )

  lie(
    "agreed-again",
    "agreed once more, in a message of its own",
    "link.digits.1",
    "linking-abort-after-agreed",
    9,
    "digits.bye-after-agreed.message",
    { op: "reencode", offset: 0, length: 3, bytes: "9104", kind: "another message" },
    "link.state",
    "OutOfOrder"
  )
  lie(
    "done-before-payload",
    "done before the payload",
    "link.state.1",
    "linking-abort-verified-final",
    8,
    "code.early.message",
    { op: "reencode", offset: 0, length: 3, bytes: "9102", kind: "another message" },
    "link.state",
    "OutOfOrder"
  )
  lie(
    "linked-before-done",
    "linked before done",
    "link.state.1",
    "linking-abort-after-payload",
    10,
    "code.early.message",
    { op: "reencode", offset: 0, length: 3, bytes: "9103", kind: "another message" },
    "link.state",
    "OutOfOrder"
  )
  lie(
    "payload-again",
    "another payload after the one that was taken",
    "link.payload.1",
    "linking-abort-after-payload",
    10,
    "code.early.message",
    {
      op: "splice",
      offset: 0,
      length: 3,
      from: "$code.payload-frame.message",
      source: [0, trace.value("$code.payload-frame.message").length]
    },
    "link.state",
    "OutOfOrder"
  )
  lie(
    "share-for-code",
    "a share of a PIN where a code was decided",
    "link.challenge.1",
    "linking-abort-scanning",
    8,
    "code.bye-from-old.message",
    { op: "reencode", offset: 0, length: 3, bytes: `930201c42009${"00".repeat(31)}`, kind: "another message" },
    "link.state",
    "OutOfOrder"
  )
  // Step 9 of a linking by code is the payload.
  lie(
    "payload-role",
    "a payload of another role than its certificate",
    "link.payload.3",
    twins.code,
    9,
    "code.payload",
    { op: "set", offset: 2, bytes: "03" },
    "link.payload"
  )
  lie(
    "payload-format",
    "a payload of the next format",
    "link.payload.1",
    twins.code,
    9,
    "code.payload",
    { op: "set", offset: 1, bytes: "02" },
    "decode.value",
    "Version"
  )
  lie(
    "payload-certificate",
    "a payload whose certificate has one other bit",
    "link.payload.3",
    twins.code,
    9,
    "code.payload.certificate",
    { op: "xor", offset: 5, bytes: "01" },
    "auth.certificate",
    "Forged"
  )
  lie(
    "payload-manifest",
    "a payload whose manifest has one other bit in its signature",
    "link.payload.3",
    twins.code,
    9,
    "code.payload.manifest",
    { op: "xor", offset: trace.value("$code.payload.manifest").length - 1, bytes: "01" },
    "auth.account",
    "Forged"
  )
  // Codes, PINs, confirmations and payloads that are not those of this linking.
  const other = run("other", 1)
  other.seal(other.linking.code().secret)
  const between = run("between", 1, { actors: ["linking/old", "linking/mallory"] }, mallory)
  between.seal(between.linking.code().secret)
  const codeAt = "script/7/in/code"
  const scanned = (id: string, title: string, flag: string, delta: Delta, cause: string): void =>
    refuse(`scan-${id}`, title, ["link.code.1", "link.code.2"], [flag], twins.code, delta, cause)
  scanned(
    "other",
    "the code of another linking",
    "Replayed",
    { at: codeAt, op: "assign", value: "$other.code" },
    "link.code"
  )
  scanned(
    "interposed",
    "the code of a device whose other end is somebody between",
    "Interposed",
    { at: codeAt, op: "assign", value: "$between.code" },
    "link.code"
  )
  scanned("bit", "one bit of the print", "Forged", { at: codeAt, op: "xor", offset: 4, bytes: "01" }, "link.code")
  scanned(
    "version",
    "a code of the next version",
    "Version",
    { at: codeAt, op: "set", offset: 1, bytes: "02" },
    "link.version"
  )
  scanned("half", "half a code", "Form", { at: codeAt, op: "cut", offset: 20, length: 34 }, "decode.truncated")
  instead(
    "payload-other",
    "the payload of another linking",
    "link.payload.4",
    "Replayed",
    twins.code,
    9,
    "$other.payload-frame",
    "auth.tag"
  )
  instead(
    "payload-interposed",
    "the payload of somebody between, who did not see the code",
    "link.code.2",
    "Interposed",
    twins.code,
    9,
    "$between.payload-frame",
    "auth.tag"
  )
  const blind = trace.coin("blind-secret", "linking/mallory", "link.secret", 9, 16)
  const blindKeys = trace.op(
    "blind.keys",
    "hkdf-sha256",
    {
      salt: linking.transcript,
      ikm: trace.concat("blind.ikm", [linking.base, blind], "link.keys.3"),
      info: "$code.final-info",
      len: 96
    },
    "link.keys.3"
  )
  const blindKey = trace.slice("blind.key", blindKeys, 0, 32, "link.keys.3")
  const blindSealed = trace.op(
    "blind.sealed",
    "aead-seal",
    {
      suite: 1,
      key: blindKey,
      nonce: new Uint8Array(12),
      ad: linking.transcript,
      plaintext: "$code.payload-frame.message"
    },
    "link.keys.3"
  )
  const blindFrame = trace.op("blind.frame", "canon", { value: [5, blindSealed] }, "link.frame.1")
  instead(
    "payload-blind",
    "the right payload in the right linking, from who guessed the code's secret",
    "link.code.2",
    "Interposed",
    twins.code,
    9,
    blindFrame,
    "auth.tag"
  )
  instead(
    "proof-other",
    "a proof from another linking",
    "link.pin.2",
    "Replayed",
    twins.pin,
    9,
    "$second.wrong-1-frame",
    "auth.tag"
  )
  const typed = (id: string, title: string, text: string, cause: string): void =>
    refuse(
      `type-${id}`,
      title,
      ["link.pin.1"],
      ["Form"],
      twins.pin,
      { at: "script/8/in/text", op: "assign", value: text },
      cause
    )
  typed("short", "five digits", pin.pin.slice(1), "decode.truncated")
  typed("long", "nine digits", `${pin.pin}000`, "decode.trailing")
  typed("letter", "a letter", `${pin.pin}l`, "decode.value")
  const grantOf = (id: string, title: string, rule: string, value: Ref, cause: string): void =>
    refuse(
      `grant-${id}`,
      title,
      [rule],
      ["Lying"],
      twins.code,
      { at: "script/8/in/payload", op: "assign", value },
      cause
    )
  const elsewhere = device(trace, "elsewhere", "linking/elsewhere", old)
  grantOf(
    "other-device",
    "old would certify another device than the one verified",
    "link.secret.1",
    payload(trace, "for-elsewhere", old, elsewhere),
    "link.payload"
  )
  grantOf(
    "admin",
    "old would make an admin of it and hand nothing over",
    "link.payload.2",
    payload(trace, "bare-admin", old, joiner, { role: 1 }),
    "link.payload"
  )

  // Out of order: the step comes where the state has no use for it.
  const early = (
    id: string,
    title: string,
    rule: string,
    twin: string,
    step: number,
    place: number,
    cause = "link.state"
  ): void =>
    refuse(id, title, [rule], ["OutOfOrder"], twin, { at: `script/${place}`, op: "replay", step }, cause, place)
  early("scan-twice", "the code is scanned twice", "link.challenge.1", twins.code, 7, 8)
  early("grant-twice", "the payload is handed over twice", "link.payload.1", twins.code, 8, 9)
  early("finish-twice", "new says twice that it is done", "link.challenge.1", twins.code, 10, 11)
  early("type-twice", "the PIN is typed twice", "link.challenge.1", twins.pin, 8, 9)
  early("confirm-twice", "old is confirmed twice", "link.digits.1", twins.digits, 7, 8)
  early("confirm-new-twice", "new is confirmed twice", "link.challenge.1", twins.digits, 8, 9)
  early("sign-twice", "the device key signs twice", "link.ready.1", twins.code, 4, 5)
  const omit = (id: string, title: string, rule: string, twin: string, step: number): void =>
    file.refused(
      { id: `linking-bad-${id}`, title, clauses: [rule], flags: ["OutOfOrder"], critical: true },
      twin,
      { at: `script/${step}`, op: "omit" },
      "link.state",
      { rejects: step, probe: file.case(twin).script!.slice(step) }
    ) as unknown as void
  omit("grant-unverified", "a payload without a code that was scanned", "link.payload.1", twins.code, 7)
  omit("grant-unproved", "a payload without a proof", "link.payload.1", twins.pin, 9)
  omit("grant-unagreed", "a payload without the other end's confirmation", "link.digits.1", twins.digits, 9)
  omit("finish-unreceived", "done without a payload", "link.state.1", twins.code, 9)
  omit("type-unasked", "a PIN before old's share", "link.challenge.1", twins.pin, 7)
  refuse(
    "abort-bare",
    "a bare abort once the channel was heard",
    ["link.abort.2"],
    ["Forged"],
    twins.pin,
    { at: frameAt(9), op: "assign", value: cancelled },
    "link.state"
  )
  refuse(
    "abort-bare-to-new",
    "a bare abort to new once old's share opened",
    ["link.abort.2"],
    ["Forged"],
    twins.pin,
    { at: frameAt(11), op: "assign", value: cancelled },
    "link.state"
  )
  return file.file()
}

/** A delta without its place. */
type Change = Delta extends infer D ? (D extends Delta ? Omit<D, "at"> : never) : never
