/**
 * F14: what each state of a linking must refuse.
 *
 * Spec: docs/spec/19-linking.md §19.2, §19.5, §19.7, §19.8. Long because it is one table of cases.
 */
import { now, type FileBuilder } from "../family.ts"
import { device, type Device } from "../identity.ts"
import { lifetime, payload } from "../linking.ts"
import { N, O, type Run } from "../linking-run.ts"
import type { Delta } from "../model.ts"
import type { Ref, Trace } from "../trace.ts"

/** What the refused cases stand on: the linkings that went well, by challenge. */
export interface Ground {
  readonly file: FileBuilder
  readonly trace: Trace
  readonly old: Device
  readonly joiner: Device
  readonly mallory: Device
  readonly code: Run
  readonly pin: Run
  /** New's proof of the right PIN. */
  readonly right: { readonly frame: Ref }
  /** A bare abort. */
  readonly cancelled: Ref
  /** Another linking by the challenge. */
  readonly run: (id: string, challenge: number, options?: ConstructorParameters<typeof Run>[6], as?: Device) => Run
}

/** A delta without its place. */
type Change = Delta extends infer D ? (D extends Delta ? Omit<D, "at"> : never) : never

export const refusals = ({ cancelled, code, file, joiner, mallory, old, pin, right, run, trace }: Ground): void => {
  const late = now + lifetime
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
    refuse(id, title, ["link.frame.1"], ["Form"], twin, { at: frameAt(step), ...change }, cause)
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
  const said = (id: string, title: string, twin: string, value: string, from: Ref): void =>
    lie(
      id,
      title,
      "link.challenge.1",
      twin,
      8,
      value,
      { op: "splice", offset: 0, length: 3, from, source: [0, trace.value(from).length] },
      "link.state",
      "OutOfOrder"
    )
  said(
    "ready-again",
    "ready once more, in a message of its own",
    "linking-abort-showing",
    "code.bye-from-new.message",
    "$code.ready.message"
  )
  said(
    "proof-for-code",
    "a proof where a code was decided",
    "linking-abort-showing",
    "code.bye-from-new.message",
    "$pin.right-frame.message"
  )
  said(
    "agreed-for-code",
    "agreed where a code was decided",
    "linking-abort-showing",
    "code.bye-from-new.message",
    "$digits.agreed.message"
  )
  said(
    "agreed-from-old",
    "agreed from old",
    "linking-abort-scanning",
    "code.bye-from-old.message",
    "$digits.agreed.message"
  )
  said("ready-from-old", "ready from old", "linking-abort-scanning", "code.bye-from-old.message", "$code.ready.message")
  // Roles exchanged: a frame is given to the end that sent it, or that is not meant.
  const redirect = (
    id: string,
    title: string,
    rule: string,
    twin: string,
    step: number,
    to: string,
    cause: string
  ): void => refuse(id, title, [rule], ["Reflected"], twin, { at: `script/${step}`, op: "redirect", to }, cause, step)
  redirect("roles-hello", "new hears its own hello", "link.frame.2", twins.code, 2, N, "link.state")
  redirect("roles-answer", "old hears its own answer", "link.frame.2", twins.code, 3, O, "link.state")
  redirect("roles-reveal", "new hears its own reveal", "link.frame.2", twins.code, 5, N, "link.state")
  redirect("roles-ready", "new hears its own ready", "link.keys.1", twins.code, 6, N, "auth.tag")
  redirect("roles-share", "old hears its own share", "link.keys.1", twins.pin, 7, O, "auth.tag")
  redirect("roles-proof", "new hears its own proof", "link.keys.1", twins.pin, 9, N, "auth.tag")
  redirect("roles-payload", "old hears its own payload", "link.keys.3", twins.code, 9, O, "auth.tag")
  redirect("roles-done", "new hears its own done", "link.keys.3", twins.code, 11, N, "auth.tag")
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
  refuse(
    "abort-bare-after-payload",
    "a bare abort to new once the payload opened",
    ["link.abort.2"],
    ["Forged"],
    twins.code,
    { at: frameAt(12), op: "assign", value: cancelled },
    "link.state"
  )
}
