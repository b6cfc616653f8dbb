/**
 * F05: sessions that cross, are reset and repaired, byte for byte. Long because it is one table of cases.
 *
 * Spec: docs/spec/08-sessions.md §8.3, §8.4.
 */
import { FileBuilder } from "../family.ts"
import type { Delta, ScriptStep, VectorFile } from "../model.ts"
import type { Ref, Trace } from "../trace.ts"
import {
  begin,
  beginSession,
  controlContent,
  family,
  finish,
  forget,
  prekeys,
  publish,
  receive,
  seal,
  sentAt,
  Session,
  type Published
} from "./agreement.ts"

const alice = "alice/1"
const bob = "bob/1"

/** Coins that the two drew in sessions before: eight for each. */
const drawn = (before: number) => ({ turns: [8 * before, 8 * before], nonces: [8 * before, 8 * before] }) as const

const chosen = (as: string, peer: Published, session: Session | undefined): ScriptStep => ({
  do: "session.active",
  as,
  in: { peer: peer.device.device },
  expect: "ok",
  out: { session: session?.agreed.sessionId ?? "" }
})
const reset = (as: string, peer: Published): ScriptStep => ({
  do: "session.reset",
  as,
  in: { peer: peer.device.device },
  expect: "ok",
  out: {}
})

export interface Cast {
  readonly trace: Trace
  readonly a: Published
  readonly b: Published
  readonly setting: ReadonlyArray<ScriptStep>
}
/** Alice and Bob with everything they published, and the steps that set both up. */
export const cast = (file: FileBuilder, world: string, title: string): Cast => {
  const trace = file.world(world, title)
  const run = `${file.topic}/${world}`
  const [a, b] = [publish(trace, "alice", run), publish(trace, "bob", run)]
  const setting = [begin(a.device, alice), prekeys(a, alice), begin(b.device, bob), prekeys(b, bob)]
  return { trace, a, b, setting }
}

