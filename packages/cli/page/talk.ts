/** Talking to the program that serves the page. */
import type { LoggedIn, Trouble, View } from "../src/commands/device/page/Wire.ts"

/** The program did not do what it was asked; `trouble` says why in words. */
export class NotDone extends Error {
  readonly trouble: Trouble
  readonly status: number
  constructor(status: number, trouble: Trouble) {
    super(trouble.message)
    this.status = status
    this.trouble = trouble
  }
}

/** The program cannot be reached any more. */
export class Gone extends Error {}

// This tab alone has it; a reload keeps it, another page does not get it.
const place = "tacit-key"

const ask = async (method: "GET" | "POST", path: string, body?: object): Promise<Response> => {
  const headers: Record<string, string> = { "x-tacit-key": sessionStorage.getItem(place) ?? "" }
  if (body !== undefined) headers["content-type"] = "application/json"
  const response = await fetch(path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    credentials: "same-origin",
    cache: "no-store"
  }).catch(() => {
    throw new Gone()
  })
  if (!response.ok) throw new NotDone(response.status, (await response.json()) as Trouble)
  return response
}

/** Logs in with the secret of the link, if there is one behind the `#`, and takes it out of the address. */
export const logIn = async (): Promise<void> => {
  const token = /^#login=([A-Za-z0-9_-]+)$/.exec(location.hash)?.[1]
  if (token === undefined) return
  history.replaceState(null, "", "/")
  const response = await ask("POST", "/api/login", { token })
  sessionStorage.setItem(place, ((await response.json()) as LoggedIn).key)
}

export const view = async (): Promise<View> => (await (await ask("GET", "/api/view")).json()) as View

/** Has something done; answers how things are then. */
export const act = async (path: string, body: object = {}): Promise<View> =>
  (await (await ask("POST", path, body)).json()) as View

/** The invitation's QR code, as an address for an image. */
export const code = async (): Promise<string> => {
  const svg = await (await ask("GET", "/api/link/code.svg")).text()
  return `data:image/svg+xml;base64,${btoa(svg)}`
}
