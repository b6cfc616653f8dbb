/**
 * Requests and replies over anything that carries messages: numbering, order, time.
 *
 * Spec: docs/spec/20-subject.md §20.1, §20.2.
 * Does not know how messages travel: Process.ts and WorkerThread.ts do.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Hello, protocolVersion } from "../protocol/Hello.ts"
import type { Answer, Ask, Lost, Request } from "../protocol/Message.ts"
import { readReply } from "../protocol/Reply.ts"
import { StartFailure, type Subject } from "./Subject.ts"
import type { Timeouts } from "./Timeouts.ts"

/** What carries the messages of a channel. */
export interface Carrier {
  readonly send: (request: Request) => void
  /** Ends the subject at once, and all it started. */
  readonly kill: () => void
  /** Tells the subject that nothing more comes. */
  readonly end: () => void
  readonly stderr: () => string
  /** Resolves when the subject has ended of itself. */
  readonly ended: Promise<void>
}

interface Pending {
  readonly request: Omit<Request, "id">
  readonly timeout: number | undefined
  readonly resolve: (answer: Answer) => void
  timer?: ReturnType<typeof setTimeout>
}

/** One conversation with one running subject. */
export class Channel {
  readonly #carrier: Carrier
  readonly #timeouts: Timeouts
  readonly #under = new Map<number, Pending>()
  readonly #waiting: Array<Pending> = []
  #next = 1
  #concurrency = 1
  #lost: Lost | undefined
  #closing = false

  constructor(carrier: Carrier, timeouts: Timeouts) {
    this.#carrier = carrier
    this.#timeouts = timeouts
  }

  get alive(): boolean {
    return this.#lost === undefined && !this.#closing
  }

  ask(request: Ask, timeout?: number): Promise<Answer> {
    if (this.#lost !== undefined) return Promise.resolve({ lost: this.#lost })
    return new Promise((resolve) => {
      const pending = { request: { ...request, in: request.in ?? {} }, timeout, resolve }
      if (this.#under.size < this.#concurrency) this.#send(pending)
      else this.#waiting.push(pending)
    })
  }

  #send(pending: Pending): void {
    const id = this.#next++
    const time = this.#timeouts.of(pending.request.op, pending.timeout)
    pending.timer = setTimeout(
      () => this.lose("timeout", `${pending.request.op} was not answered within ${time} ms`),
      time
    )
    this.#under.set(id, pending)
    const { op, as, in: input, now, coins } = pending.request
    this.#carrier.send({
      id,
      op,
      ...(as === undefined ? {} : { as }),
      in: input,
      ...(now === undefined ? {} : { now }),
      ...(coins === undefined ? {} : { coins })
    })
  }

  /** Takes a message of the subject, parsed. */
  receive(message: unknown): void {
    if (this.#lost !== undefined) return
    const read = readReply(message)
    if ("problem" in read) return this.lose("violation", `a reply is none: ${read.problem}`)
    const pending = this.#under.get(read.id)
    if (pending === undefined) {
      const asked = [...this.#under.keys()].join(", ")
      return this.lose("violation", `answered ${read.id}, asked was ${asked === "" ? "nothing" : asked}`)
    }
    clearTimeout(pending.timer)
    this.#under.delete(read.id)
    const next = this.#waiting.shift()
    if (next !== undefined) this.#send(next)
    pending.resolve(read.outcome)
  }

  /** The subject is gone, or is sent away. */
  lose(kind: Lost["kind"], message: string): void {
    if (this.#lost !== undefined) return
    this.#lost = { kind, message, stderr: this.#carrier.stderr() }
    this.#carrier.kill()
    const all = [...this.#under.values(), ...this.#waiting]
    this.#under.clear()
    this.#waiting.length = 0
    for (const pending of all) {
      clearTimeout(pending.timer)
      pending.resolve({ lost: this.#lost })
    }
  }

  /** Greets the subject. Rejects with `StartFailure`. */
  async greet(kit: string, seed: string): Promise<Subject> {
    const answer = await this.ask({ op: "hello", in: { kit, speaks: [protocolVersion], seed } })
    const refuse = (kind: Lost["kind"], message: string): never => {
      const stderr = this.#carrier.stderr()
      this.lose(kind, message)
      throw new StartFailure(kind, message, stderr)
    }
    const hello = readHello(answer)
    if (typeof hello === "string") return refuse("lost" in answer ? answer.lost.kind : "violation", hello)
    this.#concurrency = hello.features.concurrency ?? 1
    return {
      hello,
      ask: (request, timeout) => this.ask(request, timeout),
      alive: () => this.alive,
      stderr: () => this.#carrier.stderr(),
      close: () => this.#close()
    }
  }

  async #close(): Promise<void> {
    if (this.#closing) return
    if (this.alive) await this.ask({ op: "bye" }, 2000)
    this.#closing = true
    this.#carrier.end()
    const patience = new Promise<void>((resolve) => setTimeout(resolve, 500).unref())
    await Promise.race([this.#carrier.ended, patience])
    this.#carrier.kill()
  }
}

const decodeHello = Schema.decodeUnknownResult(Hello)

/** The greeting in an answer, or what is wrong with it. */
export const readHello = (answer: Answer): Hello | string => {
  if ("lost" in answer) return answer.lost.message
  if ("fault" in answer) return `hello ended in a fault: ${answer.fault.message}`
  if (!("ok" in answer)) return `it does not speak version ${protocolVersion} of the subject protocol`
  const decoded = decodeHello(answer.ok)
  return Result.isSuccess(decoded)
    ? decoded.success
    : `its answer to hello is not as rule subject.hello.1 says: ${decoded.failure.message.replaceAll("\n", "; ")}`
}
