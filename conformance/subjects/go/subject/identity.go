package subject

import (
	"bytes"

	"tacit.example/conformance/subjects/go/tacit"
)

func init() {
	register(map[string]call{
		"certificate.verify": func(in Values) (any, error) {
			c, err := tacit.VerifyCertificate(in.bytes("bytes"))
			if err != nil {
				return nil, err
			}
			return object{"account": h(c.Account), "device": h(c.Device), "agreement": h(c.Agreement),
				"role": c.Role, "manifestVersion": c.ManifestVersion}, nil
		},
		"manifest.verify": func(in Values) (any, error) {
			var account []byte
			if in.has("account") {
				account = in.bytes("account")
			}
			m, err := tacit.VerifyManifest(in.bytes("bytes"), account)
			if err != nil {
				return nil, err
			}
			return manifestForm(m), nil
		},
		"proof.verify": func(in Values) (any, error) {
			p, err := tacit.VerifyForkProof(in.bytes("bytes"))
			if err != nil {
				return nil, err
			}
			return object{"account": h(p.First.Account), "first": h(p.First.Hash), "firstVersion": p.First.Version,
				"second": h(p.Second.Hash), "secondVersion": p.Second.Version, "contradiction": p.Contradiction}, nil
		},
		"bundle.check": func(in Values) (any, error) {
			b, err := tacit.CheckBundle(in.bytes("bytes"), in.bytes("account"))
			if err != nil {
				return nil, err
			}
			return bundleForm(b), nil
		},
		"bundle.belongs": func(in Values) (any, error) {
			b, err := tacit.CheckBundle(in.bytes("bytes"), in.bytes("account"))
			if err != nil {
				return nil, err
			}
			m, err := tacit.VerifyManifest(in.bytes("manifest"), in.bytes("account"))
			if err != nil {
				return nil, err
			}
			return object{}, b.Belongs(in.bytes("device"), m)
		},
	})
	for name, one := range map[string]step{"manifest.update": manifestUpdate, "manifest.admit": manifestAdmit} {
		steps[name] = one
	}
}

func manifestForm(m *tacit.Manifest) object {
	devices, revocations := []any{}, []any{}
	for _, d := range m.Devices {
		devices = append(devices, []any{h(d.ID), h(d.Agreement), d.Role, d.Added})
	}
	for _, r := range m.Revocations {
		revocations = append(revocations, []any{h(r.ID), r.Version})
	}
	return object{"account": h(m.Account), "version": m.Version, "previous": h(m.Previous), "issuedAt": m.IssuedAt,
		"devices": devices, "revocations": revocations, "hash": h(m.Hash)}
}

func bundleForm(b *tacit.Bundle) object {
	form := object{
		"device": h(b.Certificate.Device), "agreement": h(b.Certificate.Agreement), "mailbox": h(b.Mailbox),
		"signedPrekeyId": b.SignedID, "signedPrekey": h(b.Signed), "kemOneTime": b.KEMOneTime,
		"kemPrekeyId": b.KEMID, "kemPrekey": h(b.KEM), "oneTimePrekeyId": b.OneTimeID,
		"oneTimePrekey": h(b.OneTime), "suites": b.Suites,
	}
	return form
}

func manifestUpdate(p *party, in Values, _ uint64) (any, error) {
	account := in.bytes("account")
	newest, err := tacit.UpdateManifest(p.Manifests[h(account)], account, in.byteses("answer"))
	if err != nil {
		return nil, err
	}
	if p.Manifests == nil {
		p.Manifests = map[string]*tacit.Manifest{}
	}
	p.Manifests[h(account)] = newest
	devices, revoked := [][]byte{}, [][]byte{}
	for _, d := range newest.Devices {
		devices = append(devices, d.ID)
	}
	for _, r := range newest.Revocations {
		revoked = append(revoked, r.ID)
	}
	return object{"version": newest.Version, "hash": h(newest.Hash), "devices": hs(devices), "revoked": hs(revoked)}, nil
}

func manifestAdmit(p *party, in Values, _ uint64) (any, error) {
	c, err := tacit.VerifyCertificate(in.bytes("certificate"))
	if err != nil {
		return nil, err
	}
	if in.has("pinned") && !bytes.Equal(in.bytes("pinned"), c.Account) {
		return nil, tacit.Refuse("policy.identity-changed")
	}
	m := p.Manifests[h(c.Account)]
	if m == nil {
		return object{}, nil // a first contact: no manifest is known yet
	}
	return object{}, m.Admit(c)
}
