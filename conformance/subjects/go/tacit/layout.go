package tacit

// Layout says which values may stand where [section 2.5]. Its form in JSON is
// that of the vectors.
type Layout struct {
	Kind   string          `json:"kind"` // uint literal bytes text list optional tuple oneOf extensions
	Min    uint64          `json:"min"`
	Max    uint64          `json:"max"`
	Value  uint64          `json:"value"`
	Item   *Layout         `json:"item"`
	Fields []LayoutField   `json:"fields"`
	Tag    string          `json:"tag"`
	Cases  []LayoutCase    `json:"cases"`
	Known  []LayoutElement `json:"known"`
}

// LayoutField is a named field of a tuple.
type LayoutField struct {
	Name string  `json:"name"`
	Node *Layout `json:"node"`
}

// LayoutCase is one tuple of a union, told by its literal.
type LayoutCase struct {
	Value uint64  `json:"value"`
	Node  *Layout `json:"node"`
}

// LayoutElement is a known entry of an extension slot.
type LayoutElement struct {
	Name string  `json:"name"`
	Key  uint64  `json:"key"`
	Node *Layout `json:"node"`
}

// Record is a decoded tuple or union by the names of its fields. An extension
// slot is a Record of the known entries, and "unknown", a []Unknown.
type Record map[string]any

// Unknown is an ignorable extension, kept as its encoding [codec.ext.4].
type Unknown struct {
	Key   uint64
	Value []byte
}

// Uint, Bytes, Text, List and Record take a field of a layout that has it.
func (r Record) Uint(name string) uint64   { return r[name].(uint64) }
func (r Record) Bytes(name string) []byte  { return r[name].([]byte) }
func (r Record) Text(name string) string   { return r[name].(string) }
func (r Record) List(name string) []any    { return r[name].([]any) }
func (r Record) Record(name string) Record { return r[name].(Record) }

// Constructors of layouts.
func lUint(least, most uint64) *Layout  { return &Layout{Kind: "uint", Min: least, Max: most} }
func lLiteral(value uint64) *Layout     { return &Layout{Kind: "literal", Value: value} }
func lBytes(least, most uint64) *Layout { return &Layout{Kind: "bytes", Min: least, Max: most} }
func lText(least, most uint64) *Layout  { return &Layout{Kind: "text", Min: least, Max: most} }
func lList(least, most uint64, item *Layout) *Layout {
	return &Layout{Kind: "list", Min: least, Max: most, Item: item}
}
func lTuple(fields ...LayoutField) *Layout { return &Layout{Kind: "tuple", Fields: fields} }
func lExtensions(known ...LayoutElement) *Layout {
	return &Layout{Kind: "extensions", Known: known}
}

// Decode decodes by the layout. Refusals are of type Fault.
func (l *Layout) Decode(in []byte) (any, error) {
	if uint64(len(in)) > l.longest() {
		return nil, Fault("size")
	}
	d := &decoder{in: in}
	value, err := d.layout(l, 1)
	if err != nil {
		return nil, err
	}
	return value, d.end()
}

// Read decodes a tuple or union and answers causes of section 7.3.
func (l *Layout) Read(in []byte) (Record, error) {
	value, err := l.Decode(in)
	if err != nil {
		return nil, refusalOf(err)
	}
	return value.(Record), nil
}

func (d *decoder) layout(l *Layout, depth int) (any, error) {
	switch l.Kind {
	case "uint":
		return d.uint(l.Min, l.Max)
	case "literal":
		return d.uint(l.Value, l.Value)
	case "bytes":
		n, err := d.sized(kindBin, l)
		if err != nil {
			return nil, err
		}
		return d.content(n)
	case "text":
		n, err := d.sized(kindText, l)
		if err != nil {
			return nil, err
		}
		return d.text(n)
	case "list":
		return d.list(l.Item, l.Min, l.Max, depth)
	case "optional":
		return d.list(l.Item, 0, 1, depth)
	case "tuple":
		n, err := d.array(uint64(len(l.Fields)), uint64(len(l.Fields)), depth)
		if err != nil {
			return nil, err
		}
		return d.fields(l, n, depth)
	case "oneOf":
		return d.union(l, depth)
	case "extensions":
		return d.extensions(l, depth)
	}
	panic("tacit: layout of kind " + l.Kind)
}

