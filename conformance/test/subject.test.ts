/**
 * Reaching a subject: lines, order, time, ends; as a program, a module, a worker.
 *
 * Spec: docs/spec/20-subject.md §20.1, §20.2.
 */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, describe, expect, it } from "vitest"
import type { Answer, Handler } from "../src/protocol/Message.ts"
import { greetHandler, inProcessSource } from "../src/subject/InProcess.ts"
import { keptStderrBytes, LineReader, maxLineBytes, processSource } from "../src/subject/Process.ts"
import { StartFailure, type Subject } from "../src/subject/Subject.ts"
import { Timeouts } from "../src/subject/Timeouts.ts"
import { workerScriptSource, workerSource } from "../src/subject/WorkerThread.ts"
import { program, seed } from "./support.ts"

const folder = mkdtempSync(join(tmpdir(), "tacit-subject-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const greeting = (features = "{families:{labels:1}}") =>
  `{name:"s",version:"1",language:"js",source:"",speaks:1,features:${features}}`

let count = 0
/** A program whose handling of one request is `body`, with `request`, `say` and `hello` at hand. */
const scripted = (body: string, prelude = ""): string => {
  const path = join(folder, `subject-${count++}.mjs`)
  writeFileSync(
    path,
    `import { createInterface } from "node:readline"
     const say = (value) => process.stdout.write((typeof value === "string" ? value : JSON.stringify(value)) + "\\n")
     const hello = (features) => say({ id: request.id, ok: { ...${greeting()}, ...(features ? { features } : {}) } })
     let request
     ${prelude}
     createInterface({ input: process.stdin }).on("line", async (line) => {
       request = JSON.parse(line)
       if (request.op === "bye") { say({ id: request.id, ok: {} }); process.exit(0) }
       ${body}
     })`
  )
  return `'${process.execPath}' '${path}'`
}

const withSubject = async <A>(
  source: { start: (seed: string) => Promise<Subject> },
  use: (s: Subject) => Promise<A>
) => {
  const subject = await source.start(seed)
  try {
    return await use(subject)
  } finally {
    await subject.close()
  }
}

const startFailure = async (command: string, base?: number): Promise<StartFailure> => {
  try {
    const subject = await processSource(command, new Timeouts(base)).start(seed)
    await subject.close()
  } catch (error) {
    if (error instanceof StartFailure) return error
    throw error
  }
  throw new Error("it came up")
}

const withoutTrace = (answer: Answer): Answer =>
  "fault" in answer ? { fault: { message: answer.fault.message } } : answer

const lost = (answer: Answer): string => ("lost" in answer ? answer.lost.kind : `answered ${JSON.stringify(answer)}`)

describe("a program as subject", () => {
  it("is asked in lines of JSON, ids rising, absent members left out [subject.line.1] [subject.request.1]", async () => {
    const command = scripted(
      `if (request.op === "hello") hello(); else say({ id: request.id, ok: { line, speaks: 1 } })`
    )
    await withSubject(processSource(command, new Timeouts()), async (subject) => {
      expect(subject.hello.name).toBe("s")
      const first = await subject.ask({ op: "reset" })
      expect(first).toEqual({ ok: { line: '{"id":2,"op":"reset","in":{}}', speaks: 1 } })
      const second = await subject.ask({ op: "x", as: "bob/1", in: { a: "00" }, now: 5, coins: { "msg.id": ["00"] } })
      expect(second).toEqual({
        ok: { line: '{"id":3,"op":"x","as":"bob/1","in":{"a":"00"},"now":5,"coins":{"msg.id":["00"]}}', speaks: 1 }
      })
    })
  })

  it("is greeted with 64 bytes of seed and the versions spoken [subject.hello.1]", async () => {
    const path = join(folder, "hello.json")
    const command = scripted(
      `writeFileSync(${JSON.stringify(path)}, line); hello()`,
      `import { writeFileSync } from "node:fs"`
    )
    await withSubject(processSource(command, new Timeouts()), () => Promise.resolve())
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({
      id: 1,
      op: "hello",
      in: { kit: expect.stringMatching(/^\d+\.\d+\.\d+$/), speaks: [1], seed }
    })
  })

  it("that rejects, faults or answers hello with less does not come up [subject.hello.1]", async () => {
    for (const answer of [
      `say({ id: request.id, reject: { stage: "version" } })`,
      `say({ id: request.id, fault: { message: "no" } })`,
      `say({ id: request.id, ok: { name: "s" } })`,
      `say({ id: request.id, ok: { ...${greeting("{}")} } })`
    ]) {
      expect((await startFailure(scripted(answer))).kind).toBe("violation")
    }
  })

  it("that writes anything but replies breaks the protocol [subject.line.1] [subject.reply.1]", async () => {
    const bad = [
      `say("ready")`,
      `say("[]")`,
      `say({ id: request.id })`,
      `say({ id: request.id, ok: {}, reject: {} })`,
      `say({ id: request.id, ok: {}, more: 1 })`,
      `say({ id: request.id, reject: { stage: "never" } })`,
      `say({ id: request.id, unsupported: {} })`,
      `say({ id: request.id + 1, ok: {} })`,
      `say({ id: String(request.id), ok: {} })`,
      `process.stdout.write(Buffer.from([0x7b, 0xff, 0x7d, 0x0a]))`,
      `say("")`
    ]
    for (const line of bad) {
      const source = processSource(scripted(`if (request.op === "hello") hello(); else ${line}`), new Timeouts())
      const answer = await withSubject(source, (subject) => subject.ask({ op: "reset" }))
      expect(lost(answer), line).toBe("violation")
    }
  }, 30_000)

  it("may answer at once what was never asked, and is caught by it", async () => {
    const command = scripted(`if (request.op === "hello") { hello(); say({ id: 2, ok: {} }) }`)
    const source = processSource(command, new Timeouts())
    const answer = await withSubject(source, async (subject) => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      return subject.ask({ op: "reset" })
    })
    expect(lost(answer)).toBe("violation")
  })

  it("that ends or hangs is lost, with what it wrote last [result.restart.1]", async () => {
    const noisy = `process.stderr.write("x".repeat(100_000) + "the end\\n", () => process.exit(7))`
    const command = scripted(`if (request.op === "hello") hello(); else if (request.op === "end") ${noisy}`)
    await withSubject(processSource(command, new Timeouts(200)), async (subject) => {
      const ended = await subject.ask({ op: "end" }, 20_000)
      expect(ended).toMatchObject({ lost: { kind: "crash", message: "it ended with status 7" } })
      const stderr = "lost" in ended ? ended.lost.stderr : ""
      expect(stderr.length).toBe(keptStderrBytes)
      expect(stderr.endsWith("the end\n")).toBe(true)
      expect(subject.alive()).toBe(false)
      expect(lost(await subject.ask({ op: "reset" }))).toBe("crash")
    })
    await withSubject(processSource(command, new Timeouts(200)), async (subject) => {
      const began = performance.now()
      expect(lost(await subject.ask({ op: "hang" }))).toBe("timeout")
      expect(performance.now() - began).toBeGreaterThan(150)
    })
  })

  it("is ended with everything it started", async () => {
    const path = join(folder, "pids")
    const child = `const c = spawn("sleep", ["1000"]); appendFileSync(${JSON.stringify(path)}, c.pid + "\\n")`
    const command = scripted(
      `if (request.op === "hello") { ${child}; hello() }`,
      `const { spawn } = await import("node:child_process"); const { appendFileSync } = await import("node:fs")`
    )
    await withSubject(processSource(command, new Timeouts(200)), (subject) => subject.ask({ op: "hang" }))
    const pid = readFileSync(path, "utf8").trim()
    await new Promise((resolve) => setTimeout(resolve, 100))
    const state = () => {
      try {
        return execFileSync("ps", ["-o", "stat=", "-p", pid], { encoding: "utf8" }).trim()
      } catch {
        return ""
      }
    }
    expect(state()).toMatch(/^(Z.*)?$/)
  })

  it("that cannot be started says so", async () => {
    const failure = await startFailure("/no/such/program")
    expect(failure.kind).toBe("crash")
    expect(failure.message).toContain("127")
    expect(failure.stderr).toContain("/no/such/program")
  })

  it("answers in order unless it declared a concurrency [subject.reply.1] [subject.features.1]", async () => {
    const body = (features: string) =>
      `if (request.op === "hello") hello(${features}); else { held.push(request.id); if (held.length === 3 || ${features === ""}) for (const id of held.splice(0).reverse()) say({ id, ok: { id } }) }`
    const three = processSource(scripted(body("{families:{},concurrency:3}"), "const held = []"), new Timeouts())
    const answers = await withSubject(three, (subject) =>
      Promise.all(Array.from({ length: 6 }, () => subject.ask({ op: "x" })))
    )
    expect(answers).toEqual([2, 3, 4, 5, 6, 7].map((id) => ({ ok: { id } })))
    const one = processSource(scripted(body(""), "const held = []"), new Timeouts())
    const alone = await withSubject(one, (subject) =>
      Promise.all(Array.from({ length: 4 }, () => subject.ask({ op: "x" })))
    )
    expect(alone).toEqual([2, 3, 4, 5].map((id) => ({ ok: { id } })))
  })

  it("ends with status 0 at the end of its input [subject.line.1]", () => {
    const command = program("reference/main.ts")
    const input = `{"id":1,"op":"hello","in":{"kit":"1.0.0","speaks":[1],"seed":"${seed}"}}\n{"id":2,"op":"reset","in":{}}\n`
    const output = execFileSync("sh", ["-c", command], { input, encoding: "utf8" })
    const lines = output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: number; ok: object })
    expect(lines.map(({ id }) => id)).toEqual([1, 2])
    expect(lines[1]!.ok).toEqual({})
  })
})

