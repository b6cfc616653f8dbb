/**
 * A mail server on loopback that keeps what it gets.
 */
import type { AddressInfo } from "node:net"
import { SMTPServer } from "smtp-server"

export interface Post {
  readonly port: number
  /** Text of the mails to an address, oldest first, transfer encoding undone. */
  readonly to: (address: string) => ReadonlyArray<string>
  readonly count: () => number
  /** From now on mails are turned away. */
  refuse: boolean
  readonly close: () => Promise<void>
}

const bodyOf = (raw: string): string => {
  const [head = "", ...rest] = raw.split("\r\n\r\n")
  const body = rest.join("\r\n\r\n")
  return /base64/i.test(head) ? Buffer.from(body, "base64").toString("utf8") : body
}

export const openPost = async (): Promise<Post> => {
  const mails: Array<{ readonly to: string; readonly text: string }> = []
  const post = { refuse: false }
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData: (stream, session, done) => {
      const chunks: Array<Buffer> = []
      stream.on("data", (chunk: Buffer) => chunks.push(chunk))
      stream.on("end", () => {
        if (post.refuse) return done(new Error("refused"))
        for (const { address } of session.envelope.rcptTo) {
          mails.push({ to: address, text: bodyOf(Buffer.concat(chunks).toString("utf8")) })
        }
        return done()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return Object.assign(post, {
    port: (server.server.address() as AddressInfo).port,
    to: (address: string) => mails.filter((mail) => mail.to === address).map(({ text }) => text),
    count: () => mails.length,
    close: () => new Promise<void>((resolve) => server.close(() => resolve()))
  })
}

/** The links in a mail, in order. */
export const linksOf = (text: string): ReadonlyArray<string> => text.match(/^http\S+\/users\/\S+$/gm) ?? []
