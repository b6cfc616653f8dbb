package tacit

import "bytes"

// Manifest is the signed list of an account's devices.
type Manifest struct {
	Account     []byte
	Version     uint64
	Previous    []byte // empty for version 1
	IssuedAt    uint64
	Devices     []ListedDevice
	Revocations []Revocation
	Hash        []byte
}

// ListedDevice is an entry of the list of devices.
type ListedDevice struct {
	ID, Agreement []byte
	Role, Added   uint64
}

// Revocation names a device that was removed, and in which version.
type Revocation struct {
	ID      []byte
	Version uint64
}

var (
	manifestLayout = lTuple(
		LayoutField{"body", lBytes(0, MaxManifest)},
		LayoutField{"signature", lBytes(64, 64)},
	)
	manifestBodyLayout = lTuple(
		LayoutField{"format", lLiteral(1)},
		LayoutField{"account", lBytes(32, 32)},
		LayoutField{"version", lUint(1, MaxUint)},
		LayoutField{"previous", lBytes(0, 32)},
		LayoutField{"issuedAt", lUint(0, MaxUint)},
		LayoutField{"devices", lList(0, MaxDevices, lTuple(
			LayoutField{"id", lBytes(32, 32)},
			LayoutField{"agreement", lBytes(32, 32)},
			LayoutField{"role", lUint(1, 3)},
			LayoutField{"added", lUint(1, MaxUint)},
		))},
		LayoutField{"revocations", lList(0, MaxRevocations, lTuple(
			LayoutField{"id", lBytes(32, 32)},
			LayoutField{"version", lUint(1, MaxUint)},
		))},
		LayoutField{"extensions", lExtensions()},
	)
)