describe("lines", () => {
  const read = (chunks: ReadonlyArray<Uint8Array>) => {
    const lines: Array<string> = []
    const problems: Array<string> = []
    const reader = new LineReader(
      (line) => void lines.push(line),
      (problem) => void problems.push(problem)
    )
    for (const chunk of chunks) reader.push(chunk)
    reader.end()
    return { lines, problems }
  }
  const utf8 = (text: string) => new TextEncoder().encode(text)

  it("are the same wherever the stream is cut [subject.line.1]", () => {
    const bytes = utf8('{"a":"ä€𝄞"}\n\n{"b":1}\n')
    for (let i = 0; i <= bytes.length; i++) {
      expect(read([bytes.subarray(0, i), bytes.subarray(i)])).toEqual({
        lines: ['{"a":"ä€𝄞"}', "", '{"b":1}'],
        problems: []
      })
    }
    expect(read([...bytes].map((byte) => Uint8Array.of(byte))).lines).toHaveLength(3)
  })

  it("hold at most 8 MiB of UTF-8, and have an end [subject.line.1]", () => {
    const long = new Uint8Array(maxLineBytes).fill(0x20)
    expect(read([long, utf8("\n")]).lines[0]).toHaveLength(maxLineBytes)
    expect(read([long, utf8(" \n")]).problems).toEqual(["it wrote a line of more than 8 MiB"])
    expect(read([Uint8Array.of(0xc3, 0x0a)]).problems).toEqual(["it wrote a line that is not UTF-8"])
    expect(read([utf8("{}")]).problems).toEqual(["its last line has no end"])
  })
})

