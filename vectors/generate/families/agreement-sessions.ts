/**
 * F05: starting sessions, as it should go and as it must not. Long because it is one table of cases.
 *
 * Spec: docs/spec/05-agreement.md §5.2, docs/spec/08-sessions.md §8.2.
 */
import { FileBuilder } from "../family.ts"
import { certificate, device, type Device } from "../identity.ts"
import type { Delta, ScriptStep, VectorFile } from "../model.ts"
import type { Suite } from "../prim.ts"
import type { Trace } from "../trace.ts"
import {
  begin,
  beginSession,
  family,
  finish,
  forget,
  left,
  prekeys,
  publish,
  receive,
  seal,
  Session,
  type Published
} from "./agreement.ts"

const alice = "alice/1"
const bob = "bob/1"
const carol = "carol/1"

/** Every order in which three starts can arrive. */
const orders = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0]
] as const

interface Cast {
  readonly trace: Trace
  readonly alice: Device
  readonly bob: Published
  readonly run: string
}

const cast = (file: FileBuilder, world: string, title: string): Cast => {
  const trace = file.world(world, title)
  const run = `${file.topic}/${world}`
  return { trace, run, alice: device(trace, "alice", `${run}/${alice}`), bob: publish(trace, "bob", run) }
}

/** The four kinds of prekeys a start may use, under each suite, with an answer and what follows. */
export const sessions = (suite: Suite): VectorFile => {
  const file = new FileBuilder(family, `sessions-suite-${suite}`)
  const accept = (
    world: string,
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    script: ReadonlyArray<ScriptStep>,
    flags: ReadonlyArray<string> = []
  ): void => void file.transcript({ id: `session-${suite}-${id}`, title, clauses, flags, world }, script)
  const variants = [
    ["full", "one-time prekeys of both kinds", true, true],
    ["no-x25519", "a one-time KEM prekey alone", false, true],
    ["no-kem", "a one-time X25519 prekey and the last-resort KEM prekey", true, false],
    ["none", "no one-time prekey at all", false, false]
  ] as const
  for (const [world, title, withOpk, withKem] of variants) {
    const { alice: a, bob: b, run, trace } = cast(file, world, `Alice begins a session with Bob: ${title}`)
    const session = new Session(trace, "s", suite, a, `${run}/${alice}`, b, {
      opk: withOpk ? b.opk[0] : undefined,
      kem: withKem ? b.kem[0]! : b.last
    })
    session.start(0)
    session.start(1)
    if (world === "full") session.start(2)
    session.later(1, 0)
    session.later(2, 0)
    finish(session, 4)
    const [oneTime, kemOneTime] = [withOpk ? [10] : [9, 10], withKem ? [12] : [11, 12]]
    const setting = [begin(a, alice), begin(b.device, bob), prekeys(b, bob)]
    accept(
      world,
      world,
      title,
      ["pqxdh.dh.1", "pqxdh.kem.1", "pqxdh.kdf.1", "pqxdh.ad.1", "session.start.1", "session.start.2", "prekey.once.1"],
      [
        ...setting,
        beginSession(session, alice),
        seal(session, alice, 0, 0),
        left(bob, [9, 10], [11, 12]),
        receive(session, bob, 0, 0, { turns: true }),
        left(bob, oneTime, kemOneTime),
        seal(session, alice, 0, 1),
        receive(session, bob, 0, 1),
        ...(world === "full" ? [seal(session, alice, 0, 2)] : []),
        seal(session, bob, 1, 0),
        receive(session, alice, 1, 0, { turns: true }),
        seal(session, alice, 2, 0),
        receive(session, bob, 2, 0, { turns: true }),
        left(bob, oneTime, kemOneTime)
      ]
    )
    if (world !== "full") continue
    for (const order of orders) {
      let highest = -1
      accept(
        world,
        `repeated-${order.join("")}`,
        `three starts of one session arrive as ${order.join(", ")}`,
        ["session.start.1", "session.start.2"],
        [
          begin(b.device, bob),
          prekeys(b, bob),
          ...order.map((number, i) => {
            const late = number < highest
            highest = Math.max(highest, number)
            return receive(session, bob, 0, number, {
              ...(i === 0 ? { turns: true as const } : {}),
              ...(late ? { late: true as const } : {})
            })
          }),
          left(bob, [10], [12])
        ],
        ["OutOfOrder"]
      )
    }
    hostile(file, suite, world, trace, session, a, b, run)
  }
  return file.file()
}

