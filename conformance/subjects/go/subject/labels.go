package subject

import "tacit.example/conformance/subjects/go/tacit"

func init() {
	register(map[string]call{
		"label": func(in Values) (any, error) {
			return out(tacit.Label(in.text("purpose"), in.byteses("parts")...)), nil
		},
		"kdf.session-tag": func(in Values) (any, error) {
			return object{"tag": h(tacit.SessionTag(in.bytes("headerKey")))}, nil
		},
		"kdf.root-step": func(in Values) (any, error) {
			root, chain, header := tacit.RootStep(in.bytes("rootKey"), in.bytes("agreed"))
			return object{"rootKey": h(root), "chainKey": h(chain), "headerKey": h(header)}, nil
		},
		"kdf.chain-step": func(in Values) (any, error) {
			message, next := tacit.ChainStep(in.bytes("chainKey"))
			return object{"messageKey": h(message), "chainKey": h(next)}, nil
		},
		"kdf.message-key": func(in Values) (any, error) {
			key, nonce := tacit.MessageAEADKey(in.suite("suite"), in.bytes("messageKey"), in.bytes("nonce"))
			return object{"key": h(key), "nonce": h(nonce)}, nil
		},
		"kdf.header-key": func(in Values) (any, error) {
			return object{"key": h(tacit.HeaderAEADKey(in.suite("suite"), in.bytes("headerKey")))}, nil
		},
		"kdf.pqxdh": func(in Values) (any, error) {
			var dh4 []byte
			if in.has("dh4") {
				dh4 = in.bytes("dh4")
			}
			a := tacit.DeriveAgreed(in.suite("suite"), in.bytes("dh1"), in.bytes("dh2"), in.bytes("dh3"), dh4, in.bytes("encapsulated"))
			return object{"rootKey": h(a.Root), "initiatorHeader": h(a.InitiatorHeader), "responderHeader": h(a.ResponderHeader)}, nil
		},
		"kdf.transcript": transcript,
		"kdf.session-start": func(in Values) (any, error) {
			return object{"digest": h(tacit.StartDigest(in.bytes("account"), in.bytes("device"), in.bytes("ephemeral"), in.bytes("kemCiphertext")))}, nil
		},
		"kdf.direct-conversation": func(in Values) (any, error) {
			return object{"id": h(tacit.DirectConversation(in.bytes("a"), in.bytes("b")))}, nil
		},
		"kdf.envelope-digest": func(in Values) (any, error) {
			return object{"digest": h(tacit.EnvelopeDigest(in.bytes("body")))}, nil
		},
		"kdf.manifest-hash": func(in Values) (any, error) {
			return object{"hash": h(tacit.ManifestHash(in.bytes("body")))}, nil
		},
	})
}

func transcript(in Values) (any, error) {
	t := tacit.Transcript{
		Suite:              in.uint("suite"),
		InitiatorAccount:   in.bytes("initiatorAccount"),
		ResponderAccount:   in.bytes("responderAccount"),
		InitiatorDevice:    in.bytes("initiatorDevice"),
		ResponderDevice:    in.bytes("responderDevice"),
		InitiatorAgreement: in.bytes("initiatorAgreement"),
		ResponderAgreement: in.bytes("responderAgreement"),
		Ephemeral:          in.bytes("ephemeral"),
		SignedID:           in.uint("signedPrekeyId"),
		Signed:             in.bytes("signedPrekey"),
		OneTimeID:          in.uint("oneTimePrekeyId"),
		OneTime:            in.bytes("oneTimePrekey"),
		KEMID:              in.uint("kemPrekeyId"),
		KEM:                in.bytes("kemPrekey"),
		KEMCiphertext:      in.bytes("kemCiphertext"),
	}
	ad := t.AssociatedData()
	return object{"ad": h(ad), "sessionId": h(ad[:16])}, nil
}
