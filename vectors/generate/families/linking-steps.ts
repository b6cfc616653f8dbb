/**
 * F14: the steps of linking one by one: CPace with every intermediate value, transcript, keys, code, PIN, payload.
 *
 * Spec: docs/spec/19-linking.md §19.3, §19.5, §19.6. Long because it is one table of cases.
 */
import { hex, unhex } from "../bytes.ts"
import { FileBuilder } from "../family.ts"
import { device, manifest } from "../identity.ts"
import {
  cpaceGenerator,
  cpaceKey,
  cpaceTag,
  handedOver,
  invitation,
  lengthValue,
  Linking,
  payload
} from "../linking.ts"
import type { Delta, JsonObject, VectorFile } from "../model.ts"
import type { Arg, Ref, Trace } from "../trace.ts"
import { cast, family } from "./linking.ts"

/** Inputs of the test vector of draft-irtf-cfrg-cpace-21 for X25519 and SHA-512, and the ISK it gives. */
const draft = {
  ci: "0b415f696e69746961746f720b425f726573706f6e646572",
  sid: "7e4b4791d6a8ef019b936c79fb7f2c57",
  ya: "21b4f4bd9e64ed355c3eb676a28ebedaf6d8f17bdc365995b319097153044080",
  yb: "848b0779ff415f0af4ea14df9dd1d3c29ac41d836c7808896c4eba19c51ac40a",
  generator: "d04bf6d41f6a289632a2e929fa29bebd51092512a7829fdde7d314b62f05a73f",
  a: "1d13c89278cdadd826f6d8d7f887701430f8380ddc17611cdd6dc989ce0c9f32",
  b: "248cccf6d5cdc3646f0ad593f9e6cef4e69d4945f8372e623512ecea32185623",
  isk: "6e19b875f7a561d6b3ca3dbb9ef42ac55de3e717881018204b8922b4d5e53bb2aa82c300bea7b65d2b671da71922ddf6472301b79bc270adfa8bf413285f2263"
}
/** A delta without its place. */
type Change = Delta extends infer D ? (D extends Delta ? Omit<D, "at"> : never) : never

const lowOrder = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
]

