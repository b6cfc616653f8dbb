/**
 * Every family with the files it builds, in order of their ids.
 *
 * Spec: vectors/README.md (families).
 */
import type { Family } from "../family.ts"
import type { VectorFile } from "../model.ts"
import { family as agreementFamily } from "./agreement.ts"
import { sessions, shared } from "./agreement-sessions.ts"
import { family as attachmentFamily, references, sealedFiles } from "./attachments.ts"
import { bundles } from "./bundle.ts"
import { aead } from "./aead.ts"
import { family as devicesFamily, fanOut } from "./devices.ts"
import { lists, received } from "./devices-lists.ts"
import { settings } from "./devices-settings.ts"
import { ed25519 } from "./ed25519.ts"
import { encoding, family as encodingFamily } from "./encoding.ts"
import { encodingBulk, ratchetBulk } from "./bulk.ts"
import { contents } from "./content.ts"
import { envelopes, family as envelopeFamily, padding } from "./envelope.ts"
import { sealed } from "./sealed.ts"
import { hash, hkdf, hmac } from "./hash.ts"
import { archives, family as historyFamily, histories } from "./histories.ts"
import { certificates, family as identityFamily } from "./identity.ts"
import { updates } from "./history.ts"
import { lives } from "./identity-lives.ts"
import { family as linkingFamily, invitations, texts } from "./linking.ts"
import { linkings } from "./linking-lives.ts"
import { cpace, steps } from "./linking-steps.ts"
import { manifests } from "./manifest.ts"
import { proofs } from "./proof.ts"
import { kem } from "./kem.ts"
import { derivations, family as labelsFamily, labels } from "./labels.ts"
import { taxonomy } from "./failures.ts"
import { encodingForms } from "./encoding-forms.ts"
import { layoutKinds } from "./layout-kinds.ts"
import { layouts } from "./layouts.ts"
import { family as primitives } from "./primitive.ts"
import { family as ratchetFamily } from "./ratchet.ts"
import { lies } from "./ratchet-header.ts"
import { limits } from "./ratchet-limits.ts"
import { order } from "./ratchet-order.ts"
import { transcripts } from "./ratchet-transcripts.ts"
import { family as safetyFamily, safety } from "./safety.ts"
import { family as sequenceFamily, fence, replayWindow } from "./sequence.ts"
import { counters, windowEdges } from "./sequence-edges.ts"
import { binding } from "./agreement-binding.ts"
import { crossing } from "./session-crossing.ts"
import { sessionOrder } from "./session-order.ts"
import { family as stateFamily, stored } from "./state.ts"
import { family as vaultFamily, vaultHeaders, vaultRecords } from "./vault.ts"
import { clientRecords } from "./state-client.ts"
import { decisions, family as trustFamily, policies } from "./trust.ts"
import { x25519 } from "./x25519.ts"

const suites = [1, 2, 3] as const

export const families: ReadonlyArray<{ readonly family: Family; readonly build: () => ReadonlyArray<VectorFile> }> = [
  {
    family: primitives,
    build: () => [hash(), hmac(), hkdf(), x25519(), ed25519(), kem(), aead(1), aead(2), aead(3)]
  },
  { family: labelsFamily, build: () => [labels(), derivations()] },
  { family: encodingFamily, build: () => [encoding(), encodingForms(), layouts(), layoutKinds(), encodingBulk()] },
  { family: envelopeFamily, build: () => [envelopes(), padding(), contents(), sealed()] },
  {
    family: agreementFamily,
    build: () => [bundles(), ...suites.map(sessions), shared(), sessionOrder(), crossing(), binding()]
  },
  {
    family: ratchetFamily,
    build: () => [...suites.map(transcripts), ...suites.map(order), ...suites.map(lies), limits(), ratchetBulk()]
  },
  { family: sequenceFamily, build: () => [replayWindow(), windowEdges(), counters(), fence(), taxonomy()] },
  { family: devicesFamily, build: () => [fanOut(), lists(), received(), settings()] },
  { family: linkingFamily, build: () => [invitations(), texts(), cpace(), steps(), linkings()] },
  { family: attachmentFamily, build: () => [sealedFiles(), references()] },
  { family: historyFamily, build: () => [histories(), archives()] },
  { family: vaultFamily, build: () => [vaultHeaders(), vaultRecords()] },
  { family: safetyFamily, build: () => [safety()] },
  { family: trustFamily, build: () => [policies(), decisions()] },
  { family: identityFamily, build: () => [certificates(), manifests(), updates(), lives(), proofs()] },
  { family: stateFamily, build: () => [stored(), clientRecords()] }
]
