/**
 * Types of the module `@tacit/conformance/subjects/reference`.
 */
import type { Message } from "@tacit/conformance"

/** A reference of its own state. */
export declare const create: () => Message.Handler
/** One that all who import it share. */
export declare const handle: Message.Handler["handle"]