func (d *decoder) sized(want kind, l *Layout) (uint64, error) {
	_, n, err := d.head(want)
	if err != nil {
		return 0, err
	}
	if n < l.Min || n > l.Max {
		return 0, Fault("size")
	}
	return n, nil
}

func (d *decoder) array(least, most uint64, depth int) (uint64, error) {
	_, n, err := d.head(kindArray)
	if err != nil {
		return 0, err
	}
	if n < least || n > most || n > MaxItems {
		return 0, Fault("count")
	}
	return n, d.nest(n, depth)
}

func (d *decoder) list(item *Layout, least, most uint64, depth int) (any, error) {
	n, err := d.array(least, most, depth)
	if err != nil {
		return nil, err
	}
	items := make([]any, n)
	for i := range items {
		if items[i], err = d.layout(item, depth+1); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (d *decoder) fields(l *Layout, n uint64, depth int) (any, error) {
	record := Record{}
	for _, field := range l.Fields {
		value, err := d.layout(field.Node, depth+1)
		if err != nil {
			return nil, err
		}
		record[field.Name] = value
	}
	return record, nil
}

// union reads the literal before it compares the number of items [codec.decode.2].
func (d *decoder) union(l *Layout, depth int) (any, error) {
	n, err := d.array(1, MaxItems, depth)
	if err != nil {
		return nil, err
	}
	start := d.at
	literal, err := d.uint(0, MaxUint)
	if err != nil {
		return nil, err
	}
	for _, one := range l.Cases {
		if one.Value != literal {
			continue
		}
		if n != uint64(len(one.Node.Fields)) {
			return nil, Fault("count")
		}
		d.at = start
		return d.fields(one.Node, n, depth)
	}
	return nil, Fault("value")
}

func (d *decoder) extensions(l *Layout, depth int) (any, error) {
	_, n, err := d.head(kindMap)
	if err != nil {
		return nil, err
	}
	if n > MaxExtensions {
		return nil, Fault("count")
	}
	if err := d.nest(2*n, depth); err != nil {
		return nil, err
	}
	record, unknown, before := Record{}, []Unknown{}, []Pair{}
entries:
	for range n {
		key, err := d.key(before)
		if err != nil {
			return nil, err
		}
		before = append(before, Pair{Key: key})
		for _, known := range l.Known {
			if known.Key == key {
				if record[known.Name], err = d.layout(known.Node, depth+1); err != nil {
					return nil, err
				}
				continue entries
			}
		}
		if key%2 == 0 {
			return nil, Fault("unknown-critical")
		}
		start := d.at
		if _, err := d.any(depth + 1); err != nil {
			return nil, err
		}
		if d.at-start > MaxUnknownExtension {
			return nil, Fault("size")
		}
		unknown = append(unknown, Unknown{key, Concat(d.in[start:d.at])})
	}
	record["unknown"] = unknown
	return record, nil
}

// longest is the longest encoding the layout allows [codec.bound.3].
func (l *Layout) longest() uint64 {
	switch l.Kind {
	case "uint":
		return uint64(len(appendUint(nil, min(l.Max, MaxUint))))
	case "literal":
		return uint64(len(appendUint(nil, l.Value)))
	case "bytes":
		return uint64(len(appendLength(nil, l.Max, 0, 0, 0xc4, 0xc5, 0xc6))) + l.Max
	case "text":
		return uint64(len(appendLength(nil, l.Max, 0xa0, 32, 0xd9, 0xda, 0xdb))) + l.Max
	case "list":
		return uint64(len(appendCount(nil, int(min(l.Max, MaxItems)), 0x90, 0xdc))) + l.Max*l.Item.longest()
	case "optional":
		return 1 + l.Item.longest()
	case "tuple":
		total := uint64(len(appendCount(nil, len(l.Fields), 0x90, 0xdc)))
		for _, field := range l.Fields {
			total += field.Node.longest()
		}
		return total
	case "oneOf":
		longest := uint64(0)
		for _, one := range l.Cases {
			longest = max(longest, one.Node.longest())
		}
		return longest
	case "extensions":
		total := uint64(3)
		for _, known := range l.Known {
			total += 9 + known.Node.longest()
		}
		return total + uint64(MaxExtensions-len(l.Known))*(9+MaxUnknownExtension)
	}
	panic("tacit: layout of kind " + l.Kind)
}