describe("a module as subject", () => {
  const handler = (handle: Handler["handle"]): Handler => ({
    handle: (request) =>
      request.op === "hello"
        ? {
            id: request.id,
            ok: {
              name: "m",
              version: "1",
              language: "ts",
              source: "",
              speaks: 1,
              features: { families: { labels: 1 } }
            }
          }
        : handle(request)
  })
  const asked = async (handle: Handler["handle"]) =>
    (await greetHandler(handler(handle), seed, new Timeouts(100))).ask({ op: "x" })

  it("answers, at once or later [subject.request.1]", async () => {
    expect(await asked(({ id, op }) => ({ id, ok: { op } }))).toEqual({ ok: { op: "x" } })
    expect(await asked(({ id, op }) => Promise.resolve({ id, ok: { op } }))).toEqual({ ok: { op: "x" } })
  })

  it("that throws has a fault, never a refusal [subject.reject.1]", async () => {
    const broken = (): never => {
      throw new TypeError("broken")
    }
    expect(await asked(broken)).toMatchObject({ fault: { message: "an uncaught exception: broken" } })
    expect(await asked(() => Promise.reject(new TypeError("later")))).toMatchObject({ fault: {} })
  })

  it("is held to ids, replies and time as a program is [subject.reply.1]", async () => {
    expect(lost(await asked(({ id }) => ({ id: id + 1, ok: {} })))).toBe("violation")
    expect(lost(await asked(() => ({}) as never))).toBe("violation")
    expect(lost(await asked(() => new Promise(() => undefined)))).toBe("timeout")
  })

  it("is found by the name reference, and says the same in process, in a worker and as a program", async () => {
    const timeouts = new Timeouts()
    const sources = [
      inProcessSource("reference", timeouts),
      workerSource("reference", timeouts),
      processSource(program("reference/main.ts"), timeouts)
    ]
    const all = await Promise.all(
      sources.map((source) =>
        withSubject(source, async (subject) => ({
          hello: subject.hello,
          answers: [
            await subject.ask({ op: "sha256", in: { data: "" } }),
            await subject.ask({ op: "canon.decode", in: { bytes: "c1" } }),
            withoutTrace(await subject.ask({ op: "canon.decode" })),
            await subject.ask({ op: "nothing" }),
            await subject.ask({ op: "window.accept", as: "bob/1", in: { number: 1 } })
          ]
        }))
      )
    )
    expect(all[1]).toEqual(all[0])
    expect(all[2]).toEqual(all[0])
    expect(all[0]!.answers.map((answer) => Object.keys(answer)[0])).toEqual([
      "ok",
      "reject",
      "fault",
      "unsupported",
      "ok"
    ])
  }, 20_000)

  it("that is none does not come up", async () => {
    const path = join(folder, "empty.mjs")
    writeFileSync(path, "export const nothing = 1\n")
    await expect(inProcessSource(path, new Timeouts()).start(seed)).rejects.toThrow("neither create nor handle")
    await expect(inProcessSource(join(folder, "absent.mjs"), new Timeouts()).start(seed)).rejects.toThrow(
      "cannot be loaded"
    )
  })
})

