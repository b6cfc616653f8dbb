/**
 * A handler behind standard input and output: what makes a module a program.
 *
 * Spec: docs/spec/20-subject.md §20.1.
 */
import process from "node:process"
import { createInterface } from "node:readline"
import type { Handler, Reply, Request } from "../src/protocol/Message.ts"

/** Writes one reply. */
export const write = (reply: Reply): void => void process.stdout.write(`${JSON.stringify(reply)}\n`)

/** Answers every line in order, as many at once as come; ends with the input, or after `bye`. */
export const serve = (handler: Handler): void => {
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity })
  lines.on("line", (line) => {
    const request = JSON.parse(line) as Request
    const reply = handler.handle(request)
    if (reply instanceof Promise) void reply.then(write)
    else write(reply)
    if (request.op === "bye") lines.close()
  })
}
