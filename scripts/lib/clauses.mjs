// Rules of which the vectors have no case of a kind, and why: `positive`, a case that shows the rule; `negative`, one that must be refused
// by it. A key is a rule or `group.*`.

const provider =
  "about programs that compute, not about bytes: tests of the providers, every vector with every provider"
const clock = "what a device does by its own clock and store: tests of the client"
const computes = "every input of the right lengths has an output: there is nothing to refuse"
const derives =
  "a derivation; another outcome is another key, and the message does not authenticate (ratchet.receive.1, session.start.2)"
const decides = "decides what a device does and refuses nothing; cases give the decision not taken beside the one taken"
const vault = "serves the vault alone, which no level asks for: published answers in the tests of the providers"
const stores = "the contract suite of stores"
const custodies = "the contract suite of key custodies"

/** Pages whose rules are held against the vectors. The others are about services, profiles and the runner, and have tests of their own. */
export const pages = /^docs\/spec\/(?:0[1-8]|16|17|19)-/

export const without = {
  positive: {
    "crypto.provider.*": provider,
    "suite.table.1": "a table; the three files of the AEADs show its rows",
    "suite.aead.3": "about all messages together; ratchet-fork shows two copies of one state",
    "crypto.label.3": "about all contexts together; the pairs flagged Ambiguity show where one is divided",
    "crypto.compare.1": provider,
    "crypto.erase.1": provider,
    "codec.decode.6": provider,
    "codec.encode.2": "a mistake of the own program: it stops, and there is no answer to compare",
    "manifest.own.*": clock,
    "manifest.publish.*": clock,
    "manifest.revoke.*": clock,
    "manifest.lists.1": clock,
    "proof.keep.1": clock,
    "custody.*": custodies,
    "handover.*": custodies,
    "prekey.rotate.1": clock,
    "prekey.replenish.1": clock,
    "pqxdh.erase.1": provider,
    "ratchet.atomic.2": provider,
    "ratchet.pq.1": "says where something may come later",
    "sequence.window.3": clock,
    "sequence.reuse.1": "takes message ids of whole devices: the properties (P20) and tests of the client",
    "fence.carry.2": "late and early messages mixed: transcripts side by side (P15) and tests of the steps",
    "fence.probe.2":
      "the header that does not fit is ratchet.receive.5; asking around for it is shown by fence.probe.1",
    "failure.silent.1": "that nothing is sent: tests of the client",
    "session.start.5": clock,
    "session.retry.4": clock,
    "session.retry.5": clock,
    "fence.told.1": clock,
    "link.resume.*": clock,
    "state.commit.*": stores,
    "state.lease.*": stores,
    "state.once.1": clock,
    "state.outbox.*": clock
  },
  negative: {
    "crypto.provider.*": provider,
    "crypto.argon2.1": vault,
    "crypto.hash.1": computes,
    "crypto.hmac.1": computes,
    "crypto.hkdf.1": "lengths beyond the bounds are a mistake of the own program: it stops",
    "crypto.x25519.1": computes,
    "crypto.ed25519.1": computes,
    "crypto.mlkem.1": computes,
    "crypto.mlkem.2": "keys that are refused before are crypto.mlkem.3",
    "suite.table.1": "another suite is refused by policy.suite: sealed.suite.1, prekey.bundle.1",
    "suite.aead.1": "what does not open is suite.aead.2",
    "suite.aead.3": "about all messages together",
    "suite.cbc.2": "a tag that is another is suite.cbc.3",
    "crypto.label.*": "a wrong label is a wrong signature or key: certificate.sign.1, manifest.layout.1, prekey.sign.1",
    "crypto.compare.1": provider,
    "crypto.erase.1": provider,
    "codec.value.1": "what is no value is codec.value.2",
    "codec.form.1": "what is not the shortest form is codec.form.2, what is no form codec.form.3",
    "codec.text.2": "text is taken as it is: nothing is refused",
    "codec.decode.1": "every refused case has a reason of the list",
    "codec.decode.5": "about what is accepted",
    "codec.decode.6": provider,
    "codec.decode.7": "about what is accepted; changed bytes are certificate.check.1 and manifest.check.1",
    "codec.encode.*": "about encoding, not about input",
    "codec.json.1": "the form of the vectors themselves: their schemas refuse",
    "sealed.fresh.1": "a repeated ephemeral is not noticed by a receiver, who opens one start at a time",
    "session-message.tag.1": "another tag is session-message.tag.2",
    "padding.layout.1": "other paddings are padding.check.1",
    "padding.length.1": "other lengths are padding.check.1",
    "content.type.1": "an unknown type is never an error",
    "account.keys.1": computes,
    "device.keys.1": computes,
    "manifest.own.*": clock,
    "manifest.publish.*": clock,
    "manifest.revoke.*": clock,
    "manifest.lists.1": clock,
    "manifest.told.1": clock,
    "proof.keep.1": clock,
    "custody.*": custodies,
    "handover.*": custodies,
    "prekey.rotate.1": clock,
    "prekey.replenish.1": clock,
    "pqxdh.erase.1": provider,
    "ratchet.init.1": derives,
    "ratchet.init.2": derives,
    "ratchet.chain.1": derives,
    "ratchet.message-key.1": derives,
    "ratchet.fence.1": derives,
    "ratchet.header.3": derives,
    "ratchet.atomic.2": provider,
    "ratchet.pq.1": "says where something may come later",
    "sequence.window.3": clock,
    "sequence.reuse.1": "takes message ids of whole devices: the properties (P20) and tests of the client",
    "sequence.gap.1": "a report, not a refusal; numbers that were reported lost are sequence.window.1",
    "fence.*": decides,
    "failure.closed.1": "every refused case has a cause of the list",
    "failure.silent.1": "that nothing is sent: tests of the client",
    "session.archive.1": decides,
    "session.start.5": clock,
    "session.rank.1": decides,
    "session.cross.*": decides,
    "session.reset.1": decides,
    "session.retry.*": decides,
    "link.decide.2": "says what a device lists; lists with nothing in common are link.decide.1",
    "link.pin.3": "a proof of another PIN is no refusal but an attempt: link.attempt.1",
    "link.resume.*": clock,
    "link.revoke.1": decides,
    "state.commit.*": stores,
    "state.lease.*": stores,
    "state.once.1": clock,
    "state.outbox.*": clock
  }
}