export const cpace = (): VectorFile => {
  const file = new FileBuilder(family, "cpace")
  const world = "cpace"
  const trace = file.world(world, "CPace with the values of its draft, and for a PIN of a linking")
  const rules = ["link.pin.2"]
  const literal = (id: string, text: string): Ref => trace.literal(`draft.${id}`, unhex(text))
  const prs = trace.op("draft.prs", "utf8", { text: "Password" })
  const [ci, sid, ya, yb] = (["ci", "sid", "ya", "yb"] as const).map((id) => literal(id, draft[id])) as [
    Ref,
    Ref,
    Ref,
    Ref
  ]
  const generator = cpaceGenerator(trace, "draft.generator", prs, ci, sid)
  const a = trace.op("draft.a", "x25519", { k: ya, u: generator }, "link.pin.2")
  const b = trace.op("draft.b", "x25519", { k: yb, u: generator }, "link.pin.2")
  const [ada, adb] = [trace.op("draft.ada", "utf8", { text: "ADa" }), trace.op("draft.adb", "utf8", { text: "ADb" })]
  const point = trace.op("draft.point", "x25519", { k: ya, u: b }, "link.pin.2")
  const isk = cpaceKey(trace, "draft.isk", sid, point, [a, b], [trace.value(ada), trace.value(adb)])
  for (const [ref, published] of [
    [generator, draft.generator],
    [a, draft.a],
    [b, draft.b],
    [isk, draft.isk]
  ] as const)
    if (hex(trace.value(ref)) !== published) throw new Error("not the draft's test vector")

  const published = { clauses: rules, flags: ["Published"], world }
  file.valid(
    { id: "cpace-draft-generator", title: "the draft's generator", ...published },
    "cpace.generator",
    { prs, ci, sid },
    { generator }
  )
  const share = (id: string, title: string, scalar: Ref, out: Ref): void =>
    void file.valid({ id, title, ...published }, "cpace.share", { scalar, generator }, { share: out })
  share("cpace-draft-share-a", "the draft's share of A", ya, a)
  share("cpace-draft-share-b", "the draft's share of B", yb, b)
  const key = (role: string, scalar: Ref): JsonObject => ({
    role,
    scalar,
    ci,
    sid,
    initiator: a,
    initiatorAd: ada,
    responder: b,
    responderAd: adb
  })
  file.valid(
    { id: "cpace-draft-key-initiator", title: "the draft's ISK, as A computes it", ...published },
    "cpace.key",
    key("initiator", ya),
    { isk }
  )
  file.valid(
    { id: "cpace-draft-key-responder", title: "the draft's ISK, as B computes it", ...published },
    "cpace.key",
    key("responder", yb),
    { isk }
  )
  const tag = cpaceTag(trace, "draft.tag", sid, isk, b, trace.value(adb))
  file.valid(
    {
      id: "cpace-draft-confirm",
      title: "key confirmation for B's share with its associated data",
      clauses: ["link.pin.3"],
      world
    },
    "cpace.confirm",
    { isk, sid, share: b, ad: adb },
    { tag }
  )

  // ---- The map
  const field = (id: string, title: string, bytes: Uint8Array, distinct = true): void => {
    const ref = trace.literal(`map.${id}`, bytes)
    const out = trace.op(`map.${id}.point`, "elligator2", { field: ref }, "link.pin.2")
    const flags = distinct ? ["Distinct"] : []
    file.valid(
      { id: `cpace-map-${id}`, title, clauses: rules, flags, world },
      "cpace.map",
      { field: ref },
      { point: out }
    )
  }
  const little = (low: number, rest = 0, top = 0): Uint8Array => {
    const out = new Uint8Array(32).fill(rest)
    out[0] = low
    out[31] = top
    return out
  }
  field("zero", "0", little(0))
  field("one", "1", little(1))
  field("two", "2", little(2))
  field("minus-one", "p − 1: the map forgets the sign", little(0xec, 0xff, 0x7f), false)
  field("minus-two", "p − 2", little(0xeb, 0xff, 0x7f), false)
  field("p", "p, which is 0", little(0xed, 0xff, 0x7f), false)
  field("p-plus-one", "p + 1, which is 1", little(0xee, 0xff, 0x7f), false)
  field("largest", "2²⁵⁵ − 1, which is 18", little(0xff, 0xff, 0x7f))
  field("top-bit", "2 with the top bit, which is ignored", little(2, 0, 0x80), false)
  field("all-ones", "2²⁵⁶ − 1", little(0xff, 0xff, 0xff), false)
  for (const i of [0, 1, 2, 3])
    field(`any-${i}`, "any bytes", trace.value(trace.coin(`map.coin-${i}`, "linking", "test.field", i, 32)))

  // ---- A PIN of a linking
  const { joiner, old } = cast(trace)
  const invited = invitation(trace, "invitation", old, "linking/old", 0, { offers: [2] })
  const run = new Linking(trace, "run", invited, joiner, [2], ["linking/old", "linking/new"])
  const pin = run.pin()
  const clauses = ["link.pin.2", "link.pin.3"]
  for (const attempt of [1, 2, 3]) {
    const made = run.generator("pin-used", attempt, pin.prs)
    file.valid(
      {
        id: `cpace-linking-generator-${attempt}`,
        title: `attempt ${attempt} of a linking`,
        clauses,
        flags: ["Distinct"],
        world
      },
      "cpace.generator",
      { prs: pin.prs, ci: made.ci, sid: made.sid },
      { generator: made.generator }
    )
  }
  const sid1: Ref = "$run.sid-1"
  const ci1: Ref = "$run.ci"
  const variants: ReadonlyArray<readonly [string, string, Ref, Ref, Ref]> = [
    ["pin", "another PIN", trace.slice("run.other-pin", "$run.pin-digits", 4, 10), ci1, sid1],
    ["pin-7", "a digit more", trace.slice("run.longer-pin", "$run.pin-digits", 0, 7), ci1, sid1],
    [
      "roles",
      "the two devices in the other order",
      pin.prs,
      lengthValue(trace, "run.ci-turned", [joiner.device, old.device], "link.pin.2"),
      sid1
    ],
    ["no-pin", "no PIN at all", trace.literal("run.no-pin", new Uint8Array(0)), ci1, sid1]
  ]
  for (const [id, title, prs, ci, sid] of variants)
    file.valid(
      { id: `cpace-linking-generator-${id}`, title, clauses, flags: ["Distinct"], world },
      "cpace.generator",
      { prs, ci, sid },
      { generator: cpaceGenerator(trace, `variant.${id}`, prs, ci, sid) }
    )
  const { share: theirs } = run.share(1, pin.prs)
  const { isk: agreed } = run.proof("right", 1, pin.prs, theirs)
  const none = new Uint8Array(0)
  const linked = {
    ci: ci1,
    sid: sid1,
    initiator: theirs,
    initiatorAd: "",
    responder: "$run.right-share",
    responderAd: ""
  } as const
  for (const [role, scalar] of [
    ["initiator", "$run.old-scalar-1"],
    ["responder", "$run.new-scalar-1"]
  ] as const)
    file.valid(
      { id: `cpace-linking-key-${role}`, title: `the ISK of a linking, as the ${role} computes it`, clauses, world },
      "cpace.key",
      { role, scalar, ...linked },
      { isk: agreed }
    )
  file.valid(
    { id: "cpace-linking-confirm", title: "the tag by which new proves the PIN", clauses: ["link.pin.3"], world },
    "cpace.confirm",
    { isk: agreed, sid: sid1, share: "$run.right-share", ad: "" },
    { tag: "$run.right-tag" }
  )
  file.valid(
    { id: "cpace-linking-confirm-old", title: "the tag of old's share is another", clauses: ["link.pin.3"], world },
    "cpace.confirm",
    { isk: agreed, sid: sid1, share: theirs, ad: "" },
    { tag: cpaceTag(trace, "run.old-tag", sid1, agreed, theirs, none) }
  )

  // ---- Refused
  const low = (twin: string, at: string, id: string, which: ReadonlyArray<string>): void => {
    for (const [i, value] of which.entries())
      file.invalid(
        {
          id: `cpace-bad-${id}-${i}`,
          title: `point ${i} of low order`,
          clauses: ["link.pin.4", "crypto.x25519.3"],
          flags: ["LowOrder"]
        },
        twin,
        { at, op: "assign", value },
        "auth.low-order"
      )
  }
  low("cpace-linking-key-initiator", "in/responder", "responder", lowOrder)
  low("cpace-linking-key-responder", "in/initiator", "initiator", lowOrder)
  const top = lowOrder.map((text) => text.slice(0, 62) + (Number.parseInt(text.slice(62), 16) | 0x80).toString(16))
  low("cpace-draft-key-responder", "in/initiator", "top-bit", top)
  const short = (id: string, length: number): void =>
    void file.invalid(
      { id: `cpace-bad-${id}`, title: `a share of ${length} bytes`, clauses: ["crypto.x25519.4"], flags: ["Form"] },
      "cpace-linking-key-initiator",
      { at: "in/responder", op: "assign", value: "09".repeat(length) },
      "auth.low-order"
    )
  short("share-31", 31)
  short("share-33", 33)
  short("share-0", 0)
  return file.file()
}