// VerifyManifest decodes and checks one manifest; account is the one meant, nil
// for whatever it names. Checks come in the order of 4.3.
func VerifyManifest(in, account []byte) (*Manifest, error) {
	if len(in) > MaxManifest {
		return nil, Refuse("decode.size")
	}
	record, err := manifestLayout.Read(in)
	if err != nil {
		return nil, err
	}
	body := record.Bytes("body")
	fields, err := manifestBodyLayout.Read(body)
	if err != nil {
		return nil, err
	}
	m := &Manifest{
		Account:  fields.Bytes("account"),
		Version:  fields.Uint("version"),
		Previous: fields.Bytes("previous"),
		IssuedAt: fields.Uint("issuedAt"),
		Hash:     ManifestHash(body),
	}
	for _, entry := range fields.List("devices") {
		d := entry.(Record)
		m.Devices = append(m.Devices, ListedDevice{d.Bytes("id"), d.Bytes("agreement"), d.Uint("role"), d.Uint("added")})
	}
	for _, entry := range fields.List("revocations") {
		r := entry.(Record)
		m.Revocations = append(m.Revocations, Revocation{r.Bytes("id"), r.Uint("version")})
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	if account != nil && !bytes.Equal(account, m.Account) {
		return nil, Refuse("auth.account")
	}
	if !Ed25519Verify(m.Account, Label("device manifest", body), record.Bytes("signature")) {
		return nil, Refuse("auth.account")
	}
	return m, nil
}

// ManifestHash is what the next version carries as previous hash.
func ManifestHash(body []byte) []byte { return Hash(Label("manifest hash", body)) }

func (m *Manifest) check() error {
	if m.Version == 1 && len(m.Previous) != 0 || m.Version > 1 && len(m.Previous) != 32 {
		return Refuse("decode.value")
	}
	for i := 1; i < len(m.Devices); i++ {
		if bytes.Compare(m.Devices[i-1].ID, m.Devices[i].ID) >= 0 {
			return Refuse("decode.noncanonical")
		}
	}
	for i := 1; i < len(m.Revocations); i++ {
		if bytes.Compare(m.Revocations[i-1].ID, m.Revocations[i].ID) >= 0 {
			return Refuse("decode.noncanonical")
		}
	}
	for _, d := range m.Devices {
		if d.Added > m.Version || m.Revoked(d.ID) {
			return Refuse("decode.value")
		}
	}
	for _, r := range m.Revocations {
		if r.Version > m.Version {
			return Refuse("decode.value")
		}
	}
	return nil
}

// Sign encodes the manifest with the account's signature.
func (m *Manifest) Sign(accountSeed []byte) []byte {
	devices, revocations := []any{}, []any{}
	for _, d := range m.Devices {
		devices = append(devices, []any{d.ID, d.Agreement, d.Role, d.Added})
	}
	for _, r := range m.Revocations {
		revocations = append(revocations, []any{r.ID, r.Version})
	}
	body := Encode([]any{1, m.Account, m.Version, m.Previous, m.IssuedAt, devices, revocations, []Pair{}})
	return Encode([]any{body, Ed25519Sign(accountSeed, Label("device manifest", body))})
}

// Listed finds a device in the list.
func (m *Manifest) Listed(id []byte) *ListedDevice {
	for i := range m.Devices {
		if bytes.Equal(m.Devices[i].ID, id) {
			return &m.Devices[i]
		}
	}
	return nil
}

func (m *Manifest) revocation(id []byte) *Revocation {
	for i := range m.Revocations {
		if bytes.Equal(m.Revocations[i].ID, id) {
			return &m.Revocations[i]
		}
	}
	return nil
}

// Revoked tells whether the manifest revokes a device.
func (m *Manifest) Revoked(id []byte) bool { return m.revocation(id) != nil }

// follows checks that next is the version after m [manifest.update.1, .2].
func (m *Manifest) follows(next *Manifest) error {
	fork := Refuse("auth.fork")
	if !bytes.Equal(next.Previous, m.Hash) {
		return fork
	}
	for _, old := range m.Revocations {
		if kept := next.revocation(old.ID); kept == nil || kept.Version != old.Version {
			return fork
		}
	}
	for _, entry := range next.Revocations {
		if m.revocation(entry.ID) == nil && entry.Version != next.Version {
			return fork
		}
	}
	for _, old := range m.Devices {
		kept := next.Listed(old.ID)
		if kept == nil {
			if !next.Revoked(old.ID) {
				return fork
			}
			continue
		}
		if !bytes.Equal(kept.Agreement, old.Agreement) || kept.Added != old.Added {
			return fork
		}
	}
	for _, entry := range next.Devices {
		if m.Listed(entry.ID) == nil && entry.Added != next.Version {
			return fork
		}
	}
	return nil
}

// UpdateManifest takes a directory's answer, oldest first, to the manifest held
// (nil for none), and gives the newest. All or nothing [manifest.skip.1].
func UpdateManifest(held *Manifest, account []byte, answer [][]byte) (*Manifest, error) {
	newest, last := held, uint64(0)
	for _, raw := range answer {
		m, err := VerifyManifest(raw, account)
		if err != nil {
			return nil, err
		}
		last = m.Version
		switch {
		case newest == nil && m.Version == 1:
			newest = m
		case newest == nil || m.Version > newest.Version+1:
			return nil, Refuse("lookup.manifest-gap")
		case m.Version == newest.Version+1:
			if err := newest.follows(m); err != nil {
				return nil, err
			}
			newest = m
		case m.Version == newest.Version && !bytes.Equal(m.Hash, newest.Hash),
			m.Version+1 == newest.Version && !bytes.Equal(m.Hash, newest.Previous):
			return nil, Refuse("auth.fork")
		}
	}
	if newest == nil {
		return nil, Refuse("lookup.manifest-gap")
	}
	if len(answer) > 0 && last < newest.Version {
		return nil, Refuse("fresh.rollback")
	}
	return newest, nil
}

// Admit says whether a certificate's device belongs to the account, as far as
// its newest known manifest tells [manifest.device.1, .2].
func (m *Manifest) Admit(c *Certificate) error {
	if m.Revoked(c.Device) {
		return Refuse("policy.revoked-device")
	}
	if c.ManifestVersion > m.Version {
		return Refuse("lookup.manifest-gap")
	}
	listed := m.Listed(c.Device)
	if listed == nil || !bytes.Equal(listed.Agreement, c.Agreement) ||
		listed.Role != c.Role || listed.Added != c.ManifestVersion {
		return Refuse("policy.revoked-device")
	}
	return nil
}