/** Bytes before a field of a start: the certificate is 204 bytes with its head of two. */
const offsets = (certificateLength: number) => {
  const version = 4 + certificateLength
  const ephemeral = version + 1 + 18
  const ids = ephemeral + 34
  return {
    certificate: 4,
    version,
    mailbox: version + 1,
    ephemeral: ephemeral + 2,
    signed: ids,
    oneTime: ids + 1,
    kind: ids + 2,
    kem: ids + 3,
    ciphertext: ids + 7,
    message: ids + 7 + 1088 + 2
  }
}

const hostile = (
  file: FileBuilder,
  suite: Suite,
  world: string,
  trace: Trace,
  session: Session,
  a: Device,
  b: Published,
  run: string
): void => {
  const setting = [begin(b.device, bob), prekeys(b, bob)]
  const twin = `session-${suite}-first`
  file.transcript({ id: twin, title: "Bob receives a start", clauses: ["session.start.2"], world }, [
    ...setting,
    receive(session, bob, 0, 0, { turns: true }),
    left(bob, [10], [12])
  ])
  const untouched = left(bob, [9, 10], [11, 12])
  const genuine = [untouched, receive(session, bob, 0, 0, { turns: true }), left(bob, [10], [12])]
  const place = "script/2/in/envelope"
  const refuse = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    flag: string,
    delta: Delta,
    cause: string,
    critical = true
  ): void =>
    void file.refused(
      {
        id: `${twin}-${id}`,
        title,
        clauses: [...clauses, ...(cause.startsWith("auth.") ? ["prekey.once.1"] : [])],
        flags: [flag],
        critical
      },
      twin,
      delta,
      cause,
      { probe: genuine, rejects: 2 }
    )
  const bit = (offset: number, field: string): Delta => ({ at: place, op: "xor", offset, bytes: "01", field })
  refuse("mailbox", "for another mailbox", ["envelope.prefix.1"], "Modified", bit(5, "to"), "envelope.mailbox", false)
  refuse(
    "version",
    "another version",
    ["envelope.version.1"],
    "Modified",
    { at: place, op: "set", offset: 1, bytes: "02", field: "version" },
    "envelope.version",
    false
  )
  refuse(
    "kind-2",
    "a start said to be a session message",
    ["envelope.prefix.1", "session-message.tag.2"],
    "Modified",
    { at: place, op: "set", offset: 2, bytes: "02", field: "kind" },
    "lookup.no-session"
  )
  refuse("box", "one bit of the box", ["sealed.ad.1"], "Modified", bit(900, "box"), "auth.tag")
  const start = `${session.id(0, 0)}.start`
  const at = offsets(trace.look("alice.certificate").length)
  const lie = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    flag: string,
    inner: Delta,
    cause: string,
    critical = cause.startsWith("auth.")
  ): void =>
    refuse(`inner-${id}`, title, clauses, flag, { at: place, op: "resign", value: start, inner }, cause, critical)
  const inside = (offset: number, bytes: string, field: string): Delta => ({
    at: "value",
    op: "set",
    offset,
    bytes,
    field
  })
  const flip = (offset: number, field: string): Delta => ({ at: "value", op: "xor", offset, bytes: "01", field })
  lie("ephemeral", "another EK", ["pqxdh.dh.1", "pqxdh.ad.1"], "Insider", flip(at.ephemeral, "EK"), "auth.tag")
  lie(
    "ciphertext",
    "another KEM ciphertext: another secret, no error of the KEM",
    ["pqxdh.kem.1", "crypto.mlkem.4"],
    "Insider",
    flip(at.ciphertext + 500, "KEM ciphertext"),
    "auth.tag"
  )
  lie(
    "message-tag",
    "a tag that the agreed keys do not give",
    ["session.start.2"],
    "Insider",
    flip(at.message, "message tag"),
    "auth.tag"
  )
  lie(
    "message-header",
    "a changed header",
    ["ratchet.receive.1"],
    "Insider",
    flip(at.message + 40, "message header"),
    "auth.tag"
  )
  lie(
    "message-body",
    "a changed message",
    ["ratchet.message.1"],
    "Insider",
    flip(at.message + 150, "message body"),
    "auth.tag"
  )
  for (const [name, point] of [
    ["zero", "00".repeat(32)],
    ["one", `01${"00".repeat(31)}`],
    ["order-8", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"]
  ] as const) {
    lie(
      `ephemeral-low-order-${name}`,
      "an EK that makes every agreement zero",
      ["pqxdh.dh.1"],
      "Insider",
      inside(at.ephemeral, point, "EK"),
      "auth.low-order"
    )
  }
  lie(
    "signed-prekey-other",
    "the other signed prekey",
    ["pqxdh.dh.1", "pqxdh.ad.1"],
    "Prekey",
    inside(at.signed, "08", "signed prekey id"),
    "auth.tag"
  )
  lie(
    "signed-prekey-unknown",
    "a signed prekey nobody made",
    ["pqxdh.lookup.1"],
    "Prekey",
    inside(at.signed, "63", "signed prekey id"),
    "lookup.prekey-unknown"
  )
  lie(
    "one-time-other",
    "another one-time prekey, which must stay",
    ["pqxdh.dh.1", "pqxdh.ad.1"],
    "Prekey",
    inside(at.oneTime, "0a", "one-time prekey id"),
    "auth.tag"
  )
  lie(
    "one-time-none",
    "no one-time prekey",
    ["pqxdh.dh.1", "pqxdh.ad.1"],
    "Prekey",
    inside(at.oneTime, "00", "one-time prekey id"),
    "auth.tag"
  )
  lie(
    "kem-other",
    "another one-time KEM prekey, which must stay",
    ["pqxdh.kem.1", "pqxdh.ad.1"],
    "Prekey",
    inside(at.kem, "0c", "KEM prekey id"),
    "auth.tag"
  )
  lie(
    "kem-last",
    "the last-resort KEM prekey",
    ["pqxdh.kem.1", "pqxdh.ad.1"],
    "Prekey",
    inside(at.kind, "0003", "KEM kind and id"),
    "auth.tag"
  )
  lie(
    "kem-last-unknown",
    "a last-resort KEM prekey nobody made",
    ["pqxdh.lookup.1"],
    "Prekey",
    inside(at.kind, "00", "KEM kind"),
    "lookup.prekey-unknown"
  )
  lie(
    "certificate-signature",
    "a certificate whose signature is wrong",
    ["certificate.check.1"],
    "Misbinding",
    flip(at.certificate + trace.look("alice.certificate").length - 1, "certificate"),
    "auth.certificate"
  )
  lie(
    "certificate-account",
    "another account in the certificate",
    ["certificate.check.1"],
    "Misbinding",
    flip(at.certificate + 4, "certificate.account"),
    "auth.certificate"
  )
  lie(
    "certificate-agreement",
    "another agreement key in the certificate",
    ["certificate.check.1"],
    "Misbinding",
    flip(at.certificate + 72, "certificate.agreement key"),
    "auth.certificate"
  )
  if (suite !== 1) {
    secrets(file, suite, world, session, b)
    return
  }
  // Certificates that are genuine, but not of the one who agreed.
  const carolDevice = device(trace, "carol", `${run}/${carol}`)
  certificate(trace, "stolen", carolDevice.accountSeed, {
    account: carolDevice.account,
    device: a.device,
    agree: a.agree
  })
  certificate(trace, "half", carolDevice.accountSeed, {
    account: carolDevice.account,
    device: carolDevice.device,
    agree: a.agree
  })
  certificate(trace, "reflected", b.device.accountSeed, {
    account: b.device.account,
    device: b.device.device,
    agree: b.device.agree
  })
  certificate(trace, "later", a.accountSeed, { account: a.account, device: a.device, agree: a.agree }, 2, 2)
  const length = trace.look("alice.certificate").length
  const put = (from: string): Delta => ({
    at: "value",
    op: "splice",
    offset: at.certificate,
    length,
    from: `$${from}`,
    source: [0, length]
  })
  lie(
    "certificate-of-carol",
    "Carol's certificate on Alice's start",
    ["pqxdh.ad.1", "pqxdh.dh.1"],
    "Misbinding",
    put("carol.certificate"),
    "auth.tag"
  )
  lie(
    "certificate-stolen",
    "Alice's device certified by Carol's account",
    ["pqxdh.ad.1"],
    "Misbinding",
    put("stolen"),
    "auth.tag"
  )
  lie(
    "certificate-half",
    "Alice's agreement key certified for Carol's device",
    ["pqxdh.ad.1"],
    "Misbinding",
    put("half"),
    "auth.tag"
  )
  lie("certificate-own", "Bob's own certificate", ["pqxdh.self.1"], "Misbinding", put("reflected"), "auth.reflected")
  lie(
    "certificate-low-order",
    "an agreement key of low order, without a signature for it",
    ["certificate.check.1"],
    "Misbinding",
    inside(at.certificate + 72, "00".repeat(32), "certificate.agreement key"),
    "auth.certificate"
  )
  secrets(file, suite, world, session, b)
  replays(file, suite, world, session, b)
  insider(file, suite, world, trace, session, b)
  // A receiver that does not take the suite.
  file.refused(
    {
      id: `${twin}-suite-not-accepted`,
      title: "Bob accepts suites 2 and 3 only",
      clauses: ["suite.choice.1"],
      flags: ["Policy"]
    },
    twin,
    { at: "script/0/in/suites", op: "assign", value: [2, 3] },
    "policy.suite",
    { rejects: 2, probe: [begin(b.device, bob), ...genuine] }
  )
}

