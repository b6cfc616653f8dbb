/**
 * How messages, warnings and states look: one line for people, one object for programs.
 *
 * Text of peers passes through `Terminal.safe` in lines; in objects it stands as it was sent.
 */
import type { Attachment, Contact, Incoming, OutboxEvent, Sender, Synced, Warning } from "@tacit/core"
import { safe, type Terminal } from "./Terminal.ts"

/** The name one knows somebody by, else the beginning of their account id. */
export const who = (sender: Sender | undefined): string =>
  sender === undefined ? "somebody" : safe(sender.user ?? `${sender.account.slice(0, 8)}…`)

/** Local time of day, `hh:mm:ss`. */
export const time = (ms: number): string => new Date(ms).toTimeString().slice(0, 8)

/** A file, in one line. */
const fileLine = ({ length, mediaType, name }: Attachment): string =>
  `[file ${name === "" ? "without a name" : safe(name)}, ${safe(mediaType)}, ${length} bytes]`

/** Local date and time, `yyyy-mm-dd hh:mm`. */
export const stamp = (ms: number): string => {
  const at = new Date(ms)
  const two = (n: number) => String(n).padStart(2, "0")
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`
}

/** A whole number with commas. */
export const grouped = (n: number): string => n.toLocaleString("en-US")

/** So many messages, in words. */
export const messageCount = (n: number): string => (n === 1 ? "1 message" : `${grouped(n)} messages`)

/** The beginning of an id. */
export const shortId = (id: string): string => `${id.slice(0, 8)}…`

/** What a message says, in one line. */
export const bodyLine = (message: Pick<Incoming, "body">): string => {
  switch (message.body.type) {
    case "text":
      return safe(message.body.text)
    case "attachment":
      return fileLine(message.body)
    case "application":
      return `[${safe(message.body.mediaType)}, ${message.body.data.length} bytes] ${safe(message.body.fallback)}`
    case "typing":
      return message.body.typing ? "is typing" : "stopped typing"
    case "opaque":
      return `[unknown type ${message.body.number}] ${safe(message.body.fallback)}`
  }
}

export const messageLine = (terminal: Terminal, message: Incoming): string => {
  const late = message.late ? terminal.paint("dim", " (late)") : ""
  return `${terminal.paint("dim", time(message.receivedAt))} ${terminal.paint("cyan", who(message.from))}: ${bodyLine(message)}${late}`
}

export const warningLine = (terminal: Terminal, warning: Warning): string =>
  `${terminal.paint("dim", time(warning.at))} ${terminal.paint("yellow", `! ${safe(warning.line)}`)}`

export const senderRecord = (sender: Sender) => ({
  user: sender.user ?? null,
  account: sender.account,
  device: sender.device
})

/** A message as a JSON object; bytes in base 64. */
export const messageRecord = (message: Incoming): object => ({
  type: "message",
  id: message.id,
  conversation: message.conversation,
  from: senderRecord(message.from),
  verified: message.verified,
  body: bodyRecord(message.body),
  sentAt: message.sentAt,
  receivedAt: message.receivedAt,
  sequence: message.sequence,
  late: message.late,
  replyTo: message.replyTo ?? null,
  order: message.order
})

export const warningRecord = (warning: Warning): object => ({
  ...warning,
  type: "warning",
  ...("peer" in warning && warning.peer !== undefined ? { peer: senderRecord(warning.peer) } : {}),
  ...("proof" in warning ? { proof: Buffer.from(warning.proof).toString("base64") } : {})
})

export const stateRecord = (event: OutboxEvent): object => ({
  type: "state",
  id: event.id,
  to: senderRecord(event.to),
  ...(event.own ? { own: true } : {}),
  state: event.state,
  reason: event.reason ?? null
})

/** What was sent on another own device, as a line; other things done there have none. */
export const syncedLine = (terminal: Terminal, item: Synced): string | undefined =>
  item.type === "sent"
    ? `${terminal.paint("dim", time(item.receivedAt))} ${terminal.paint("cyan", `you to ${who(item.to)}`)} ${terminal.paint("dim", "(other device)")}: ${bodyLine(item)}`
    : undefined

/** What another own device did as a JSON object; bytes in base 64. */
export const syncedRecord = (item: Synced): object => ({
  ...item,
  type: "synced",
  what: item.type,
  by: senderRecord(item.by),
  ...(item.type === "sent" ? { to: senderRecord(item.to), body: bodyRecord(item.body) } : {}),
  ...(item.type === "read" || item.type === "verified" ? { peer: senderRecord(item.peer) } : {}),
  ...(item.type === "verified" ? { verified: item.verified ?? null } : {}),
  ...(item.type === "settings"
    ? {
        changed: item.changed.map(({ name, value }) => ({
          name,
          value: value === undefined ? null : Buffer.from(value).toString("base64")
        }))
      }
    : {})
})

/** A file as a JSON object: `key` and the data of a preview in base 64. */
export const fileRecord = ({ key, preview, ...rest }: Attachment): object => ({
  ...rest,
  key: Buffer.from(key).toString("base64"),
  preview: preview === undefined ? null : { ...preview, data: Buffer.from(preview.data).toString("base64") }
})

export const bodyRecord = (body: Incoming["body"]): object => {
  if (body.type === "attachment") return fileRecord(body)
  return body.type === "application" || body.type === "opaque"
    ? { ...body, data: Buffer.from(body.data).toString("base64") }
    : body
}

export const contactLine = (contact: Contact): string =>
  `${safe(contact.user ?? "(no name)")}  ${contact.account}  ${contact.state === "pinned" ? "known identity" : "IDENTITY CHANGED"}${contact.verified ? ", verified" : ""}${contact.approved ? ", approved" : ""}`
