package tacit

import "bytes"

// ForkProof is two manifests of one account that cannot stand in one history.
type ForkProof struct {
	First, Second *Manifest
	Contradiction string
}

var forkProofLayout = lTuple(
	LayoutField{"format", lLiteral(1)},
	LayoutField{"first", lBytes(0, MaxManifest)},
	LayoutField{"second", lBytes(0, MaxManifest)},
)

// VerifyForkProof decodes and checks a fork proof, in the order of proof.check.1.
func VerifyForkProof(in []byte) (*ForkProof, error) {
	if len(in) > MaxForkProof {
		return nil, Refuse("decode.size")
	}
	record, err := forkProofLayout.Read(in)
	if err != nil {
		return nil, err
	}
	first, err := VerifyManifest(record.Bytes("first"), nil)
	if err != nil {
		return nil, err
	}
	second, err := VerifyManifest(record.Bytes("second"), nil)
	if err != nil {
		return nil, err
	}
	order := bytes.Compare(first.Hash, second.Hash)
	switch {
	case !bytes.Equal(first.Account, second.Account):
		return nil, Refuse("proof.accounts")
	case order == 0:
		return nil, Refuse("proof.same")
	case first.Version > second.Version, first.Version == second.Version && order > 0:
		return nil, Refuse("decode.noncanonical")
	}
	contradiction := first.contradicts(second)
	if contradiction == "" {
		return nil, Refuse("proof.consistent")
	}
	return &ForkProof{first, second, contradiction}, nil
}

// contradicts names what keeps a manifest from standing before a later one, the
// first row of proof.contradiction.1 that is so; "" for nothing.
func (m *Manifest) contradicts(later *Manifest) string {
	switch {
	case m.Version == later.Version:
		return "version"
	case m.Version+1 == later.Version && !bytes.Equal(later.Previous, m.Hash):
		return "previous"
	case m.revokesOtherwise(later):
		return "revocation"
	}
	changed := false
	for _, old := range m.Devices {
		kept := later.Listed(old.ID)
		if kept == nil && !later.Revoked(old.ID) {
			return "lost"
		}
		changed = changed || kept != nil && (!bytes.Equal(kept.Agreement, old.Agreement) || kept.Added != old.Added)
	}
	if changed {
		return "changed"
	}
	for _, entry := range later.Devices {
		if m.Listed(entry.ID) == nil && entry.Added <= m.Version {
			return "backdated"
		}
	}
	return ""
}

// revokesOtherwise tells whether the two differ about revocations up to m's version.
func (m *Manifest) revokesOtherwise(later *Manifest) bool {
	for _, old := range m.Revocations {
		if kept := later.revocation(old.ID); kept == nil || kept.Version != old.Version {
			return true
		}
	}
	for _, entry := range later.Revocations {
		if entry.Version <= m.Version && !m.Revoked(entry.ID) {
			return true
		}
	}
	return false
}