/** What a peer sealed with the right keys does not decode: refused, and the genuine message of that number still opens. */
const insider = (
  file: FileBuilder,
  suite: Suite,
  world: string,
  trace: Trace,
  session: Session,
  b: Published
): void => {
  const twin = `session-${suite}-answered`
  const before = [
    begin(b.device, bob),
    prekeys(b, bob),
    receive(session, bob, 0, 0, { turns: true }),
    seal(session, bob, 1, 0)
  ]
  const genuine = receive(session, bob, 2, 0, { turns: true })
  file.transcript(
    { id: twin, title: "Bob receives what Alice sealed after his answer", clauses: ["ratchet.receive.4"], world },
    [...before, genuine]
  )
  const id = session.id(2, 0)
  const content = trace.look(`${id}.content`).length
  const padded = trace.look(`${id}.padded`).length
  for (const [name, title, value, inner, clause, cause] of [
    ["marker-other", "another marker", "padded", { op: "set", offset: content, bytes: "81" }, "check", "padding"],
    [
      "filler",
      "a last byte that is not zero",
      "padded",
      { op: "set", offset: padded - 1, bytes: "01" },
      "check",
      "padding"
    ],
    [
      "block",
      "a byte more than the padding is long",
      "padded",
      { op: "insert", offset: padded, bytes: "00" },
      "check",
      "padding"
    ],
    [
      "content",
      "a byte behind the content",
      "content",
      { op: "insert", offset: content, bytes: "00" },
      "atomic",
      "trailing"
    ],
    ["version", "a content of another version", "content", { op: "set", offset: 1, bytes: "02" }, "atomic", "value"]
  ] as const)
    void file.refused(
      {
        id: `${twin}-inner-${name}`,
        title,
        clauses: ["ratchet.atomic.1", ...(clause === "check" ? ["padding.check.1"] : [])],
        flags: ["Insider"],
        critical: true
      },
      twin,
      {
        at: "script/4/in/envelope",
        op: "resign",
        value: `${id}.${value}`,
        inner: { at: "value", field: value, ...inner }
      },
      `decode.${cause}`,
      { rejects: 4, probe: [genuine] }
    )
}

