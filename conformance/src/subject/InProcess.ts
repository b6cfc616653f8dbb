/**
 * A subject that is a module in this process.
 *
 * Spec: docs/spec/20-subject.md §20.1.
 * Anything it throws is a fault. A module that never returns cannot be ended from here: run it in a worker for that.
 */
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { protocolVersion } from "../protocol/Hello.ts"
import { kit } from "../protocol/Kit.ts"
import type { Answer, Ask, Handler, Lost, Request } from "../protocol/Message.ts"
import { readReply } from "../protocol/Reply.ts"
import { readHello } from "./Channel.ts"
import { StartFailure, type Source, type Subject } from "./Subject.ts"
import type { Timeouts } from "./Timeouts.ts"

/** What a module exports: `create`, for subjects that know nothing of each other, or `handle`. */
interface SubjectModule {
  readonly create?: () => Handler | Promise<Handler>
  readonly handle?: Handler["handle"]
}

/** The name under which the reference is known. */
export const reference = "reference"

/** Where a module named on a command line is: the reference, a file, or a package. */
export const moduleUrl = (name: string): string => {
  if (name === reference) return import.meta.resolve("@tacit/conformance/reference")
  return /^[./\\]|^[a-zA-Z]:|\.[cm]?[jt]s$/.test(name) || existsSync(name) ? pathToFileURL(resolve(name)).href : name
}

/** Loads a module and gives a handler of its own state. Rejects with `StartFailure`. */
export const loadHandler = async (url: string): Promise<Handler> => {
  let loaded: SubjectModule
  try {
    loaded = (await import(url)) as SubjectModule
  } catch (error) {
    throw new StartFailure("crash", `the module cannot be loaded: ${error instanceof Error ? error.message : "?"}`)
  }
  if (typeof loaded.create === "function") return loaded.create()
  if (typeof loaded.handle === "function") return { handle: loaded.handle }
  throw new StartFailure("violation", "the module exports neither create nor handle")
}

const faulted = (error: unknown): Answer => ({
  fault: {
    message: `an uncaught exception: ${error instanceof Error ? error.message : String(error)}`,
    ...(error instanceof Error && error.stack !== undefined ? { trace: error.stack } : {})
  }
})

/** Starts a conversation with a handler. Rejects with `StartFailure`. */
export const greetHandler = async (handler: Handler, seed: string, timeouts: Timeouts): Promise<Subject> => {
  let next = 1
  let lost: Lost | undefined
  let open = true
  const lose = (kind: Lost["kind"], message: string): Answer => ({ lost: (lost ??= { kind, message, stderr: "" }) })

  const read = (id: number, reply: unknown): Answer => {
    const found = readReply(reply)
    if ("problem" in found) return lose("violation", `a reply is none: ${found.problem}`)
    return found.id === id ? found.outcome : lose("violation", `answered ${found.id}, asked was ${id}`)
  }

  const wait = async (request: Request, reply: Promise<unknown>, timeout: number): Promise<Answer> => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<Answer>((answer) => {
      timer = setTimeout(() => answer(lose("timeout", `${request.op} was not answered within ${timeout} ms`)), timeout)
    })
    try {
      return await Promise.race([reply.then((value) => read(request.id, value), faulted), late])
    } finally {
      clearTimeout(timer)
    }
  }

  const ask = (asked: Ask, timeout?: number): Promise<Answer> => {
    if (lost !== undefined) return Promise.resolve({ lost })
    const request: Request = { ...asked, id: next++, in: asked.in ?? {} }
    try {
      const reply: unknown = handler.handle(request)
      return reply instanceof Promise
        ? wait(request, reply, timeouts.of(asked.op, timeout))
        : Promise.resolve(read(request.id, reply))
    } catch (error) {
      return Promise.resolve(faulted(error))
    }
  }

  const answer = await ask({ op: "hello", in: { kit, speaks: [protocolVersion], seed } })
  const hello = readHello(answer)
  if (typeof hello === "string") throw new StartFailure("lost" in answer ? answer.lost.kind : "violation", hello)
  return {
    hello,
    ask,
    alive: () => open && lost === undefined,
    stderr: () => "",
    close: async () => {
      if (open && lost === undefined) await ask({ op: "bye" })
      open = false
    }
  }
}

/** The subject in a module: `reference`, a path, or the name of a package. */
export const inProcessSource = (name: string, timeouts: Timeouts): Source => ({
  title: `in-process ${name}`,
  start: async (seed) => greetHandler(await loadHandler(moduleUrl(name)), seed, timeouts)
})
