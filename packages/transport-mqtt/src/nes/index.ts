/**
 * Entry point `@tacit/transport-mqtt/nes`: the compatibility profile of the MQTT messenger.
 *
 * Spec: docs/spec/15-nes.md.
 * Kept apart from the core protocol, never chosen by default, with known weaknesses: print `notice` wherever it is used.
 */
export { type AnswerFormat, type Seen } from "./Answer.ts"
export { blindTopic, blindTopics } from "./Blind.ts"
export { makeNes, Nes, type NesClient, type NesHandle, NesMessageError, type NesOptions, openNes } from "./Client.ts"
export { decode, encode, type Frame, maxFrameBytes } from "./Frame.ts"
export { quote, stringify } from "./GoJson.ts"
export {
  BadKey,
  generate,
  isSame,
  parsePair,
  parsePrivate,
  parsePublic,
  privatePem,
  type PublicKeys,
  publicPem,
  sizes
} from "./Keys.ts"
export {
  type AnswerMemory,
  keyService,
  type KeyServiceOptions,
  register,
  RegistrationRefused,
  type RegistrationRequest
} from "./KeyService.ts"
export { cached, type CacheOptions, firstOf, fromFiles, KeyError, type KeySource } from "./KeySource.ts"
export { clockSkewMs, type Event, type Listener, type ListenerOptions, makeListener } from "./Listener.ts"
export { innerBytes, type Message, open, type Opened, seal, verifySender } from "./Message.ts"
export { BrokerError, isBrokerAddress } from "./Mqtt.ts"
export { type Cause, causes, explanations, Refusal, type Warning, warnings, warningTexts } from "./Refusal.ts"
export { isUsername, lower, topicOf } from "./Username.ts"
export { notice, type Weakness, weaknesses } from "./Weakness.ts"
