/**
 * Entry point `@tacit/transport-mqtt/nes/directory`: the public-key service of the `nes` profile.
 *
 * Spec: docs/spec/15-nes.md §15.5, §15.6.
 */
export { Directory, makeDirectory, type RunningDirectory, startDirectory } from "./Directory.ts"
export { DirectoryError } from "./DirectoryError.ts"
export { type Mail, type Mailer, smtpMailer, type SmtpOptions } from "./Mail.ts"
export { defaultLimits, type DirectoryLimits, type DirectoryOptions } from "./Options.ts"
