/**
 * F14: invitations, as bytes and as text, and which challenge two devices use.
 *
 * Spec: docs/spec/19-linking.md §19.1, §19.4. Long because it is one table of cases.
 */
import { be, hex } from "../bytes.ts"
import { FileBuilder, now, type Family } from "../family.ts"
import { device, type Device } from "../identity.ts"
import { invitation, lifetime, relay, type Invitation, type Invited } from "../linking.ts"
import type { Delta, JsonObject, VectorFile } from "../model.ts"
import type { Ref, Trace } from "../trace.ts"

const time = { now: "uint" } as const
const step = { frames: "list", events: "json", state: "text" } as const
const cpace = { ci: "bytes", sid: "bytes" } as const

/** F14. */
export const family: Family = {
  id: "F14",
  name: "linking",
  document: "docs/spec/19-linking.md",
  level: 3,
  operations: {
    "invitation.verify": {
      in: { bytes: "bytes", purpose: "uint", ...time },
      out: { account: "bytes", device: "bytes", relay: "text", issuedAt: "uint", expiresAt: "uint", details: "list" }
    },
    "link.text": { in: { kind: "text", text: "text" }, out: { bytes: "bytes" } },
    "link.able": {
      in: { scan: "flag", show: "flag", type: "flag", digits: "flag" },
      out: { offers: "list", takes: "list" }
    },
    "link.choose": { in: { offers: "list", takes: "list" }, out: { challenge: "uint" } },
    "cpace.map": { in: { field: "bytes" }, out: { point: "bytes" } },
    "cpace.generator": { in: { prs: "bytes", ...cpace }, out: { generator: "bytes" } },
    "cpace.share": { in: { scalar: "bytes", generator: "bytes" }, out: { share: "bytes" } },
    "cpace.key": {
      in: {
        role: "text",
        scalar: "bytes",
        ...cpace,
        initiator: "bytes",
        initiatorAd: "bytes",
        responder: "bytes",
        responderAd: "bytes"
      },
      out: { isk: "bytes" }
    },
    "cpace.confirm": { in: { isk: "bytes", sid: "bytes", share: "bytes", ad: "bytes" }, out: { tag: "bytes" } },
    "link.transcript": {
      in: { invitation: "bytes", hello: "bytes", answer: "bytes", reveal: "bytes" },
      out: { transcript: "bytes", print: "bytes", digits: "text" }
    },
    "link.channel": {
      in: { transcript: "bytes", ephemerals: "bytes", identity: "bytes" },
      out: { old: "bytes", new: "bytes", base: "bytes" }
    },
    "link.final": {
      in: { transcript: "bytes", base: "bytes", challenge: "uint", proved: "bytes" },
      out: { old: "bytes", new: "bytes", handover: "bytes", ad: "bytes" }
    },
    "link.open": {
      in: { transcript: "bytes", key: "bytes", count: "uint", ciphertext: "bytes" },
      out: { message: "bytes" }
    },
    "link.reveal": {
      in: { invitation: "bytes", agreement: "bytes", secret: "bytes", nonce: "bytes", reveal: "bytes" },
      out: { hello: "bytes", transcript: "bytes", challenge: "uint" }
    },
    "link.code": { in: { transcript: "bytes", code: "bytes" }, out: { secret: "bytes" } },
    "link.pin": { in: { random: "bytes", digits: "uint" }, out: { pin: "text" } },
    "link.typed": { in: { text: "text" }, out: { pin: "text" } },
    "link.payload": {
      in: { account: "bytes", oldDevice: "bytes", device: "bytes", agreement: "bytes", payload: "bytes" },
      out: { role: "uint", version: "uint", handover: "bytes" }
    },
    "link.offer": {
      in: {
        invitation: "bytes",
        agreement: "bytes",
        digits: "uint",
        slot: "bytes",
        ephemeral: "bytes",
        nonce: "bytes",
        pin: "bytes",
        shares: "list"
      },
      out: { state: "text" },
      stateful: true
    },
    "link.join": {
      in: {
        invitation: "bytes",
        show: "flag",
        type: "flag",
        digits: "flag",
        device: "bytes",
        agreement: "bytes",
        shared: "bytes",
        ephemeral: "bytes",
        nonce: "bytes",
        secret: "bytes",
        shares: "list",
        ...time
      },
      out: step,
      stateful: true
    },
    "link.receive": { in: { frame: "bytes", ...time }, out: step, stateful: true },
    "link.sign": { in: { signature: "bytes", ...time }, out: step, stateful: true },
    "link.scan": { in: { code: "bytes", ...time }, out: step, stateful: true },
    "link.type": { in: { text: "text", ...time }, out: step, stateful: true },
    "link.confirm": { in: { ...time }, out: step, stateful: true },
    "link.grant": { in: { payload: "bytes", ...time }, out: step, stateful: true },
    "link.finish": { in: { ...time }, out: step, stateful: true },
    "link.abort": { in: { reason: "text" }, out: step, stateful: true },
    "link.tick": { in: { ...time }, out: step, stateful: true }
  },
  notes: {
    Distinct: {
      kind: "DOMAIN_SEPARATION",
      text: "All cases of this operation in this file that carry the flag give different outputs.",
      refs: []
    },
    Published: {
      kind: "KNOWN_ANSWER",
      text: "Inputs and outputs are those of the test vectors of draft-irtf-cfrg-cpace-21 for X25519 and SHA-512.",
      refs: ["docs/spec/19-linking.md §19.5"]
    },
    Form: {
      kind: "ENCODING",
      text: "Not the one encoding, or not the layout.",
      refs: ["docs/spec/19-linking.md §19.1"]
    },
    Forged: {
      kind: "AUTH_BYPASS",
      text: "Altered by somebody without the key.",
      refs: ["docs/spec/19-linking.md §19.8"]
    },
    Lying: {
      kind: "PROTOCOL",
      text: "Made with the right keys by an end that breaks the rules.",
      refs: ["docs/spec/19-linking.md §19.8"]
    },
    Expired: { kind: "FRESHNESS", text: "Too late.", refs: ["docs/spec/19-linking.md §19.2"] },
    Replayed: {
      kind: "REPLAY",
      text: "A frame for the second time, or one of another linking.",
      refs: ["docs/spec/19-linking.md §19.8"]
    },
    Reflected: {
      kind: "REFLECTION",
      text: "One's own frame or keys come back.",
      refs: ["docs/spec/19-linking.md §19.8"]
    },
    Interposed: {
      kind: "AUTH_BYPASS",
      text: "Somebody stands between the two devices under keys of its own.",
      refs: ["docs/spec/19-linking.md §19.8"]
    },
    LowOrder: {
      kind: "LOW_ORDER",
      text: "A key or share with which every agreement is zero.",
      refs: ["docs/spec/19-linking.md §19.3", "docs/spec/19-linking.md §19.5"]
    },
    OutOfOrder: {
      kind: "PROTOCOL",
      text: "Something that the state has no use for.",
      refs: ["docs/spec/19-linking.md §19.7"]
    },
    Version: { kind: "VERSION", text: "A format of another release.", refs: ["docs/spec/19-linking.md §19.1"] },
    WrongPin: { kind: "ATTEMPTS", text: "A PIN that is not the one shown.", refs: ["docs/spec/19-linking.md §19.5"] }
  }
}