/** Each of the responder's secrets is another one; then the right ones are there again. */
const secrets = (file: FileBuilder, suite: Suite, world: string, session: Session, b: Published): void => {
  const twin = `session-${suite}-first`
  const right = prekeys(b, bob)
  const probe = [begin(b.device, bob), right, receive(session, bob, 0, 0, { turns: true }), left(bob, [10], [12])]
  const wrong = (
    id: string,
    title: string,
    member: string,
    value: ReadonlyArray<ReadonlyArray<number | string>>
  ): void =>
    void file.refused(
      { id: `${twin}-secret-${id}`, title, clauses: ["pqxdh.kdf.1"], flags: ["Secret"], critical: true },
      twin,
      { at: `script/1/in/${member}`, op: "assign", value },
      "auth.tag",
      { rejects: 2, probe }
    )
  wrong("signed-prekey", "another secret behind the signed prekey", "signed", [
    [7, b.spk2.secret],
    [8, b.spk.secret]
  ])
  wrong("one-time-prekey", "another secret behind the one-time prekey: DH4 matters", "oneTime", [
    [9, b.opk[1]!.secret],
    [10, b.opk[0]!.secret]
  ])
  wrong("kem-prekey", "another seed behind the KEM prekey: the encapsulated secret matters", "kemOneTime", [
    [11, b.kem[1]!.seed],
    [12, b.kem[0]!.seed]
  ])
  file.refused(
    {
      id: `${twin}-secret-agreement`,
      title: "another agreement secret",
      clauses: ["sealed.key.1"],
      flags: ["Secret"],
      critical: true
    },
    twin,
    { at: "script/0/in/agreementSecret", op: "assign", value: b.spk.secret },
    "auth.tag",
    { rejects: 2, probe }
  )
}

