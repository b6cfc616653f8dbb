/**
 * `tacit demo`: a conversation, four attacks, and what the relay saw, in one go.
 *
 * Nothing is left behind. Shown for people; with `--json` the last line of standard output is one object.
 */
import type { Command } from "../Command.ts"
import * as Attacks from "../demo/Attacks.ts"
import * as Conversation from "../demo/Conversation.ts"
import { script } from "../demo/Script.ts"
import * as Sights from "../demo/Sights.ts"
import { withStage } from "../demo/Stage.ts"
import { ExitCode } from "../ExitCode.ts"
import { readAll, split } from "../Lines.ts"
import { safe, type Terminal } from "../Terminal.ts"
import { UsageError } from "../UsageError.ts"

export const demo: Command = {
  name: "demo",
  summary: "see it all work, and attacks fail, on this machine",
  about: [
    "Starts a relay on a free port of this machine with temporary databases, enrols alice, bob and an echo bot with one-time passwords, and sends every line of standard input from alice to bob, and from alice to the echo bot and back. Without input it uses a few lines of its own.",
    "Then an attacker who sees and controls the wire plays an old envelope again, flips a bit, swaps two bodies, and puts back an old copy of alice's database. Each is shown with the warning the user gets. At the end stands what the relay could see.",
    "A line ends at a line feed, or at a carriage return and a line feed; the ending is not sent. Empty lines are sent as empty messages. Input that is not UTF-8 is refused. Ends with 0 only if every line arrived in order, byte for byte, and every attack was refused. All temporary files are removed."
  ],
  positionals: [],
  options: [
    {
      name: "transport",
      value: "ws|mqtt",
      default: "ws",
      text: "a relay over WebSockets, or a steward behind an MQTT broker in this process"
    }
  ],
  examples: [
    { line: "tacit demo", text: "a short script of its own" },
    { line: "seq 1000 | tacit demo", text: "a thousand messages" },
    { line: "tacit demo --transport mqtt", text: "the same through a broker" },
    { line: "tacit demo --json < letter.txt | tail -1", text: "the result for a program" }
  ],
  run: async ({ inputs, terminal, signal }) => {
    const transport = inputs.required("transport")
    if (transport !== "ws" && transport !== "mqtt")
      throw new UsageError("--transport takes ws or mqtt", "For instance --transport mqtt.")
    const given = terminal.stdin.isTTY === true ? [] : split(await readAll(terminal.stdin))
    const lines = given.length === 0 ? script : given
    const tell = narrator(terminal)
    const result = await withStage(transport, signal, async (stage) => {
      const words = Sights.markers(lines)
      stage.recorder.lookFor(words, stage.ids)
      stage.network.eavesdropper?.lookFor(words, stage.ids)
      tell.scene(stage.network.shown)
      const delivered = await Conversation.hold(stage, lines, tell.progress(lines.length))
      tell.delivered(lines, delivered, given.length === 0)
      const attacks = await Attacks.playAll(stage, tell.attack)
      const relaySaw = Sights.look(stage, words)
      tell.sights(relaySaw)
      return { delivered, attacks, relaySaw }
    })
    const { attacks, delivered, relaySaw } = result
    const good =
      delivered.deliveredToBob === lines.length &&
      delivered.echoed === lines.length &&
      delivered.inOrder &&
      attacks.every((attack) => attack.refused) &&
      relaySaw.plaintextFound === 0 &&
      relaySaw.sendersFound === 0 &&
      (relaySaw.broker?.plaintextFound ?? 0) === 0 &&
      (relaySaw.broker?.idsFound ?? 0) === 0
    tell.end(good, lines.length, attacks)
    if (terminal.json) {
      terminal.record({
        lines: lines.length,
        ...delivered,
        attacks: attacks.map(({ name, refused, cause }) => ({ name, refused, cause })),
        relaySaw
      })
    }
    return good ? ExitCode.ok : ExitCode.failed
  }
}

/** Tells people what happens; silent with `--json`. */
const narrator = (terminal: Terminal) => {
  const { paint } = terminal
  const say = (line = "") => {
    if (!terminal.json) terminal.out(line)
  }
  const mark = (good: boolean) => (good ? paint("green", "✔") : paint("red", "✘"))
  const showsProgress = terminal.stderr.isTTY === true && !terminal.json
  let shown = 0
  return {
    scene: (url: string) => {
      say(paint("bold", "A relay, three people, and somebody on the wire"))
      say(`  relay   ${url}`)
      say("  people  alice, bob, and an echo bot, enrolled with one-time passwords")
      say("  wire    tapped: the attacker sees every byte and may change it")
      say()
    },
    progress: (total: number) => (done: number) => {
      if (!showsProgress || Date.now() - shown < 100) return
      shown = Date.now()
      terminal.stderr.write(`\r  ${done} of ${total} lines there and back `)
    },
    delivered: (
      lines: ReadonlyArray<string>,
      { deliveredToBob, echoed, inOrder }: Conversation.Delivered,
      ours: boolean
    ) => {
      if (showsProgress) terminal.stderr.write("\r\u001b[K")
      if (ours)
        for (const line of lines) say(`  alice → bob   ${line === "" ? paint("dim", "(an empty line)") : safe(line)}`)
      say(`${mark(deliveredToBob === lines.length)} ${deliveredToBob} of ${lines.length} lines reached bob`)
      say(`${mark(echoed === lines.length)} ${echoed} of ${lines.length} came back from the echo bot`)
      say(`${mark(inOrder)} ${inOrder ? "in order and byte for byte" : "NOT in order and byte for byte"}`)
      say()
      say(paint("bold", "The attacker"))
    },
    attack: ({ title, refused, cause, warning, story }: Attacks.Outcome) => {
      say(`${mark(refused)} ${title}: ${refused ? "refused" : "NOT REFUSED"} ${paint("dim", `(${cause})`)}`)
      say(`    ${paint("yellow", `! ${warning}`)}`)
      for (const line of story) say(`    ${paint("dim", line)}`)
    },
    sights: (saw: Sights.RelaySaw) => {
      say()
      say(paint("bold", "What the relay could see"))
      say(`  names           ${saw.names.join(", ")}, with their public keys`)
      say(
        `  envelopes       ${saw.envelopes} to ${saw.mailboxes} mailboxes, ${saw.bytes} bytes in ${saw.distinctSizes} sizes, and when`
      )
      say(
        `  who sent them   ${saw.sendersFound === 0 ? "no: no envelope names a sender" : paint("red", `${saw.sendersFound} envelopes name somebody`)}`
      )
      say(
        `  what they say   ${saw.plaintextFound === 0 ? "no: no text on the wire nor in its files" : paint("red", `text in ${saw.plaintextFound} places`)}`
      )
      if (saw.broker !== undefined) {
        const { bytes, idsFound, messages, plaintextFound, topics } = saw.broker
        say()
        say(paint("bold", "What somebody subscribed to every topic of the broker could see"))
        say(`  messages        ${messages} on ${topics} topics, ${bytes} bytes, and when`)
        say(
          `  who and what    ${idsFound + plaintextFound === 0 ? "neither names, nor text, nor mailboxes: topics are random, and everything is sealed once more" : paint("red", `ids in ${idsFound}, text in ${plaintextFound} messages`)}`
        )
      }
      say()
    },
    end: (good: boolean, count: number, attacks: ReadonlyArray<Attacks.Outcome>) => {
      say(
        good
          ? paint("green", `All ${count} lines arrived, all ${attacks.length} attacks were refused.`)
          : paint("red", "Something went wrong; see the marks above.")
      )
    }
  }
}
