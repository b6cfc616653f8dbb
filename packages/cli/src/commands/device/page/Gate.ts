/**
 * Who may talk to the device page: whoever was given the link, once, in one browser, from the page itself.
 *
 * Spec: none. The threats and what stops them are in docs/guides/devices.md.
 * Decides from headers alone; answers nothing itself.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"

/** What of a request decides. */
export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
}

/** Why a request is not answered, with the status. */
export interface Denied {
  readonly status: 400 | 401 | 403
  readonly error: "wrong-host" | "wrong-origin" | "not-logged-in" | "used-link"
}

export interface Gate {
  /** The link's secret: 32 random bytes in base64url. */
  readonly token: string
  /** `http://127.0.0.1:<port>`. */
  readonly origin: string
  /** Whether a request may be looked at; with `secret` whether it also comes from who logged in. */
  readonly judge: (request: Request, secret: boolean) => Denied | undefined
  /** Takes the link's secret, which serves once. */
  readonly logIn: (token: string) => { readonly cookie: string; readonly key: string } | Denied
}

/** Name of the header with the key that the page keeps for its tab alone. Cookies go to every port of an address; this does not. */
export const keyHeader = "x-tacit-key"

const secret = (): string => randomBytes(32).toString("base64url")

/** In the same time whatever was given. */
const isSame = (given: string | undefined, held: string): boolean => {
  const digest = (text: string) => createHash("sha256").update(text).digest()
  return timingSafeEqual(digest(given ?? ""), digest(held)) && given !== undefined
}

const cookieOf = (headers: IncomingHttpHeaders, name: string): string | undefined =>
  headers.cookie
    ?.split(";")
    .map((part) => part.trim())
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1)

export const make = (port: number): Gate => {
  const host = `127.0.0.1:${port}`
  const origin = `http://${host}`
  const token = secret()
  const name = `tacit-devices-${port}`
  let session: { readonly cookie: string; readonly key: string } | undefined

  /** A name that leads here is not this address (DNS rebinding), and another site is not this page (cross-site requests). */
  const isForeign = ({ headers, method, path }: Request): Denied | undefined => {
    if (headers.host !== host) return { status: 400, error: "wrong-host" }
    const from = headers.origin
    if (from === undefined ? method !== "GET" : from !== origin) return { status: 403, error: "wrong-origin" }
    // The page itself, which holds nothing, may be opened from anywhere: from a terminal, a mail, another page.
    const site = headers["sec-fetch-site"]
    const isNavigation = path === "/" && method === "GET"
    if (site !== undefined && site !== "same-origin" && !isNavigation) return { status: 403, error: "wrong-origin" }
    return undefined
  }

  return {
    token,
    origin,
    judge: (request, needed) => {
      const foreign = isForeign(request)
      if (foreign !== undefined || !needed) return foreign
      const key = request.headers[keyHeader]
      const isIn =
        session !== undefined &&
        isSame(cookieOf(request.headers, name), session.cookie) &&
        isSame(typeof key === "string" ? key : undefined, session.key)
      return isIn ? undefined : { status: 401, error: "not-logged-in" }
    },
    logIn: (given) => {
      if (session !== undefined || !isSame(given, token)) return { status: 403, error: "used-link" }
      session = { cookie: secret(), key: secret() }
      return { cookie: `${name}=${session.cookie}; HttpOnly; SameSite=Strict; Path=/`, key: session.key }
    }
  }
}
