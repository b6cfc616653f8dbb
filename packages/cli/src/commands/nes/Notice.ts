/**
 * What is said whenever the `nes` profile is used, and how its messages look.
 *
 * Spec: docs/spec/15-nes.md §15.7 (rule nes.profile.1), §15.4.
 */
import {
  type Event,
  explanations,
  type Message,
  notice,
  type Warning,
  warningTexts,
  weaknesses
} from "@tacit/transport-mqtt/nes"
import { time } from "../../Display.ts"
import { safe, type Terminal } from "../../Terminal.ts"

/** Tells of the weaknesses: lines on standard error, or with `--json` one object. */
export const warn = (terminal: Terminal): void => {
  if (terminal.json) {
    terminal.record({ type: "notice", profile: "nes", weaknesses: weaknesses.map(({ id, title }) => ({ id, title })) })
  } else for (const line of notice) terminal.err(terminal.paint("yellow", line))
}

export const messageLine = (terminal: Terminal, { from, message, timestamp }: Message): string =>
  `${terminal.paint("dim", time(timestamp))} ${terminal.paint("cyan", from)}: ${safe(message)}`

export const warningLine = (terminal: Terminal, warning: Warning): string =>
  terminal.paint("yellow", `         ! ${warningTexts[warning]}`)

/** A frame's fate as lines: a message with its warnings, or why it was dropped. */
export const eventLines = (terminal: Terminal, event: Event): ReadonlyArray<string> =>
  event.type === "refused"
    ? [terminal.paint("dim", `a frame was dropped: ${explanations[event.cause]}`)]
    : [messageLine(terminal, event.message), ...event.warnings.map((warning) => warningLine(terminal, warning))]

/** The same as a JSON object. */
export const eventRecord = (event: Event): object =>
  event.type === "refused"
    ? { type: "refused", cause: event.cause }
    : { type: "message", ...event.message, warnings: event.warnings }