/** The same start again, at every time. */
const replays = (file: FileBuilder, suite: Suite, world: string, session: Session, b: Published): void => {
  const twin = `session-${suite}-then`
  file.transcript(
    { id: twin, title: "Bob receives two starts, answers and goes on", clauses: ["session.start.2"], world },
    [
      begin(b.device, bob),
      prekeys(b, bob),
      receive(session, bob, 0, 0, { turns: true }),
      receive(session, bob, 0, 1),
      seal(session, bob, 1, 0),
      receive(session, bob, 2, 0, { turns: true }),
      left(bob, [10], [12])
    ]
  )
  const replay = (at: number, cause: string): void =>
    void file.refused(
      {
        id: `${twin}-replay-at-${at}`,
        title: `the first start again before step ${at}`,
        clauses: ["session.start.2", "session.start.3"],
        flags: ["Replay"],
        critical: true
      },
      twin,
      { at: `script/${at}`, op: "replay", step: 2 },
      cause
    )
  replay(3, "fresh.used-key")
  replay(4, "fresh.used-key")
  // The third start of the first chain never came, so that chain's tag is still known.
  replay(6, "fresh.used-key")
  const whole = `session-${suite}-whole`
  file.transcript(
    { id: whole, title: "all three starts came before the session goes on", clauses: ["session.start.2"], world },
    [
      begin(b.device, bob),
      prekeys(b, bob),
      receive(session, bob, 0, 0, { turns: true }),
      receive(session, bob, 0, 1),
      receive(session, bob, 0, 2),
      seal(session, bob, 1, 0),
      receive(session, bob, 2, 0, { turns: true }),
      left(bob, [10], [12])
    ]
  )
  file.refused(
    {
      id: `${whole}-replay`,
      title: "the first start again, when its session has forgotten its tag",
      clauses: ["session.start.2"],
      flags: ["Replay"],
      critical: true
    },
    whole,
    { at: "script/7", op: "replay", step: 2 },
    "fresh.replayed-start"
  )
  const deleted = `session-${suite}-deleted`
  file.transcript(
    {
      id: deleted,
      title: "the session is deleted; what its start used stays used",
      clauses: ["session.start.3"],
      world
    },
    [
      begin(b.device, bob),
      prekeys(b, bob),
      receive(session, bob, 0, 0, { turns: true }),
      forget(bob),
      left(bob, [10], [12])
    ]
  )
  file.refused(
    {
      id: `${deleted}-replay`,
      title: "the start again after its session was deleted",
      clauses: ["session.start.3"],
      flags: ["Replay"],
      critical: true
    },
    deleted,
    { at: "script/4", op: "replay", step: 2 },
    "fresh.replayed-start"
  )
}

