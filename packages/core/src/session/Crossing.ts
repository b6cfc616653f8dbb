/**
 * Which session with a peer device is the active one.
 *
 * Spec: docs/spec/08-sessions.md §8.1, §8.3.
 * Decides over ids and ranks alone; it opens nothing, and its caller deletes what falls off the end.
 */
import * as Bytes from "../base/Bytes.ts"
import * as Limits from "../base/Limits.ts"
import * as Layout from "../codec/Layout.ts"

/** What the order of sessions depends on: the same on both sides. */
export interface SessionMark {
  /** Session id, 16 bytes. */
  readonly id: Uint8Array
  /** The rank its initiator gave it. */
  readonly rank: number
}

/** The sessions with one peer device. */
export interface Sessions {
  /** The one to send in. */
  readonly active: SessionMark | undefined
  /** Those that still receive, last archived first, at most 40. */
  readonly archived: ReadonlyArray<SessionMark>
}

/** A changed list, and the sessions that are to be deleted with their skipped keys. */
export interface Changed {
  readonly next: Sessions
  readonly dropped: ReadonlyArray<SessionMark>
}

export const MarkLayout = Layout.tuple({ id: Layout.bytes({ length: 16 }), rank: Layout.uint() })

/** Layout of the list, for records that hold it. */
export const SessionsLayout = Layout.tuple({
  active: Layout.optional(MarkLayout),
  archived: Layout.list(MarkLayout, { max: Limits.maxArchivedSessions })
})

/** No sessions. */
export const none: Sessions = { active: undefined, archived: [] }

/**
 * The rank of a session this side begins (rule session.rank.1): the clock in ms, or one above every rank known with the peer
 * device if that is higher; at most 2⁵² (rule session.rank.2).
 */
export const nextRank = (sessions: Sessions, now: number): number => {
  let rank = sessions.active?.rank ?? 0
  for (const mark of sessions.archived) rank = Math.max(rank, mark.rank)
  return Math.min(Math.max(now, rank + 1), Limits.maxSessionRank)
}

/** The order both sides agree on: negative when `a` stands below `b`. */
export const compare = (a: SessionMark, b: SessionMark): number =>
  a.rank === b.rank ? Bytes.compare(a.id, b.id) : a.rank - b.rank

/** A session this side begins, first or by a reset, is active at once. */
export const begin = (sessions: Sessions, mark: SessionMark): Changed => activate(sessions, mark)

/** Archives the active session, so that the next message begins a new one (rule session.reset.1). */
export const archive = ({ active, archived }: Sessions): Changed =>
  active === undefined ? { next: { active, archived }, dropped: [] } : bounded(undefined, [active, ...archived])

/**
 * A session start opened: of a new session, or once more of a known one. `takesOver` says that its content is a retry request, a
 * reset notice or a resynchronise request (rule session.cross.3), `waits` that the active session is one of this side's own without
 * an answer.
 */
export const accept = (sessions: Sessions, mark: SessionMark, takesOver: boolean, waits: boolean): Changed => {
  const known = find(sessions, mark.id)
  if (takesOver && !(known !== undefined && waits)) return takeOver(sessions, known ?? mark)
  if (known !== undefined) return open(sessions, mark.id)
  const { active, archived } = sessions
  // With no session active because of a reset, what the reset put away must not come back below it.
  const above = active === undefined ? archived.every((other) => compare(mark, other) > 0) : compare(mark, active) > 0
  return above ? activate(sessions, mark) : bounded(active, [mark, ...archived])
}

/**
 * Rule session.cross.3: active if it stands above all others. Otherwise nothing is, so that the next message begins a session above
 * them: in a lower one a late message of a higher one would make that one active again, which the other side may have lost.
 */
const takeOver = (sessions: Sessions, mark: SessionMark): Changed => {
  const { active, archived } = sessions
  const others = (active === undefined ? archived : [active, ...archived]).filter(({ id }) => !Bytes.equal(id, mark.id))
  return others.every((other) => compare(mark, other) > 0)
    ? activate(sessions, mark)
    : bounded(undefined, [mark, ...others])
}

/** A session message opened in a session (rule session.cross.2). */
export const open = (sessions: Sessions, id: Uint8Array): Changed => {
  const mark = find(sessions, id)
  const { active } = sessions
  const rises = mark !== undefined && active !== undefined && compare(mark, active) > 0
  return rises ? activate(sessions, mark) : { next: sessions, dropped: [] }
}

/** The mark of a session, active or archived. */
export const find = ({ active, archived }: Sessions, id: Uint8Array): SessionMark | undefined =>
  active !== undefined && Bytes.equal(active.id, id) ? active : archived.find((mark) => Bytes.equal(mark.id, id))

const activate = ({ active, archived }: Sessions, mark: SessionMark): Changed => {
  if (active !== undefined && Bytes.equal(active.id, mark.id)) return { next: { active, archived }, dropped: [] }
  const others = archived.filter(({ id }) => !Bytes.equal(id, mark.id))
  return bounded(mark, active === undefined ? others : [active, ...others])
}

/** Rule session.archive.1. */
const bounded = (active: SessionMark | undefined, archived: ReadonlyArray<SessionMark>): Changed => ({
  next: { active, archived: archived.slice(0, Limits.maxArchivedSessions) },
  dropped: archived.slice(Limits.maxArchivedSessions)
})
