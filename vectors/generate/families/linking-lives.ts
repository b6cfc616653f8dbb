/**
 * F14: whole linkings with both ends, by each challenge, to each of their ends.
 *
 * Spec: docs/spec/19-linking.md §19.2, §19.5, §19.7.
 */
import { FileBuilder, now } from "../family.ts"
import { lifetime } from "../linking.ts"
import { type Event, N, O, Run } from "../linking-run.ts"
import type { ScriptStep, VectorFile } from "../model.ts"
import type { Ref } from "../trace.ts"
import { cast, family } from "./linking.ts"
import { refusals } from "./linking-refused.ts"

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
    ["link.attempt.1", "link.pin.1", "link.pin.2"],
    thenRight(second, 2),
    ["WrongPin"]
  )
  const third = wrongs("third", 2, 8)
  const spaced = `${third.of.pin.slice(0, 4)} ${third.of.pin.slice(4)}`
  valid(
    "pin-third",
    "two wrong PINs, then the right one of 8 digits, typed in two groups",
    ["link.attempt.1", "link.pin.1", "link.pin.2"],
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

  refusals({ cancelled, code, file, joiner, mallory, old, pin, right, run, trace })
  return file.file()
}