/** Two initiators and the prekeys of one responder. */
export const shared = (): VectorFile => {
  const file = new FileBuilder(family, "shared-prekeys")
  const world = "shared"
  const {
    alice: a,
    bob: b,
    run,
    trace
  } = cast(file, world, "Alice and Carol begin sessions with Bob; a relay may hand out a key twice")
  const c = device(trace, "carol", `${run}/${carol}`)
  const first = new Session(trace, "s", 1, a, `${run}/${alice}`, b, { opk: b.opk[0], kem: b.kem[0]! })
  first.start(0)
  finish(first, 2)
  const drawn = (turns: number) => ({ turns: [0, turns], nonces: [0, 0] }) as const
  const second = (
    name: string,
    turns: number,
    opk: Published["opk"][number] | undefined,
    kem: Published["kem"][number]
  ): Session => {
    const session = new Session(trace, name, 1, c, `${run}/${carol}/${name}`, b, { opk, kem }, drawn(turns))
    session.start(0)
    finish(session, 2)
    return session
  }
  const other = second("other", 1, b.opk[1], b.kem[1]!)
  const sameOpk = second("same-opk", 2, b.opk[0], b.kem[1]!)
  const sameKem = second("same-kem", 3, b.opk[1], b.kem[0]!)
  const last = second("last", 4, undefined, b.last)
  const again = second("again", 5, undefined, b.last)
  const setting = [begin(b.device, bob), prekeys(b, bob), receive(first, bob, 0, 0, { turns: true })]
  const twin = "session-1-second-initiator"
  file.transcript({ id: twin, title: "two initiators with keys of their own", clauses: ["prekey.once.1"], world }, [
    ...setting,
    receive(other, bob, 0, 0, { turns: true }),
    left(bob, [], [])
  ])
  file.transcript(
    {
      id: "session-1-last-resort-twice",
      title: "the last-resort KEM prekey serves twice",
      clauses: ["prekey.kinds.1"],
      world
    },
    [
      ...setting,
      receive(last, bob, 0, 0, { turns: true }),
      receive(again, bob, 0, 0, { turns: true }),
      left(bob, [10], [12])
    ]
  )
  const consumed = (id: string, title: string, session: Session): void =>
    void file.refused(
      { id: `session-1-consumed-${id}`, title, clauses: ["prekey.once.1"], flags: ["Prekey"], critical: true },
      twin,
      { at: "script/3/in/envelope", op: "assign", value: `$${session.id(0, 0)}` },
      "lookup.prekey-consumed",
      {
        probe: [left(bob, [10], [12]), receive(other, bob, 0, 0, { turns: true }), left(bob, [], [])]
      }
    )
  consumed("one-time", "a one-time prekey that Alice used", sameOpk)
  consumed("kem", "a one-time KEM prekey that Alice used", sameKem)
  return file.file()
}