export const steps = (): VectorFile => {
  const file = new FileBuilder(family, "steps")
  const world = "steps"
  const trace = file.world(world, "two linkings of one account's devices, and one that somebody stands in")
  const { joiner, mallory, old } = cast(trace)
  const actors = ["linking/old", "linking/new"] as const
  const invited = invitation(trace, "invitation", old, "linking/old", 0, { offers: [1, 2] })
  const run = new Linking(trace, "run", invited, joiner, [1, 2], actors)
  const again = new Linking(trace, "again", invited, joiner, [2], actors, 1)
  const between = new Linking(trace, "between", invited, mallory, [1, 2], ["linking/old", "linking/mallory"])
  const attempts: ReadonlyArray<readonly [Linking, string, string]> = [
    [run, "run", "one linking"],
    [again, "again", "the same invitation, other nonces and ephemeral key, one challenge less"],
    [between, "between", "the same invitation, joined by somebody else"]
  ]
  for (const [linking, id, title] of attempts) {
    file.valid(
      {
        id: `link-transcript-${id}`,
        title,
        clauses: ["link.commit.1", "link.transcript.1", "link.code.1", "link.digits.1"],
        flags: ["Distinct"],
        world
      },
      "link.transcript",
      { invitation: invited.whole, hello: linking.hello, answer: linking.answer, reveal: linking.reveal },
      { transcript: linking.transcript, print: linking.print(), digits: linking.digits() }
    )
    file.valid(
      { id: `link-channel-${id}`, title, clauses: ["link.keys.1"], flags: ["Distinct"], world },
      "link.channel",
      { transcript: linking.transcript, ephemerals: linking.first, identity: linking.second },
      { old: `$${id}.old-key`, new: `$${id}.new-key`, base: linking.base }
    )
  }

  // ---- Reveals
  const revealed = (linking: Linking, challenge: number): JsonObject => ({
    hello: linking.hello,
    transcript: linking.transcript,
    challenge
  })
  const reveal = (linking: Linking): JsonObject => ({
    invitation: invited.whole,
    agreement: old.agree,
    secret: invited.secret,
    nonce: `$${linking.id}.old-nonce`,
    reveal: linking.reveal
  })
  const revealRules = ["link.commit.1", "link.reveal.1", "link.decide.1", "link.reflect.1", "link.keys.1"]
  file.valid(
    { id: "link-reveal-run", title: "a reveal that old takes", clauses: revealRules, world },
    "link.reveal",
    reveal(run),
    revealed(run, 1)
  )
  file.valid(
    { id: "link-reveal-again", title: "with one challenge less", clauses: revealRules, world },
    "link.reveal",
    reveal(again),
    revealed(again, 2)
  )
  const bytes = trace.value(run.reveal)
  // 96 03 c420 nonce c420 ephemeral c420 device c420 agreement 92 01 02
  const field = { nonce: 4, ephemeral: 38, device: 72, agreement: 106, takes: 138 } as const
  const refuseReveal = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    flags: ReadonlyArray<string>,
    change: Change,
    cause: string
  ): void =>
    void file.invalid(
      { id: `link-reveal-bad-${id}`, title, clauses, flags },
      "link-reveal-run",
      { at: "in/reveal", ...change },
      cause
    )
  const put = (
    id: string,
    title: string,
    clause: string,
    flag: string,
    offset: number,
    from: Ref | string,
    cause: string
  ): void =>
    refuseReveal(
      id,
      title,
      [clause],
      [flag],
      from.startsWith("$")
        ? { op: "splice", offset, length: 32, from, source: [0, 32] }
        : { op: "set", offset, bytes: from },
      cause
    )
  put("own-device", "old's own device id", "link.reflect.1", "Reflected", field.device, old.device, "link.reflected")
  put(
    "own-agreement",
    "old's own agreement key",
    "link.reflect.1",
    "Reflected",
    field.agreement,
    old.agree,
    "link.reflected"
  )
  put(
    "own-ephemeral",
    "the invitation's ephemeral key",
    "link.reflect.1",
    "Reflected",
    field.ephemeral,
    invited.ephemeral,
    "link.reflected"
  )
  for (const [i, value] of lowOrder.entries())
    put(
      `low-ephemeral-${i}`,
      `ephemeral key of low order, point ${i}`,
      "link.keys.1",
      "LowOrder",
      field.ephemeral,
      value,
      "auth.low-order"
    )
  for (const i of [0, 3, 5])
    put(
      `low-agreement-${i}`,
      `agreement key of low order, point ${i}`,
      "link.keys.1",
      "LowOrder",
      field.agreement,
      lowOrder[i]!,
      "auth.low-order"
    )
  put(
    "low-device",
    "a device id of low order",
    "link.reflect.1",
    "LowOrder",
    field.device,
    `01${"00".repeat(31)}`,
    "auth.low-order"
  )
  put(
    "device-form",
    "a device id that is no canonical encoding",
    "link.reflect.1",
    "LowOrder",
    field.device,
    `ee${"ff".repeat(30)}7f`,
    "auth.low-order"
  )
  const takes = (id: string, title: string, value: string, cause: string, flag = "Lying"): void =>
    refuseReveal(id, title, ["link.decide.1"], [flag], { op: "set", offset: field.takes, bytes: value }, cause)
  refuseReveal(
    "takes-3",
    "challenge 3 alone, which old does not offer",
    ["link.decide.1"],
    ["Lying"],
    { op: "reencode", offset: field.takes, length: 3, bytes: "9103", kind: "another list" },
    "link.no-challenge"
  )
  takes("takes-order", "a list that descends", "920201", "decode.noncanonical")
  takes("takes-twice", "a challenge twice", "920101", "decode.noncanonical")
  takes("takes-0", "challenge 0", "920002", "decode.value", "Form")
  const two = (id: string, title: string, agreement: string, list: string, cause: string): void =>
    refuseReveal(
      id,
      title,
      ["link.reveal.1"],
      ["Lying"],
      {
        op: "reencode",
        offset: field.agreement,
        length: 35,
        bytes: agreement + list,
        kind: "another key and list"
      },
      cause
    )
  const owned = hex(trace.value(old.agree))
  two("two-reflected-none", "old's agreement key, and nothing in common", owned, "9103", "link.no-challenge")
  two("two-reflected-order", "old's agreement key, and a list that descends", owned, "920201", "decode.noncanonical")
  two("two-low-none", "a key of low order, and nothing in common", lowOrder[1]!, "9103", "link.no-challenge")
  refuseReveal(
    "truncated",
    "the last byte is missing",
    ["link.frame.1"],
    ["Form"],
    { op: "cut", offset: bytes.length - 1, length: 1 },
    "decode.truncated"
  )
  refuseReveal(
    "trailing",
    "a byte behind",
    ["link.frame.1"],
    ["Form"],
    { op: "insert", offset: bytes.length, bytes: "00" },
    "decode.trailing"
  )

  // ---- Sealed messages
  const { frame: ready } = run.ready()
  const message = "$run.ready.message"
  const box: Ref = "$run.ready.sealed"
  file.valid(
    { id: "link-open-ready", title: "the first message of new", clauses: ["link.keys.2", "link.ready.1"], world },
    "link.open",
    { transcript: run.transcript, key: "$run.new-key", count: 0, ciphertext: box },
    { message }
  )
  trace.value(ready)
  const closed = (id: string, title: string, at: string, change: Change, flag = "Forged"): void =>
    void file.invalid(
      { id: `link-open-bad-${id}`, title, clauses: ["link.keys.2"], flags: [flag] },
      "link-open-ready",
      { at, ...change },
      "auth.tag"
    )
  const assign = (value: Ref | number): Change => ({ op: "assign", value })
  closed("bit", "one bit of it", "in/ciphertext", { op: "xor", offset: 0, bytes: "01" })
  closed("tag", "one bit of the tag", "in/ciphertext", { op: "xor", offset: trace.value(box).length - 1, bytes: "80" })
  closed("cut", "its last byte is missing", "in/ciphertext", {
    op: "cut",
    offset: trace.value(box).length - 1,
    length: 1
  })
  closed("replayed", "for the second time", "in/count", assign(1), "Replayed")
  closed("reflected", "as if old had sent it", "in/key", assign("$run.old-key"), "Reflected")
  closed(
    "other-linking",
    "in another linking of the same devices",
    "in/transcript",
    assign(again.transcript),
    "Replayed"
  )
  closed("other-key", "under the key of another linking", "in/key", assign("$again.new-key"), "Replayed")

  // ---- Code, PIN, final keys
  const { code, secret } = run.code()
  const scan = (id: string, title: string, linking: Linking, shown: Ref, out: Ref): void =>
    void file.valid(
      { id: `link-code-${id}`, title, clauses: ["link.code.1", "link.code.2"], world },
      "link.code",
      { transcript: linking.transcript, code: shown },
      { secret: out }
    )
  scan("run", "the code of this linking", run, code, secret)
  const againCode = again.code()
  scan("again", "the code of another linking, scanned for that one", again, againCode.code, againCode.secret)
  const betweenCode = between.code()
  const refuseCode = (id: string, title: string, flags: ReadonlyArray<string>, change: Change, cause: string): void =>
    void file.invalid(
      {
        id: `link-code-bad-${id}`,
        title,
        clauses: ["link.code.1", "link.code.2"],
        flags,
        critical: cause === "link.code"
      },
      "link-code-run",
      { at: "in/code", ...change },
      cause
    )
  const codeBytes = trace.value(code)
  refuseCode(
    "print-first",
    "the first bit of the print",
    ["Forged"],
    { op: "xor", offset: 4, bytes: "80" },
    "link.code"
  )
  refuseCode("print-last", "the last bit of the print", ["Forged"], { op: "xor", offset: 35, bytes: "01" }, "link.code")
  refuseCode(
    "other-linking",
    "the code of another linking with the same invitation",
    ["Replayed"],
    assign(againCode.code),
    "link.code"
  )
  refuseCode(
    "interposed",
    "what a device shows whose other end is somebody between",
    ["Interposed"],
    assign(betweenCode.code),
    "link.code"
  )
  refuseCode("version-2", "the next version", ["Version"], { op: "set", offset: 1, bytes: "02" }, "link.version")
  refuseCode(
    "truncated",
    "half of it",
    ["Form"],
    { op: "cut", offset: 27, length: codeBytes.length - 27 },
    "decode.truncated"
  )
  refuseCode(
    "trailing",
    "a byte behind",
    ["Form"],
    { op: "insert", offset: codeBytes.length, bytes: "00" },
    "decode.size"
  )
  refuseCode("invitation", "the invitation itself", ["Form"], assign(invited.whole), "decode.size")
  refuseCode("empty", "nothing", ["Form"], { op: "assign", value: "" }, "decode.truncated")

  const pin = run.pin()
  const made = (id: string, title: string, random: Ref, digits: number, text: string): void =>
    void file.valid(
      { id: `link-pin-${id}`, title, clauses: ["link.pin.1"], world },
      "link.pin",
      { random, digits },
      { pin: text }
    )
  for (const digits of [6, 7, 8]) {
    const text = new TextDecoder().decode(trace.value("$run.pin-digits")).slice(0, digits)
    made(`${digits}`, `${digits} digits`, pin.random, digits, text)
  }
  made(
    "zeros",
    "zeros in front, in both halves",
    trace.literal("pin-zeros", unhex("00000000070000000009")),
    8,
    "00007000"
  )
  made("modulo", "the largest bytes", trace.literal("pin-ones", unhex("ffffffffffffffffffff")), 8, "27775277")
  const typed = (id: string, title: string, text: string, pin: string): void =>
    void file.valid({ id: `link-typed-${id}`, title, clauses: ["link.pin.1"] }, "link.typed", { text }, { pin })
  typed("6", "six digits", "012345", "012345")
  typed("8", "eight digits", "98765432", "98765432")
  typed("grouped", "with a space and a hyphen", "012 345-6", "0123456")
  const untyped = (id: string, title: string, text: string, cause: string): void =>
    void file.invalid(
      { id: `link-typed-bad-${id}`, title, clauses: ["link.pin.1"], flags: ["Form"] },
      "link-typed-6",
      { at: "in/text", op: "assign", value: text },
      cause
    )
  untyped("5", "five digits", "01234", "decode.truncated")
  untyped("9", "nine digits", "012345678", "decode.trailing")
  untyped("letter", "a letter", "01234O", "decode.value")
  untyped("other-digits", "digits of another script", "٠١٢٣٤٥", "decode.value")
  untyped("empty", "nothing", "", "decode.truncated")
  untyped("line", "a line feed in it", "012\n345", "decode.value")

  const finals: ReadonlyArray<readonly [string, string, number, Ref | undefined]> = [
    ["code", "the code's secret", 1, secret],
    ["digits", "nothing is proved", 3, undefined],
    ["pin", "the ISK", 2, trace.coin("run.some-isk", "linking", "test.isk", 0, 64)],
    ["code-as-pin", "the code's secret under the number of the PIN", 2, secret]
  ]
  for (const [id, title, challenge, proved] of finals) {
    file.valid(
      { id: `link-final-${id}`, title, clauses: ["link.keys.3", "link.payload.2"], flags: ["Distinct"], world },
      "link.final",
      { transcript: run.transcript, base: run.base, challenge, proved: proved ?? "" },
      finalKeys(trace, run, `final-${id}`, challenge, proved)
    )
  }

  // ---- Payloads
  const member = payload(trace, "member", old, joiner)
  const fits = (id: string, title: string, bytes: Ref, role: number, handover: Ref | ""): void =>
    void file.valid(
      { id: `link-payload-${id}`, title, clauses: ["link.payload.1", "link.payload.2", "link.payload.3"], world },
      "link.payload",
      { account: old.account, oldDevice: old.device, device: joiner.device, agreement: joiner.agree, payload: bytes },
      { role, version: 2, handover }
    )
  fits("member", "for a member", member, 2, "")
  const handover = handedOver(trace, "handover", old, "$final-code.handover", "$final-code.ad")
  const admin = payload(trace, "admin", old, joiner, { role: 1, handover })
  fits("admin", "for an admin, with the account sealed", admin, 1, handover)
  fits("replica", "for a replica", payload(trace, "replica", old, joiner, { role: 3 }), 3, "")
  fits(
    "extension",
    "with an extension that may be ignored",
    payload(trace, "extended", old, joiner, {
      extensions: [[1, 7]],
      certificate: "$member.certificate",
      manifest: "$member.manifest"
    }),
    2,
    ""
  )
  const kept = { certificate: "$member.certificate", manifest: "$member.manifest" } as const
  const conversation = trace.coin("conversation", "linking/old", "test.conversation", 0, 16)
  const histories: ReadonlyArray<readonly [id: string, title: string, range: ReadonlyArray<Arg>]> = [
    ["all", "all of the history", [1]],
    ["since", "the history from a time on", [2, 1_700_000_000_000]],
    ["last", "the last hundred messages of each conversation", [3, 100]],
    ["some", "one conversation of the history, from the beginning", [4, [conversation], 0]]
  ]
  for (const [id, title, range] of histories) {
    const bytes = payload(trace, `history-${id}`, old, joiner, { extensions: [[3, range]], ...kept })
    file.valid(
      { id: `link-payload-history-${id}`, title, clauses: ["link.history.1"], world },
      "link.payload",
      { account: old.account, oldDevice: old.device, device: joiner.device, agreement: joiner.agree, payload: bytes },
      { role: 2, version: 2, handover: "" }
    )
  }
  const refusePayload = (
    id: string,
    title: string,
    clause: string,
    flag: string,
    delta: Delta,
    cause: string,
    twin = "link-payload-member"
  ): void =>
    void file.invalid(
      {
        id: `link-payload-bad-${id}`,
        title,
        clauses: [clause],
        flags: [flag],
        critical: cause === "link.payload" || cause.startsWith("auth.")
      },
      twin,
      delta,
      cause
    )
  const give = (id: string, title: string, clause: string, value: Ref, cause: string, twin?: string): void =>
    refusePayload(id, title, clause, "Lying", { at: "in/payload", op: "assign", value }, cause, twin)
  const other = device(trace, "other", "linking/other", old)
  give(
    "other-device",
    "for another new device",
    "link.payload.3",
    payload(trace, "for-other", old, other),
    "link.payload"
  )
  give(
    "mallory-account",
    "of another account",
    "link.payload.3",
    payload(trace, "of-mallory", mallory, joiner, { manifest: "$member.manifest" }),
    "link.payload"
  )
  give(
    "mallory-manifest",
    "with the manifest of another account",
    "link.payload.3",
    payload(trace, "mallory-listed", old, joiner, {
      certificate: "$member.certificate",
      manifest: manifest(trace, "mallory-manifest", mallory, {
        version: 2,
        previous: "$manifest-1.hash",
        devices: [
          { key: old, addedIn: 1, role: 1 },
          { key: joiner, addedIn: 2 }
        ]
      })
    }),
    "auth.account"
  )
  const listed = (
    id: string,
    devices: ReadonlyArray<{
      readonly key: typeof old
      readonly addedIn: number
      readonly role?: number
      readonly agree?: Ref
    }>,
    version = 2
  ): Ref =>
    payload(trace, id, old, joiner, {
      certificate: "$member.certificate",
      manifest: manifest(trace, `${id}-manifest`, old, { version, previous: "$manifest-1.hash", devices })
    })
  const first = { key: old, addedIn: 1, role: 1 }
  give("not-listed", "the manifest does not list new", "link.payload.3", listed("unlisted", [first]), "link.payload")
  give(
    "listed-role",
    "the manifest lists another role",
    "link.payload.3",
    listed("listed-role", [first, { key: joiner, addedIn: 2, role: 3 }]),
    "link.payload"
  )
  give(
    "listed-key",
    "the manifest lists another agreement key",
    "link.payload.3",
    listed("listed-key", [first, { key: joiner, addedIn: 2, agree: mallory.agree }]),
    "link.payload"
  )
  give(
    "old-not-admin",
    "the invitation's device is no admin",
    "link.payload.3",
    listed("old-member", [
      { key: old, addedIn: 1, role: 2 },
      { key: joiner, addedIn: 2 }
    ]),
    "link.payload"
  )
  give(
    "old-not-listed",
    "the invitation's device is not listed",
    "link.payload.3",
    listed("old-gone", [{ key: joiner, addedIn: 2 }]),
    "link.payload"
  )
  give(
    "version",
    "a manifest of another version than the certificate's",
    "link.payload.3",
    listed("version-3", [first, { key: joiner, addedIn: 2 }], 3),
    "link.payload"
  )
  give(
    "role",
    "another role than the certificate's",
    "link.payload.3",
    payload(trace, "role", old, joiner, { role: 3, certificate: "$member.certificate", manifest: "$member.manifest" }),
    "link.payload"
  )
  give(
    "admin-without",
    "an admin without the account",
    "link.payload.2",
    payload(trace, "bare-admin", old, joiner, {
      role: 1,
      certificate: "$admin.certificate",
      manifest: "$admin.manifest"
    }),
    "link.payload",
    "link-payload-admin"
  )
  give(
    "member-with",
    "a member with the account",
    "link.payload.2",
    payload(trace, "rich-member", old, joiner, {
      handover,
      certificate: "$member.certificate",
      manifest: "$member.manifest"
    }),
    "link.payload"
  )
  give(
    "critical",
    "an extension that must not be ignored",
    "link.payload.1",
    payload(trace, "critical", old, joiner, {
      extensions: [[2, 7]],
      certificate: "$member.certificate",
      manifest: "$member.manifest"
    }),
    "decode.unknown-critical"
  )
  const wrongly = (id: string, title: string, range: Arg, cause: string): void =>
    give(
      `history-${id}`,
      title,
      "link.history.1",
      payload(trace, `wrong-history-${id}`, old, joiner, { extensions: [[3, range]], ...kept }),
      cause,
      "link-payload-history-all"
    )
  wrongly("number", "a number for a part of the history", 7, "decode.type")
  wrongly("none", "the last none of each conversation", [3, 0], "decode.value")
  wrongly("nowhere", "a part of no conversation", [4, [], 0], "decode.size")
  wrongly("unknown", "a choice that there is not", [5], "decode.value")
  wrongly(
    "long",
    "a part of too many conversations",
    [4, Array.from({ length: 228 }, () => conversation), 0],
    "decode.size"
  )
  const view = (id: string, title: string, at: string, value: Ref, cause: string): void =>
    refusePayload(id, title, "link.payload.3", "Lying", { at, op: "assign", value }, cause)
  view("own-device", "seen by a device with another id", "in/device", other.device, "link.payload")
  view("own-agreement", "seen by a device with another agreement key", "in/agreement", other.agree, "link.payload")
  view("invited-by", "seen by who was invited by another device", "in/oldDevice", other.device, "link.payload")
  view("invited-to", "seen by who was invited to another account", "in/account", mallory.account, "auth.account")
  const inner = (id: string, title: string, value: string, offset: number, cause: string): void =>
    refusePayload(
      id,
      title,
      "link.payload.3",
      "Forged",
      { at: "in/payload", op: "resign", value, inner: { at: "in/payload", op: "xor", offset, bytes: "01" } },
      cause
    )
  inner(
    "certificate",
    "one bit of the certificate",
    "member.certificate",
    trace.value("$member.certificate").length - 1,
    "auth.certificate"
  )
  inner(
    "manifest",
    "one bit of the manifest",
    "member.manifest",
    trace.value("$member.manifest").length - 1,
    "auth.account"
  )
  const size = trace.value(member).length
  refusePayload(
    "truncated",
    "the last byte is missing",
    "link.payload.1",
    "Form",
    { at: "in/payload", op: "cut", offset: size - 1, length: 1 },
    "decode.truncated"
  )
  refusePayload(
    "trailing",
    "a byte behind",
    "link.payload.1",
    "Form",
    { at: "in/payload", op: "insert", offset: size, bytes: "00" },
    "decode.trailing"
  )
  return file.file()
}

/** Final keys under names of their own, as one linking has only one. */
const finalKeys = (trace: Trace, run: Linking, id: string, challenge: number, proved: Ref | undefined): JsonObject => {
  const ikm = proved === undefined ? run.base : trace.concat(`${id}.ikm`, [run.base, proved], "link.keys.3")
  const parts = [Uint8Array.of(challenge)]
  const info = trace.op(`${id}.info`, "label", { purpose: "link final", parts }, "link.keys.3")
  const out = trace.op(id, "hkdf-sha256", { salt: run.transcript, ikm, info, len: 96 }, "link.keys.3")
  return {
    old: trace.slice(`${id}.old`, out, 0, 32, "link.keys.3"),
    new: trace.slice(`${id}.new`, out, 32, 64, "link.keys.3"),
    handover: trace.slice(`${id}.handover`, out, 64, 96, "link.keys.3"),
    ad: trace.op(`${id}.ad`, "label", { purpose: "link handover", parts: [run.transcript] }, "link.payload.2")
  }
}
