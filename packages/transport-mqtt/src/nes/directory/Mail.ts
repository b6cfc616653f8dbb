/**
 * The mail that carries the two links of a registration, and the way to an SMTP server.
 *
 * Spec: docs/spec/15-nes.md §15.5 (rules nes.mail.1, nes.mail.2).
 * All use of the `nodemailer` package is here. Does not know what a token means.
 */
import { createTransport } from "nodemailer"

/** A mail. `to` is an address that Users.ts accepted. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Port: takes mails. `send` resolves when a server has taken the mail, and rejects when none did. */
export interface Mailer {
  readonly send: (mail: Mail) => Promise<void>
  readonly close: () => void
}

export interface SmtpOptions {
  readonly host: string
  readonly port: number
  /** Sender's address. */
  readonly from: string
  /** TLS from the first byte (usual on port 465). Otherwise STARTTLS is demanded, unless `host` is this machine. */
  readonly secure?: boolean
  readonly user?: string
  readonly password?: string
  readonly timeoutMs?: number
}

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || /^127\./.test(host)

/** Sends through an SMTP server. */
export const smtpMailer = (options: SmtpOptions): Mailer => {
  const { from, host, password, port, secure = false, timeoutMs = 20_000, user } = options
  const transport = createTransport({
    host,
    port,
    secure,
    requireTLS: !secure && !isLoopback(host),
    ignoreTLS: !secure && isLoopback(host),
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(user === undefined ? {} : { auth: { user, pass: password ?? "" } })
  })
  return {
    send: async (mail) => {
      await transport.sendMail({
        from,
        to: { name: "", address: mail.to },
        subject: mail.subject,
        text: mail.text,
        // Links stand on lines of their own; nothing may fold them.
        textEncoding: "base64"
      })
    },
    close: () => transport.close()
  }
}

/** The mail of a registration. */
export const welcome = (
  address: string,
  user: { readonly username: string; readonly email: string },
  tokens: { readonly activate: string; readonly remove: string }
): Mail => {
  const link = `${address}/users/${user.username}`
  return {
    to: user.email,
    subject: "Your name in the key directory",
    text: [
      `Somebody, we hope you, asked for the name ${user.username} in the key directory at ${address}.`,
      "",
      "To make it active, open this link within 24 hours:",
      `${link}/${tokens.activate}`,
      "",
      "To remove it later, open this one. Keep this mail: the link is not sent again.",
      `${link}/${tokens.remove}`,
      "",
      "If it was not you, do nothing: the name is free again after a day.",
      ""
    ].join("\n")
  }
}
