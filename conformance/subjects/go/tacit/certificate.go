package tacit

// Roles of devices [device.role.1].
const (
	RoleAdmin   = 1
	RoleMember  = 2
	RoleReplica = 3
)

// Certificate is the account key's word for one device's keys.
type Certificate struct {
	Account, Device, Agreement []byte // 32 bytes each
	Role                       uint64
	ManifestVersion            uint64
}

var certificateLayout = lTuple(
	LayoutField{"format", lLiteral(1)},
	LayoutField{"account", lBytes(32, 32)},
	LayoutField{"device", lBytes(32, 32)},
	LayoutField{"agreement", lBytes(32, 32)},
	LayoutField{"role", lUint(1, 3)},
	LayoutField{"manifestVersion", lUint(1, MaxUint)},
	LayoutField{"signature", lBytes(64, 64)},
)

// VerifyCertificate decodes and checks a certificate [certificate.check.1].
func VerifyCertificate(in []byte) (*Certificate, error) {
	record, err := certificateLayout.Read(in)
	if err != nil {
		return nil, err
	}
	c := &Certificate{
		Account:         record.Bytes("account"),
		Device:          record.Bytes("device"),
		Agreement:       record.Bytes("agreement"),
		Role:            record.Uint("role"),
		ManifestVersion: record.Uint("manifestVersion"),
	}
	body := Concat([]byte{0x96}, in[1:len(in)-66])
	signed := Label("device certificate", body)
	if !Ed25519Verify(c.Account, signed, record.Bytes("signature")) ||
		!StrictPoint(c.Device) || LowOrder(c.Agreement) {
		return nil, Refuse("auth.certificate")
	}
	return c, nil
}

// Sign encodes the certificate with the account's signature.
func (c *Certificate) Sign(accountSeed []byte) []byte {
	fields := []any{1, c.Account, c.Device, c.Agreement, c.Role, c.ManifestVersion}
	signature := Ed25519Sign(accountSeed, Label("device certificate", Encode(fields)))
	return Encode(append(fields, signature))
}
