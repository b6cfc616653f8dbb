package subject

type actor struct{ device interface{ Kept() any } }
type deviceOp func()

var deviceOps = map[string]deviceOp{}

func (s *Subject) onDevice(op deviceOp, r *Request) (any, error) { return nil, unsupportedOp(r.Op) }
