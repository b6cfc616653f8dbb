/**
 * F05: which of several sessions is the active one, and what is asked for and answered again.
 *
 * Spec: docs/spec/08-sessions.md §8.3, §8.4.
 * Vectors: vectors/agreement.
 */
import { Crossing, Retry } from "@tacit/core/hazmat"
import { ok, type Actor, type Answer } from "./outcome.ts"
import { hex, unhex, type Input, type Json } from "./values.ts"

const ids = (marks: ReadonlyArray<Crossing.SessionMark>): Json => marks.map(({ id }) => hex(id))
const active = ({ active }: Crossing.Sessions): string => (active === undefined ? "" : hex(active.id))

/** The sessions with one peer device, and the requests and the log towards it. */
export const choice = (): Actor => {
  let sessions = Crossing.none
  let requests = Retry.noRequests
  let log: ReadonlyArray<Retry.Logged> = []
  const change = ({ dropped, next }: Crossing.Changed): Answer => {
    sessions = next
    return ok({ active: active(next), dropped: ids(dropped) })
  }
  const mark = (input: Input): Crossing.SessionMark => ({ id: input.bytes("session"), rank: input.number("rank") })
  return {
    snapshot: () => [
      hex(Crossing.SessionsLayout.encode(sessions)),
      hex(Retry.RequestsLayout.encode(requests)),
      ...log.map((entry) => hex(Retry.encode(entry)))
    ],
    step: (name, input) => {
      switch (name) {
        case "sessions.rank":
          return ok({ rank: Crossing.nextRank(sessions, input.number("now")) })
        case "sessions.begin":
          return change(Crossing.begin(sessions, mark(input)))
        case "sessions.start":
          return change(
            Crossing.accept(sessions, mark(input), input.json("takesOver") === true, input.json("waits") === true)
          )
        case "sessions.message":
          return change(Crossing.open(sessions, input.bytes("session")))
        case "sessions.archive":
          return change(Crossing.archive(sessions))
        case "sessions.list":
          return ok({ active: active(sessions), archived: ids(sessions.archived) })
        case "retry.ask": {
          const wanted = input.list("digests").map((digest) => unhex(typeof digest === "string" ? digest : "?"))
          const asked = Retry.ask(requests, wanted, input.number("now"))
          if (asked.next !== undefined) requests = asked.next
          return ok({ digests: asked.digests.map(hex) })
        }
        case "retry.log": {
          const entry = { digest: input.bytes("digest"), at: input.number("now"), answers: 0, answered: false }
          log = [...log, { ...entry, content: input.bytes("content") }]
          log = log.slice(Retry.excess(log.length))
          return ok({ kept: log.length })
        }
        case "retry.answer": {
          const now = input.number("now")
          const entry = Retry.answer(log, input.bytes("digest"), now)
          if (entry === undefined) return ok({ content: [] })
          log = [
            ...log.map((logged) => (logged === entry ? Retry.afterAnswer(logged) : logged)),
            Retry.logAnswer(entry, input.bytes("sealed"), now)
          ]
          return ok({ content: [hex(entry.content)] })
        }
        default:
          throw new Error(`no step ${name}`)
      }
    }
  }
}