/** Old and new devices of one account, and somebody else. */
export const cast = (trace: Trace): { readonly old: Device; readonly joiner: Device; readonly mallory: Device } => {
  const old = device(trace, "old", "linking/old")
  return {
    old,
    joiner: device(trace, "new", "linking/new", old),
    mallory: device(trace, "mallory", "linking/mallory")
  }
}

const base = "invitation-device"
const world = "invitations"

export const invitations = (): VectorFile => {
  const file = new FileBuilder(family, "invitation")
  const trace = file.world(world, "invitations of one device")
  const { mallory, old } = cast(trace)
  let index = 0
  const verify = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    says: Invited = {},
    at = now
  ): Invitation => {
    const made = invitation(trace, id, old, "linking/old", index++, says)
    const purpose = says.purpose ?? 3
    file.valid(
      { id: `invitation-${id}`, title, clauses, world },
      "invitation.verify",
      { bytes: made.whole, purpose, now: at },
      {
        account: old.account,
        device: old.device,
        relay: says.relay ?? relay,
        issuedAt: says.issuedAt ?? now,
        expiresAt: says.expiresAt ?? now + lifetime,
        details: purpose === 3 ? [made.slot, made.ephemeral, [...(says.offers ?? [1, 2])]] : []
      }
    )
    return made
  }
  const layout = ["invitation.layout.1", "invitation.purpose.1", "invitation.sign.1"]
  verify("device", "a device's invitation as it is usually made", layout)
  verify("last-moment", "in the last millisecond before it expires", ["invitation.expiry.1"], {}, now + lifetime - 1)
  verify("one-millisecond", "the shortest lifetime", ["invitation.expiry.1"], { expiresAt: now + 1 })
  verify("before-issued", "a clock that is behind the issuer's", ["invitation.expiry.1"], {}, now - 60_000)
  for (const offers of [[1], [2], [3], [1, 2, 3]])
    verify(`offers-${offers.join("")}`, `offers of ${offers.join(", ")}`, ["invitation.purpose.1"], { offers })
  verify("relay-1", "the shortest address of a relay", ["invitation.layout.1"], { relay: "r" })
  verify("relay-255", "the longest address of a relay", ["invitation.layout.1"], { relay: "r".repeat(255) })
  verify("extension", "an extension that may be ignored", ["invitation.layout.1"], {
    extensions: [[1, new Uint8Array(8)]]
  })
  const year = now + 31_622_400_000
  verify("contact", "an invitation to make contact, for as long as one can serve", ["invitation.purpose.1"], {
    purpose: 1,
    uses: 0,
    expiresAt: year,
    details: new Uint8Array(4)
  })
  verify("group", "an invitation to a group, once, details of any form", ["invitation.purpose.1"], {
    purpose: 2,
    uses: 1,
    expiresAt: year,
    details: new Uint8Array(512)
  })

  // ---- Refused
  const at = "in/bytes"
  const bytes = trace.value("$device")
  const body = trace.value("$device.body")
  const bodyAt = 1 + 2 // array head, bin head of a length below 256
  if (body.length > 255) throw new Error("the body has a longer head than assumed")
  /** Where things stand in the body. */
  const place = (of: Ref | Uint8Array): number => {
    const wanted = hex(trace.value(of))
    const found = hex(body).indexOf(wanted)
    if (found < 0 || found % 2 !== 0) throw new Error("not in the body")
    return found / 2
  }
  const refuse = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    flags: ReadonlyArray<string>,
    delta: Delta,
    cause: string,
    twin = base
  ): void => void file.invalid({ id: `invitation-bad-${id}`, title, clauses, flags }, twin, delta, cause)
  const bit = (id: string, what: string, offset: number, mask = "01"): void =>
    refuse(
      id,
      `one bit of ${what}, the signature as it was`,
      ["invitation.sign.1"],
      ["Forged"],
      { at, op: "xor", offset: bodyAt + offset, bytes: mask, field: what },
      "link.invitation"
    )
  bit("bit-account", "the account id", place(old.account) + 31)
  bit("bit-device", "the device id", place(old.device))
  bit("bit-relay", "the relay's address", place(new TextEncoder().encode("relay.example")))
  bit("bit-issued", "the time of issue", place(be(now, 8)) + 7)
  // A bit that shortens the lifetime: one that lengthens it is refused before the signature is looked at.
  const byte = trace.value("$device.body")[place(be(now + lifetime, 8)) + 7]!
  bit("bit-expires", "the time it expires", place(be(now + lifetime, 8)) + 7, hex(Uint8Array.of(byte & -byte)))
  bit("bit-slot", "the slot", place("$device.slot"))
  bit("bit-ephemeral", "the ephemeral key", place("$device.ephemeral") + 5)
  bit("bit-offers", "the offered challenges", body.length - 2)
  refuse(
    "downgrade",
    "the stronger challenge replaced by the weakest, the signature as it was",
    ["invitation.sign.1", "link.decide.1"],
    ["Forged"],
    { at, op: "set", offset: bodyAt + body.length - 3, bytes: "0203", field: "offers" },
    "link.invitation"
  )
  refuse(
    "signature",
    "one bit of the signature",
    ["invitation.sign.1"],
    ["Forged"],
    { at, op: "xor", offset: bytes.length - 1, bytes: "01", field: "signature" },
    "link.invitation"
  )
  const forged = invitation(
    trace,
    "by-mallory",
    { ...mallory, account: old.account, device: old.device },
    "linking/mallory"
  )
  refuse(
    "by-another",
    "made by somebody else in the device's name",
    ["invitation.sign.1"],
    ["Forged"],
    { at, op: "assign", value: forged.whole },
    "link.invitation"
  )
  refuse(
    "signature-moved",
    "the signature of another invitation of the device",
    ["invitation.sign.1"],
    ["Forged"],
    {
      at,
      op: "splice",
      offset: bytes.length - 64,
      length: 64,
      from: "$one-millisecond.signature",
      source: [0, 64]
    },
    "link.invitation"
  )
  const late = (id: string, title: string, when: number): void =>
    refuse(id, title, ["invitation.expiry.1"], ["Expired"], { at: "in/now", op: "assign", value: when }, "link.expired")
  late("expired", "in the millisecond at which it expires", now + lifetime)
  late("expired-long", "a year later", now + 31_536_000_000)
  for (const purpose of [1, 2])
    refuse(
      `purpose-${purpose}`,
      "a device's invitation taken for one of another purpose",
      ["invitation.version.1"],
      ["Form"],
      { at: "in/purpose", op: "assign", value: purpose },
      "link.purpose"
    )
  const resign = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    flags: ReadonlyArray<string>,
    inner: Delta,
    cause: string,
    value = "device.body"
  ): void => refuse(id, title, clauses, flags, { at, op: "resign", value, inner }, cause)
  const set = (offset: number, bytes: string): Delta => ({ at: "in/bytes", op: "set", offset, bytes })
  resign("version-2", "the next version", ["invitation.version.1"], ["Version"], set(1, "02"), "link.version")
  resign("version-0", "version 0", ["invitation.version.1"], ["Version"], set(1, "00"), "link.version")
  resign("purpose-4", "a purpose that does not exist", ["invitation.purpose.1"], ["Form"], set(2, "04"), "decode.value")
  const expires = place(be(now + lifetime, 8))
  resign(
    "lifetime",
    "a lifetime of a millisecond more than ten minutes",
    ["invitation.expiry.1"],
    ["Form"],
    set(expires, hex(be(now + lifetime + 1, 8))),
    "decode.value"
  )
  resign(
    "no-lifetime",
    "expires when it was issued",
    ["invitation.expiry.1"],
    ["Form"],
    set(expires, hex(be(now, 8))),
    "decode.value"
  )
  resign(
    "uses-0",
    "serves any number of devices",
    ["invitation.single.1"],
    ["Form"],
    set(expires + 8, "00"),
    "decode.value"
  )
  resign("uses-2", "serves two devices", ["invitation.single.1"], ["Form"], set(expires + 8, "02"), "decode.value")
  const details = (
    id: string,
    title: string,
    inner: Delta,
    cause: string,
    flags: ReadonlyArray<string> = ["Form"],
    clause = "invitation.purpose.1"
  ): void => resign(id, title, [clause], flags, inner, cause, "device.details")
  // 93 c410 slot c420 key 92 01 02
  const end = trace.value("$device.details").length
  details("offers-order", "challenges in descending order", set(end - 2, "0201"), "decode.noncanonical")
  details("offers-twice", "a challenge twice", set(end - 2, "0202"), "decode.noncanonical")
  details("offers-0", "challenge 0", set(end - 2, "0002"), "decode.value")
  details("offers-4", "challenge 4", set(end - 1, "04"), "decode.value")
  details(
    "offers-none",
    "no challenge",
    { at, op: "reencode", offset: end - 3, length: 3, bytes: "90", kind: "empty list" },
    "decode.size"
  )
  details(
    "slot-15",
    "a slot of 15 bytes",
    { at, op: "reencode", offset: 1, length: 3, bytes: "c40f", kind: "shorter bin" },
    "decode.size"
  )
  details(
    "details-trailing",
    "a byte behind the details",
    { at, op: "insert", offset: end, bytes: "00" },
    "decode.trailing"
  )
  const low: ReadonlyArray<readonly [string, string, string]> = [
    ["zero", "the ephemeral key is zero", "00".repeat(32)],
    ["one", "the ephemeral key is 1", `01${"00".repeat(31)}`],
    ["order-8", "the ephemeral key is of order 8", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"],
    ["p", "the ephemeral key is p, another form of zero", `ed${"ff".repeat(30)}7f`]
  ]
  for (const [id, title, key] of low)
    details(`low-${id}`, title, set(1 + 2 + 16 + 2, key), "auth.low-order", ["LowOrder"], "crypto.x25519.3")
  const whole = (id: string, title: string, delta: Delta, cause: string): void =>
    refuse(id, title, ["invitation.layout.1"], ["Form"], delta, cause)
  whole(
    "truncated",
    "the last byte is missing",
    { at, op: "cut", offset: bytes.length - 1, length: 1 },
    "decode.truncated"
  )
  whole("trailing", "a byte behind", { at, op: "insert", offset: bytes.length, bytes: "00" }, "decode.trailing")
  whole(
    "long-head",
    "the body's length in a longer form",
    {
      at,
      op: "reencode",
      offset: 1,
      length: 2,
      bytes: `c500${hex(Uint8Array.of(body.length))}`,
      kind: "bin 16"
    },
    "decode.noncanonical"
  )
  whole("not-a-list", "a map instead of the array", { at, op: "set", offset: 0, bytes: "82" }, "decode.type")
  whole("empty", "nothing", { at, op: "assign", value: "" }, "decode.truncated")
  resign(
    "critical-extension",
    "an extension that must not be ignored",
    ["invitation.layout.1"],
    ["Form"],
    { at, op: "reencode", offset: body.length - 1, length: 1, bytes: "810200", kind: "a critical entry" },
    "decode.unknown-critical"
  )
  resign(
    "relay-empty",
    "no address of a relay",
    ["invitation.layout.1"],
    ["Form"],
    { at, op: "reencode", offset: 3 + 68, length: 1 + relay.length, bytes: "a0", kind: "empty text" },
    "decode.size"
  )
  return file.file()
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/** RFC 4648 §5 without padding, written out. */
const base64url = (bytes: Uint8Array): string => {
  let bits = ""
  for (const byte of bytes) bits += byte.toString(2).padStart(8, "0")
  return (bits.match(/.{1,6}/g) ?? []).map((part) => alphabet[Number.parseInt(part.padEnd(6, "0"), 2)]!).join("")
}

export const texts = (): VectorFile => {
  const file = new FileBuilder(family, "text")
  const rules = ["invitation.url.1", "invitation.url.2"]
  const short = Uint8Array.from({ length: 48 }, (_, i) => (i * 37 + 11) % 256)
  const read = (id: string, title: string, text: string, bytes: Uint8Array, kind = "invite"): void =>
    void file.valid(
      { id: `link-text-${id}`, title, clauses: rules },
      "link.text",
      { kind, text },
      { bytes: hex(bytes) }
    )
  read("tacit", "an invitation in the scheme of its own", `tacit:invite/${base64url(short)}`, short)
  const page = `https://tacit.example/get#invite/${base64url(short)}`
  read("https", "an invitation in the fragment of a page", page, short)
  read(
    "https-port",
    "a page with port, query and no path",
    `https://127.0.0.1:8443?x=1#invite/${base64url(short)}`,
    short
  )
  read("spaces", "white space around it", ` \t\r\n tacit:invite/${base64url(short)}\n`, short)
  read("code", "the code that a new device shows", `tacit:link/${base64url(short)}`, short, "link")
  for (const length of [0, 1, 2, 3])
    read(
      `length-${length}`,
      `${length} bytes`,
      `tacit:invite/${base64url(short.slice(0, length))}`,
      short.slice(0, length)
    )
  const every = Uint8Array.from({ length: 256 }, (_, i) => i)
  read("every-byte", "every byte once", `tacit:invite/${base64url(every)}`, every)
  read("longest", "2,048 characters", `tacit:invite/${"A".repeat(2035)}`, new Uint8Array(1526))

  const twin = "link-text-tacit"
  const refuse = (id: string, title: string, text: string, cause: string, of = twin): void =>
    void file.invalid(
      { id: `link-text-bad-${id}`, title, clauses: ["invitation.url.2"], flags: ["Form"] },
      of,
      { at: "in/text", op: "assign", value: text },
      cause
    )
  const good = `tacit:invite/${base64url(short)}`
  refuse("padding", "padding behind", `${good}==`, "decode.value")
  refuse("plus", "a character of the other alphabet", `${good.slice(0, -4)}ab+c`, "decode.value")
  refuse("inner-space", "a space inside", `${good.slice(0, -4)} ${good.slice(-4)}`, "decode.value")
  refuse("umlaut", "a letter that is no ASCII", `${good.slice(0, -1)}ä`, "decode.value")
  refuse("length-1", "a length that base64 cannot have", `${good}A`, "decode.truncated")
  refuse("bits-4", "four bits left over that are not zero", "tacit:invite/AB", "decode.noncanonical")
  refuse("bits-2", "two bits left over that are not zero", "tacit:invite/AAB", "decode.noncanonical")
  refuse("http", "a page without encryption", page.replace("https", "http"), "link.purpose", "link-text-https")
  refuse("query", "in the query instead of the fragment", page.replace("#", "?"), "link.purpose", "link-text-https")
  refuse("no-host", "a page without a host", `https://#invite/${base64url(short)}`, "link.purpose", "link-text-https")
  refuse("upper-case", "the scheme in capitals", good.replace("tacit", "TACIT"), "link.purpose")
  refuse("other-kind", "a code instead of an invitation", `tacit:link/${base64url(short)}`, "link.purpose")
  refuse("bare", "the bytes alone", base64url(short), "link.purpose")
  refuse("too-long", "2,049 characters", `tacit:invite/${"A".repeat(2036)}`, "decode.size")
  file.invalid(
    {
      id: "link-text-bad-code-for-invitation",
      title: "an invitation instead of a code",
      clauses: rules,
      flags: ["Form"]
    },
    "link-text-code",
    { at: "in/text", op: "assign", value: good },
    "link.purpose"
  )

  // ---- Rules link.decide.2 and link.decide.1
  for (let bits = 0; bits < 16; bits++) {
    const [scan, show, type, digits] = [1, 2, 4, 8].map((bit) => (bits & bit) !== 0) as [
      boolean,
      boolean,
      boolean,
      boolean
    ]
    const words = Object.entries({ scans: scan, shows: show, "is typed on": type, "has the option": digits })
    const can = words.flatMap(([word, does]) => (does ? [word] : []))
    const list = (code: boolean, pin: boolean): Array<number> =>
      digits ? [3] : [1, 2].filter((challenge) => (challenge === 1 ? code : pin))
    file.valid(
      {
        id: `link-able-${[scan, show, type, digits].map(Number).join("")}`,
        title: can.length === 0 ? "a device that can do nothing of it" : `a device that ${can.join(", ")}`,
        clauses: ["link.decide.2"]
      },
      "link.able",
      { scan, show, type, digits },
      { offers: list(scan, show), takes: list(show, type) }
    )
  }
  const lists = [[1], [2], [3], [1, 2], [1, 3], [2, 3], [1, 2, 3]]
  const choose = (offers: ReadonlyArray<number>, takes: ReadonlyArray<number>): JsonObject => ({
    offers: [...offers],
    takes: [...takes]
  })
  for (const offers of lists)
    for (const takes of lists) {
      const challenge = offers.find((one) => takes.includes(one))
      const [o, t] = [offers.join(""), takes.join("")]
      const clauses = ["link.decide.1"]
      if (challenge !== undefined)
        file.valid(
          {
            id: `link-choose-${o}-${t}`,
            title: `old offers ${offers.join(", ")}, new takes ${takes.join(", ")}`,
            clauses
          },
          "link.choose",
          choose(offers, takes),
          { challenge }
        )
    }
  const none: ReadonlyArray<readonly [string, ReadonlyArray<number>, ReadonlyArray<number>]> = [
    ["1-2", [1], [2]],
    ["1-3", [1], [3]],
    ["2-1", [2], [1]],
    ["2-3", [2], [3]],
    ["3-1", [3], [1]],
    ["3-2", [3], [2]],
    ["12-3", [1, 2], [3]],
    ["3-12", [3], [1, 2]]
  ]
  for (const [id, offers, takes] of none)
    file.invalid(
      {
        id: `link-choose-bad-${id}`,
        title: `old offers ${offers.join(", ")}, new takes ${takes.join(", ")}: nothing in common`,
        clauses: ["link.decide.1"],
        flags: ["OutOfOrder"]
      },
      `link-choose-${offers.join("")}-${offers.join("")}`,
      { at: "in/takes", op: "assign", value: [...takes] },
      "link.no-challenge"
    )
  return file.file()
}
