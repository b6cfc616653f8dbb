package device

import "tacit.example/conformance/subjects/go/tacit"

// Publish makes prekeys: so many bundles with one-time prekeys of both kinds, and
// one with the last-resort KEM prekey alone. Signed prekey and last-resort prekey
// are renewed when they are 7 days old [prekey.rotate.1].
func (d *Device) Publish(count int) (bundles [][]byte, last []byte, err error) {
	err = d.silent(func() error {
		d.rotate()
		for range count {
			bundles = append(bundles, d.bundle(true))
		}
		last = d.bundle(false)
		return nil
	})
	return bundles, last, err
}

func (d *Device) rotate() {
	s, keys := d.state, &d.state.Endpoint.Prekeys
	renew := func(kind map[uint64]tacit.Secret, newest *uint64, label string, length int) {
		if current, ok := kind[*newest]; ok {
			if d.now < current.Created+tacit.SignedPrekeyLifetime {
				return
			}
			current.Retired = d.now
			kind[*newest] = current
		}
		*newest++
		kind[*newest] = tacit.Secret{Key: d.draw(label, length), Created: d.now}
	}
	renew(keys.Signed, &s.Signed, "prekey.signed", 32)
	renew(keys.KEMLast, &s.KEMLast, "kem.last", 64)
	d.dropRetired()
}

// dropRetired deletes prekeys 30 days after they were replaced, and the digests of
// starts with them [session.start.3].
func (d *Device) dropRetired() {
	keys := &d.state.Endpoint.Prekeys
	for _, kind := range []map[uint64]tacit.Secret{keys.Signed, keys.KEMLast} {
		for id, secret := range kind {
			if secret.Retired > 0 && d.now > secret.Retired+tacit.RetiredPrekeyKeep {
				delete(kind, id)
			}
		}
	}
	for digest, signed := range d.state.Endpoint.Seen {
		if _, ok := keys.Signed[signed]; !ok {
			delete(d.state.Endpoint.Seen, digest)
		}
	}
}

func (d *Device) bundle(oneTime bool) []byte {
	s, keys := d.state, &d.state.Endpoint.Prekeys
	sign := func(purpose string, id uint64, key []byte) []byte {
		return tacit.Ed25519Sign(s.SignSeed, tacit.PrekeySigned(purpose, id, key))
	}
	b := &tacit.Bundle{
		RawCertificate: s.Endpoint.Self.Certificate, Mailbox: s.Endpoint.Self.Mailbox,
		SignedID: s.Signed, Signed: tacit.X25519Public(keys.Signed[s.Signed].Key),
		KEMID: s.KEMLast, KEM: tacit.KEMPublic(keys.KEMLast[s.KEMLast].Key),
		Suites: ascending(s.Endpoint.Self.Suites),
	}
	purpose := tacit.PurposeLastKEM
	if oneTime {
		purpose = tacit.PurposeOneTimeKEM
		keys.LastOneTime++
		keys.LastKEMOneTime++
		b.OneTimeID, b.KEMID, b.KEMOneTime = keys.LastOneTime, keys.LastKEMOneTime, true
		once := tacit.Secret{Key: d.draw("prekey.once", 32), Created: d.now}
		kem := tacit.Secret{Key: d.draw("kem.once", 64), Created: d.now}
		keys.OneTime[b.OneTimeID], keys.KEMOneTime[b.KEMID] = once, kem
		b.OneTime, b.KEM = tacit.X25519Public(once.Key), tacit.KEMPublic(kem.Key)
	}
	b.SignedSignature = sign(tacit.PurposeSigned, b.SignedID, b.Signed)
	b.KEMSignature = sign(purpose, b.KEMID, b.KEM)
	return b.Encode()
}
