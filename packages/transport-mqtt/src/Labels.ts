/**
 * Labels of what is derived for MQTT. They begin otherwise than the core's, so no value of one is ever a value of the other.
 *
 * Spec: docs/spec/18-mqtt.md §18.2 (rule mqtt.label.1).
 * Texts only; what is done with them is in Handshake.ts, Channel.ts and Retained.ts.
 */
import { Bytes } from "@tacit/core/hazmat"

const label = (name: string): Uint8Array => Bytes.concat(Bytes.utf8Encode(`tacit-mqtt/1 ${name}`), Uint8Array.of(0))

/** Salt of a link's first keys: context steward key, client's fresh key. */
export const knock = label("knock")
/** Salt of a link's keys: context steward key, client's fresh key, steward's fresh key. */
export const link = label("link")
/** Key of the knock's content. */
export const knockKey = label("knock key")
/** Key of the answer's proof. */
export const answerKey = label("answer key")
/** Key under which a link's topics are derived. */
export const topicKey = label("topic key")
/** Key of what the client sends. */
export const upKey = label("up key")
/** Key of what the steward sends. */
export const downKey = label("down key")
/** Topic of one direction in one epoch. */
export const upTopic = label("up topic")
export const downTopic = label("down topic")
/** Topic of the answer to a knock. */
export const answerTopic = label("answer topic")
/** Topic and key of a retained copy. */
export const retainedTopic = label("retained topic")
export const retainedKey = label("retained key")