export const crossing = (): VectorFile => {
  const file = new FileBuilder(family, "crossing")
  const world = "both"
  const { a, b, setting, trace } = cast(
    file,
    world,
    "Alice and Bob each begin a session with the other; Bob's has the higher rank"
  )
  const s = new Session(trace, "s", 1, a.device, a.actor, b, { opk: b.opk[0], kem: b.kem[0]! })
  s.start(0)
  s.claimed = sentAt + 50
  s.start(1)
  const t = new Session(
    trace,
    "t",
    1,
    b.device,
    b.actor,
    a,
    { opk: a.opk[0], kem: a.kem[0]!, rank: sentAt + 1, sequence: [10, 10] },
    drawn(1)
  )
  t.start(0)
  t.start(1)
  t.later(1, 0)
  t.later(2, 0)
  finish(s, 2)
  finish(t, 4)
  const accept = (
    id: string,
    title: string,
    clauses: ReadonlyArray<string>,
    flag: string,
    steps: ReadonlyArray<ScriptStep>,
    of = world,
    start = setting
  ): void =>
    void file.transcript({ id: `crossing-${id}`, title, clauses, flags: [flag], world: of }, [...start, ...steps])
  const refuse = (
    id: string,
    title: string,
    clause: string,
    flag: string,
    twin: string,
    delta: Delta,
    cause: string,
    critical = true
  ): void =>
    void file.refused(
      { id: `crossing-bad-${id}`, title, clauses: [clause], flags: [flag], critical },
      `crossing-${twin}`,
      delta,
      cause
    )
  const place = (twin: string, find: (step: ScriptStep) => boolean): number =>
    file.case(`crossing-${twin}`).script!.findIndex(find)
  const receiving =
    (session: Session, index: number, number: number) =>
    (step: ScriptStep): boolean =>
      step.do === "session.receive" && step.in["envelope"] === `$${session.id(index, number)}`
  /** Attacks on the step of a twin that receives a message: another envelope in its place, one bit, another receiver, a repetition. */
  const attack = (twin: string, session: Session, index: number, number: number) => {
    const at = place(twin, receiving(session, index, number))
    const envelope = `script/${at}/in/envelope`
    return {
      instead: (value: Ref): Delta => ({ at: envelope, op: "assign", value }),
      bit: (offset: number, field: string): Delta => ({ at: envelope, op: "xor", offset, bytes: "01", field }),
      to: (as: string): Delta => ({ at: `script/${at}`, op: "redirect", to: as }),
      again: (later: number): Delta => ({ at: `script/${at + later}`, op: "replay", step: at }),
      start: (inner: Delta): Delta => ({
        at: envelope,
        op: "resign",
        value: `${session.id(index, number)}.start`,
        inner
      })
    }
  }
  const crossed = [
    beginSession(s, alice),
    beginSession(t, bob),
    chosen(alice, b, s),
    chosen(bob, a, t),
    seal(s, alice, 0, 0),
    seal(t, bob, 0, 0),
    receive(s, bob, 0, 0, { turns: true }),
    chosen(bob, a, t),
    receive(t, alice, 0, 0, { turns: true }),
    chosen(alice, b, t)
  ]
  // The second start of the higher session is sealed and lost.
  const onwards = [
    seal(t, bob, 0, 1),
    seal(t, alice, 1, 0),
    receive(t, bob, 1, 0, { turns: true }),
    seal(t, bob, 2, 0),
    receive(t, alice, 2, 0, { turns: true }),
    chosen(alice, b, t),
    chosen(bob, a, t)
  ]
  accept(
    "both",
    "starts cross; both go on in the session of the higher rank",
    ["session.cross.1", "session.rank.1", "session-message.layout.1"],
    "Crossing",
    [...crossed, ...onwards]
  )
  accept(
    "late-start",
    "a second start of the lower one comes late, and names another rank: the first one counts",
    ["session.cross.2", "session.rank.1"],
    "Crossing",
    [...crossed, receive(s, bob, 0, 1), chosen(bob, a, t), ...onwards]
  )
  accept(
    "lost-start",
    "the first start of the higher one is lost; the second one decides",
    ["session.cross.1", "sealed.fresh.1"],
    "Crossing",
    [
      beginSession(s, alice),
      beginSession(t, bob),
      seal(s, alice, 0, 0),
      seal(t, bob, 0, 0),
      receive(s, bob, 0, 0, { turns: true }),
      chosen(alice, b, s),
      seal(t, bob, 0, 1),
      receive(t, alice, 0, 1, { turns: true }),
      chosen(alice, b, t),
      receive(t, alice, 0, 0, { late: true }),
      chosen(alice, b, t)
    ]
  )
  const many = (count: number): ScriptStep => ({
    do: "session.seal-many",
    as: alice,
    in: { session: s.agreed.sessionId, to: b.device.mailbox, content: "$s.0.0.content", count },
    expect: "ok",
    out: { sealed: count }
  })
  accept("unanswered", "32 starts without an answer", ["session.start.1"], "Bound", [
    beginSession(s, alice),
    many(30),
    many(2)
  ])
  file.refused(
    {
      id: "crossing-bad-unanswered-33",
      title: "33 starts without an answer",
      clauses: ["session.start.1"],
      flags: ["Bound"],
      critical: false
    },
    "crossing-unanswered",
    { at: `script/${setting.length + 2}/in/count`, op: "assign", value: 3 },
    "limit.unanswered",
    { probe: [many(2)] }
  )
  const both = attack("both", s, 0, 0)
  const answer = attack("both", t, 1, 0)
  const late = attack("late-start", s, 0, 1)
  refuse(
    "start-to-its-sender",
    "Alice's start brought back to Alice",
    "envelope.prefix.1",
    "Modified",
    "both",
    both.to(alice),
    "envelope.mailbox"
  )
  refuse(
    "start-again",
    "Alice's start once more after both chose",
    "session.start.2",
    "Replay",
    "both",
    both.again(4),
    "fresh.used-key"
  )
  refuse(
    "start-bit",
    "one bit of a start that crosses",
    "sealed.ad.1",
    "Modified",
    "both",
    both.bit(900, "box"),
    "auth.tag"
  )
  refuse(
    "rank-above-largest",
    "a rank of 2⁵² + 1",
    "session.rank.2",
    "Insider",
    "both",
    both.start({ at: "value", op: "set", offset: rankOffset(trace, s), bytes: "0010000000000001", field: "rank" }),
    "decode.value"
  )
  refuse(
    "rank-2-53",
    "a rank that is no integer of the encoding",
    "codec.int.1",
    "Insider",
    "both",
    both.start({ at: "value", op: "set", offset: rankOffset(trace, s), bytes: "0020000000000000", field: "rank" }),
    "decode.value"
  )
  refuse(
    "answer-to-its-sender",
    "Alice's answer brought back to Alice",
    "envelope.prefix.1",
    "Modified",
    "both",
    answer.to(alice),
    "envelope.mailbox"
  )
  refuse(
    "answer-of-the-other",
    "a start of the lower session in place of the answer in the higher one: opened before",
    "session.start.2",
    "Replay",
    "both",
    answer.instead("$s.0.0"),
    "fresh.used-key"
  )
  refuse(
    "answer-body",
    "one bit of the answer",
    "session-message.layout.1",
    "Modified",
    "both",
    answer.bit(trace.look("t.1.0").length - 20, "body"),
    "auth.tag"
  )
  refuse(
    "answer-header",
    "one bit of its header",
    "ratchet.header.2",
    "Modified",
    "both",
    answer.bit(24 + 16 + 12 + 5, "header"),
    "auth.tag"
  )
  refuse(
    "answer-tag",
    "one bit of its session tag",
    "session-message.tag.2",
    "Modified",
    "both",
    answer.bit(25, "tag"),
    "lookup.no-session"
  )
  refuse(
    "late-start-bit",
    "one bit of a start that comes late",
    "sealed.ad.1",
    "Modified",
    "late-start",
    late.bit(900, "box"),
    "auth.tag"
  )
  refuse(
    "late-start-again",
    "the late start once more",
    "session.start.2",
    "Replay",
    "late-start",
    late.again(2),
    "fresh.used-key"
  )
  refuse(
    "late-start-message",
    "the message inside the late start with one bit changed",
    "session.start.2",
    "Insider",
    "late-start",
    late.start({
      at: "value",
      op: "xor",
      offset: trace.look("s.0.1.start").length - 30,
      bytes: "01",
      field: "message"
    }),
    "auth.tag"
  )

  // ---- Reset, retry request, late messages of what was put away
  const repair = "repair"
  const {
    a: a2,
    b: b2,
    setting: setting2,
    trace: trace2
  } = cast(file, repair, "A session is reset, another one lost and asked about")
  const old = new Session(trace2, "old", 1, a2.device, a2.actor, b2, { opk: b2.opk[0], kem: b2.kem[0]! })
  old.start(0)
  old.start(1)
  old.later(1, 0)
  old.later(1, 1)
  old.later(2, 0)
  old.later(2, 1)
  finish(old, 4)
  const fresh = new Session(
    trace2,
    "fresh",
    1,
    a2.device,
    a2.actor,
    b2,
    { opk: b2.opk[1], kem: b2.kem[1]!, rank: sentAt + 5, index: 1, sequence: [20, 20] },
    drawn(1)
  )
  fresh.start(0, (id) => controlContent(trace2, id, a2.actor, 40, 7, [2, 1]))
  fresh.start(1)
  fresh.later(1, 0)
  finish(fresh, 3)
  const asking = new Session(
    trace2,
    "asking",
    1,
    b2.device,
    b2.actor,
    a2,
    { opk: a2.opk[0], kem: a2.kem[0]!, rank: sentAt + 6, sequence: [30, 30] },
    drawn(2)
  )
  const digestInput = trace2.op(
    "lost.digest-input",
    "label",
    { purpose: "envelope digest", parts: [`$${old.id(2, 0)}.message`] },
    "content.retry.1"
  )
  const digest = trace2.slice(
    "lost.digest",
    trace2.op("lost.digest-hash", "sha256", { data: digestInput }),
    0,
    16,
    "content.retry.1"
  )
  asking.start(0, (id) => controlContent(trace2, id, b2.actor, 41, 8, [digest]))
  asking.later(1, 0, (id) => trace2.concat(id, [`$${old.id(2, 0)}.content`], "session.retry.2"))
  asking.later(2, 0)
  finish(asking, 4)
  // Three that stand below the session there is, and take over all the same.
  const below = (name: string, from: Published, to: Published, index: number, before: number): Session =>
    new Session(
      trace2,
      name,
      1,
      from.device,
      from.actor,
      to,
      { opk: undefined, kem: to.last, rank: sentAt - 5, index, sequence: [40 + before, 40] },
      drawn(before)
    )
  const noticeBelow = below("notice-below", a2, b2, 2, 3)
  noticeBelow.start(0, (id) => controlContent(trace2, id, a2.actor, 42, 7, [2, 1]))
  const resyncBelow = below("resync-below", a2, b2, 3, 4)
  resyncBelow.start(0, (id) => controlContent(trace2, id, a2.actor, 43, 7, [3, 2, new Uint8Array(8).fill(0x5f), []]))
  const askingBelow = below("asking-below", b2, a2, 1, 5)
  askingBelow.start(0, (id) => controlContent(trace2, id, b2.actor, 44, 8, [digest]))
  for (const session of [noticeBelow, resyncBelow, askingBelow]) finish(session, 2)
  const established = [
    beginSession(old, alice),
    seal(old, alice, 0, 0),
    seal(old, alice, 0, 1),
    receive(old, bob, 0, 0, { turns: true }),
    seal(old, bob, 1, 0),
    receive(old, alice, 1, 0, { turns: true }),
    chosen(alice, b2, old),
    chosen(bob, a2, old)
  ]
  const anew = [
    reset(alice, b2),
    chosen(alice, b2, undefined),
    beginSession(fresh, alice),
    seal(fresh, alice, 0, 0),
    receive(fresh, bob, 0, 0, { turns: true }),
    chosen(alice, b2, fresh),
    chosen(bob, a2, fresh),
    seal(fresh, bob, 1, 0),
    receive(fresh, alice, 1, 0, { turns: true })
  ]
  const again = (id: string, title: string, clauses: ReadonlyArray<string>, steps: ReadonlyArray<ScriptStep>): void =>
    accept(id, title, clauses, "Repair", steps, repair, setting2)
  again(
    "reset",
    "Alice resets: a new session begins with a notice",
    ["session.reset.1", "session.cross.3"],
    [...established, ...anew]
  )
  again(
    "reset-late",
    "messages of the session before the reset come late on both sides",
    ["session.archive.1", "session.cross.2"],
    [
      ...established,
      seal(old, bob, 1, 1),
      seal(old, alice, 2, 0),
      ...anew,
      receive(old, alice, 1, 1),
      receive(old, bob, 2, 0, { turns: true }),
      chosen(alice, b2, fresh),
      chosen(bob, a2, fresh)
    ]
  )
  again(
    "reset-late-old-chain",
    "the end of an old chain of the session before comes last of all",
    ["session.archive.1", "ratchet.skip.4"],
    [
      ...established,
      seal(old, alice, 2, 0),
      seal(old, alice, 2, 1),
      ...anew,
      receive(old, bob, 2, 1, { turns: true }),
      receive(old, bob, 2, 0, { late: true }),
      receive(old, bob, 0, 1, { late: true }),
      chosen(bob, a2, fresh)
    ]
  )
  again(
    "reset-both-lost-notice",
    "the notice is lost; the second start of the new session comes",
    ["session.cross.1", "session.reset.1"],
    [
      ...established,
      ...anew.slice(0, 4),
      seal(fresh, alice, 0, 1),
      receive(fresh, bob, 0, 1, { turns: true }),
      chosen(bob, a2, fresh),
      receive(fresh, bob, 0, 0, { late: true }),
      chosen(bob, a2, fresh)
    ]
  )
  again(
    "retry",
    "Bob lost the session, asks in a fresh one, and is given the same message again",
    ["session.retry.1", "session.retry.2", "session.cross.3"],
    [
      ...established,
      seal(old, alice, 2, 0),
      forget(bob),
      beginSession(asking, bob),
      seal(asking, bob, 0, 0),
      receive(asking, alice, 0, 0, { turns: true }),
      chosen(alice, b2, asking),
      seal(asking, alice, 1, 0),
      receive(asking, bob, 1, 0, { turns: true }),
      seal(asking, bob, 2, 0),
      receive(asking, alice, 2, 0, { turns: true }),
      chosen(alice, b2, asking),
      chosen(bob, a2, asking)
    ]
  )
  for (const [id, title, session, receiver, sender] of [
    ["reset", "a reset notice", noticeBelow, bob, a2],
    ["resynchronise", "a resynchronise request", resyncBelow, bob, a2],
    ["retry", "a retry request", askingBelow, alice, b2]
  ] as const)
    again(
      `${id}-below`,
      `${title} in a session below the active one puts that one away, and is not active itself`,
      ["session.cross.3"],
      [...established, receive(session, receiver, 0, 0, { turns: true }), chosen(receiver, sender, undefined)]
    )
  const lateOne = attack("reset-late", old, 1, 1)
  const lateTwo = attack("reset-late", old, 2, 0)
  const notice = attack("reset", fresh, 0, 0)
  const request = attack("retry", asking, 0, 0)
  const given = attack("retry", asking, 1, 0)
  refuse(
    "late-body",
    "one bit of a late message of an archived session",
    "ratchet.message.1",
    "Modified",
    "reset-late",
    lateOne.bit(trace2.look("old.1.1").length - 20, "body"),
    "auth.tag"
  )
  refuse(
    "late-header",
    "one bit of its header",
    "ratchet.header.2",
    "Modified",
    "reset-late",
    lateOne.bit(24 + 16 + 12 + 5, "header"),
    "auth.tag"
  )
  refuse(
    "late-again",
    "the late message once more",
    "ratchet.skip.3",
    "Replay",
    "reset-late",
    lateOne.again(1),
    "fresh.used-key"
  )
  refuse(
    "late-to-the-other",
    "the late message brought back to its sender",
    "envelope.prefix.1",
    "Modified",
    "reset-late",
    lateTwo.to(alice),
    "envelope.mailbox"
  )
  refuse(
    "late-turning-again",
    "a message that turned an archived session, once more",
    "ratchet.receive.3",
    "Replay",
    "reset-late",
    lateTwo.again(1),
    "fresh.used-key"
  )
  refuse(
    "notice-again",
    "the start with the notice once more",
    "session.start.2",
    "Replay",
    "reset",
    notice.again(3),
    "fresh.used-key"
  )
  refuse(
    "notice-bit",
    "one bit of the start with the notice",
    "sealed.ad.1",
    "Modified",
    "reset",
    notice.bit(900, "box"),
    "auth.tag"
  )
  refuse(
    "notice-key",
    "the notice's start with another EK",
    "pqxdh.ad.1",
    "Insider",
    "reset",
    notice.start({ at: "value", op: "xor", offset: ephemeralOffset(trace2), bytes: "01", field: "EK" }),
    "auth.tag"
  )
  refuse(
    "old-start-after-reset",
    "the first start of the old session in place of the new one",
    "session.start.2",
    "Replay",
    "reset",
    notice.instead("$old.0.0"),
    "fresh.used-key"
  )
  refuse(
    "lost-message",
    "the message Bob cannot open any more",
    "session-message.tag.2",
    "Repair",
    "retry",
    given.instead("$old.2.0"),
    "lookup.no-session",
    false
  )
  refuse(
    "lost-start",
    "the start of the session he lost: its digest is remembered",
    "session.start.3",
    "Replay",
    "retry",
    given.instead("$old.0.0"),
    "fresh.replayed-start"
  )
  refuse(
    "request-bit",
    "one bit of the request's start",
    "sealed.ad.1",
    "Modified",
    "retry",
    request.bit(900, "box"),
    "auth.tag"
  )
  refuse(
    "request-again",
    "the request once more: no second answer",
    "session.start.2",
    "Replay",
    "retry",
    request.again(2),
    "fresh.used-key"
  )
  refuse(
    "given-bit",
    "one bit of what was sent again",
    "ratchet.message.1",
    "Modified",
    "retry",
    given.bit(trace2.look("asking.1.0").length - 20, "body"),
    "auth.tag"
  )
  refuse(
    "given-again",
    "what was sent again, twice",
    "ratchet.receive.3",
    "Replay",
    "retry",
    given.again(2),
    "fresh.used-key"
  )
  return file.file()
}

/** The rank is the last value of a start: nine bytes, `cf` in front; its eight bytes begin here. */
const rankOffset = (trace: Trace, session: Session): number => trace.look(`${session.id(0, 0)}.start`).length - 8
/** Array, suite, certificate with a head of two, manifest version, mailbox with a head of two, head of EK; its last byte. */
export const ephemeralOffset = (trace: Trace): number =>
  2 + 2 + trace.look("alice.certificate").length + 1 + 18 + 2 + 31