describe("a worker as subject", () => {
  it("is ended when it hangs, and may speak for itself", async () => {
    const path = join(folder, "worker.mjs")
    writeFileSync(
      path,
      `import { parentPort } from "node:worker_threads"
       parentPort.on("message", ({ id, op }) => {
         if (op === "hello") parentPort.postMessage({ id, ok: ${greeting()} })
         else if (op === "end") process.exit(4)
         else for (;;) {}
       })`
    )
    const source = workerScriptSource(pathToFileURL(path), new Timeouts(200))
    await withSubject(source, async (subject) => {
      expect(lost(await subject.ask({ op: "x" }))).toBe("timeout")
    })
    await withSubject(source, async (subject) => {
      expect(await subject.ask({ op: "end" })).toMatchObject({
        lost: { kind: "crash", message: "the worker ended with status 4" }
      })
    })
  })
})

describe("timeouts", () => {
  it("grow with the class of the operation and with a slow subject, up to twenty times", () => {
    const timeouts = new Timeouts(1000)
    expect(timeouts.of("canon.decode")).toBe(1000)
    expect(timeouts.of("x25519-iterate")).toBe(6000)
    timeouts.calibrate(100, 500)
    expect(timeouts.scale).toBe(1)
    timeouts.calibrate(1500, 500)
    expect(timeouts.of("canon.decode")).toBe(3000)
    timeouts.calibrate(1_000_000, 500)
    expect(timeouts.of("canon.decode", 10)).toBe(200)
  })
})
