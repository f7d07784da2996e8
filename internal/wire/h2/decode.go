package h2

import "fmt"

// tableSize is SETTINGS_HEADER_TABLE_SIZE as nobody has changed it.
const tableSize = 4096

// entryCost is what RFC 7541 counts for an entry besides its bytes.
const entryCost = 32

// A Field is a decoded header field: places in the memory that Next has appended
// to.
type Field struct {
	Name, NameEnd, Value, ValueEnd uint32
}

// A BlockError is a header block that cannot be decoded, in nginx's words. The
// connection cannot go on.
type BlockError struct {
	Code Code
	Text string
}

// Error returns the text.
func (e *BlockError) Error() string { return e.Text }

var (
	errBlockLength = &BlockError{FrameSizeError, "client sent header block with incorrect length"}
	errFieldLength = &BlockError{FrameSizeError, "client sent header field with incorrect length"}
	errLongIndex   = &BlockError{CompressionError, "client sent header block with too long header index value"}
	errLongUpdate  = &BlockError{CompressionError, "client sent header block with too long size update value"}
	errLongLength  = &BlockError{CompressionError, "client sent header field with too long length value"}
	errEncoding    = &BlockError{CompressionError, "client sent invalid encoded header field"}
	errNoName      = &BlockError{ProtocolError, "client sent zero header name length"}
	errLateUpdate  = &BlockError{CompressionError, "client sent size update inside a header block"}
	errTooLarge    = &BlockError{EnhanceYourCalm, "client sent too large header field"}
)

// An entry of the table: its bytes are name and value, one after the other.
type entry struct {
	at, name, value uint32 // offset in the table's bytes, and two lengths
}

// A Decoder decodes the header blocks of one connection. The zero value is ready.
type Decoder struct {
	entries []entry // the oldest first, from first on
	first   int
	data    []byte
	size    int  // as RFC 7541 counts
	lowered int  // by how much the peer has made the table smaller
	inside  bool // the block has begun
}

// Begin is called before each block.
func (d *Decoder) Begin() { d.inside = false }

// Next decodes one field from the front of block and appends it to dst, as
// "name: value\r\n". A string longer than limit is refused. It returns what is
// left of the block, which is not empty as long as there is another field; a
// field with no name means that the block ended without one.
func (d *Decoder) Next(dst, block []byte, limit int) (out, rest []byte, f Field, err error) {
	for len(block) > 0 {
		c := block[0]
		switch {
		case c&0x80 != 0: // indexed
			n, rest, ok := parseInt(block, 7)
			if !ok {
				return dst, nil, f, intError(n, errLongIndex)
			}
			d.inside = true
			dst, f, err = d.indexed(dst, n)
			return dst, rest, f, err
		case c&0xc0 == 0x40:
			return d.literal(dst, block, 6, limit)
		case c&0xe0 == 0x20:
			n, rest, ok := parseInt(block, 5)
			if !ok {
				return dst, nil, f, intError(n, errLongUpdate)
			}
			if d.inside {
				return dst, nil, f, errLateUpdate
			}
			if n > tableSize {
				return dst, nil, f, &BlockError{CompressionError, fmt.Sprintf("client sent invalid table size update: %d", n)}
			}
			d.lowered = tableSize - int(n)
			d.evict(0)
			block = rest
		default:
			return d.literal(dst, block, 4, limit)
		}
	}
	return dst, nil, f, nil
}

// intError tells a number that is too long from one that has not ended.
func intError(n uint64, long *BlockError) error {
	if n > maxInt {
		return long
	}
	return errBlockLength
}

// maxInt bounds numbers: as in nginx they have four bytes with their prefix.
const maxInt = 1<<21 - 1 + 127

// Hopeless reports whether a block that begins with part can only be wrong, because
// a number in it is too long. Strings are not looked into.
func Hopeless(part []byte) bool {
	for len(part) > 0 {
		bits := uint(4)
		switch c := part[0]; {
		case c&0x80 != 0:
			bits = 7
		case c&0xc0 == 0x40:
			bits = 6
		case c&0xe0 == 0x20:
			bits = 5
		}
		indexed := part[0]&0x80 != 0 || bits == 5
		n, rest, ok := parseInt(part, bits)
		if !ok {
			return n > maxInt
		}
		part = rest
		for strings := 2; !indexed && strings > 0; strings-- {
			if strings == 2 && n != 0 {
				continue // the name is in the table
			}
			if len(part) == 0 {
				return false
			}
			length, rest, ok := parseInt(part, 7)
			if !ok {
				return length > maxInt
			}
			part = rest[min(length, uint64(len(rest))):]
		}
	}
	return false
}

// parseInt reads a number with a prefix of so many bits. It is not ok when block
// ends before it, or, with an n above maxInt, when it is too long.
func parseInt(block []byte, bits uint) (n uint64, rest []byte, ok bool) {
	most := uint64(1)<<bits - 1
	n = uint64(block[0]) & most
	block = block[1:]
	if n < most {
		return n, block, true
	}
	for shift := uint(0); ; shift += 7 {
		if shift == 21 {
			return maxInt + 1, nil, false
		}
		if len(block) == 0 {
			return 0, nil, false
		}
		c := block[0]
		block = block[1:]
		n += uint64(c&127) << shift
		if c&128 == 0 {
			return n, block, true
		}
	}
}

// get finds an entry by its index.
func (d *Decoder) get(index uint64) (static *pair, e *entry, err error) {
	if index > 0 && index < uint64(len(staticTable)) {
		return &staticTable[index], nil, nil
	}
	i := int(index) - len(staticTable)
	if index == 0 || i >= len(d.entries)-d.first {
		return nil, nil, &BlockError{CompressionError, fmt.Sprintf("client sent invalid hpack table index %d", index)}
	}
	return nil, &d.entries[len(d.entries)-1-i], nil
}

func (d *Decoder) indexed(dst []byte, index uint64) ([]byte, Field, error) {
	static, e, err := d.get(index)
	if err != nil {
		return dst, Field{}, err
	}
	f := Field{Name: uint32(len(dst))}
	if static != nil {
		dst = append(dst, static.name...)
		f.NameEnd = uint32(len(dst))
		dst = append(dst, ": "...)
		f.Value = uint32(len(dst))
		dst = append(dst, static.value...)
	} else {
		bytes := d.data[e.at : e.at+e.name+e.value]
		dst = append(dst, bytes[:e.name]...)
		f.NameEnd = uint32(len(dst))
		dst = append(dst, ": "...)
		f.Value = uint32(len(dst))
		dst = append(dst, bytes[e.name:]...)
	}
	f.ValueEnd = uint32(len(dst))
	return append(dst, "\r\n"...), f, nil
}

// literal decodes a field whose value, and perhaps name, is written out; with a
// prefix of 6 bits it goes into the table.
func (d *Decoder) literal(dst, block []byte, bits uint, limit int) (out, rest []byte, f Field, err error) {
	d.inside = true
	n, block, ok := parseInt(block, bits)
	if !ok {
		return dst, nil, f, intError(n, errLongIndex)
	}
	f.Name = uint32(len(dst))
	if n == 0 {
		if dst, block, err = appendString(dst, block, limit); err != nil {
			return dst, nil, f, err
		}
		if len(dst) == int(f.Name) {
			return dst, nil, f, errNoName
		}
	} else {
		static, e, err := d.get(n)
		if err != nil {
			return dst, nil, f, err
		}
		if static != nil {
			dst = append(dst, static.name...)
		} else {
			dst = append(dst, d.data[e.at:e.at+e.name]...)
		}
	}
	f.NameEnd = uint32(len(dst))
	dst = append(dst, ": "...)
	f.Value = uint32(len(dst))
	if dst, block, err = appendString(dst, block, limit); err != nil {
		return dst, nil, f, err
	}
	f.ValueEnd = uint32(len(dst))
	if bits == 6 {
		d.add(dst[f.Name:f.NameEnd], dst[f.Value:f.ValueEnd])
	}
	return append(dst, "\r\n"...), block, f, nil
}

// appendString appends the string that block begins with.
func appendString(dst, block []byte, limit int) (out, rest []byte, err error) {
	if len(block) == 0 {
		return dst, nil, errBlockLength
	}
	huffman := block[0]&0x80 != 0
	n, block, ok := parseInt(block, 7)
	switch {
	case !ok && n > maxInt:
		return dst, nil, errLongLength
	case !ok:
		return dst, nil, errBlockLength
	case n > uint64(limit):
		return dst, nil, errTooLarge
	case n > uint64(len(block)):
		return dst, nil, errFieldLength
	}
	src := block[:n]
	if !huffman {
		return append(dst, src...), block[n:], nil
	}
	at := len(dst)
	dst, ok = appendHuffman(dst, src)
	switch {
	case !ok:
		return dst, nil, errEncoding
	case len(dst)-at > limit:
		return dst, nil, errTooLarge
	}
	return dst, block[n:], nil
}

// add puts a field into the table.
func (d *Decoder) add(name, value []byte) {
	cost := len(name) + len(value) + entryCost
	d.evict(cost)
	if cost > tableSize-d.lowered {
		return
	}
	if d.first > 0 && len(d.entries) == cap(d.entries) {
		n := copy(d.entries, d.entries[d.first:])
		d.entries, d.first = d.entries[:n], 0
	}
	if len(d.data)+len(name)+len(value) > cap(d.data) {
		d.compact()
	}
	d.entries = append(d.entries, entry{uint32(len(d.data)), uint32(len(name)), uint32(len(value))})
	d.data = append(append(d.data, name...), value...)
	d.size += cost
}

// compact moves the bytes of the entries to the front.
func (d *Decoder) compact() {
	if d.first == len(d.entries) {
		d.data = d.data[:0]
		return
	}
	off := d.entries[d.first].at
	d.data = d.data[:copy(d.data, d.data[off:])]
	for i := d.first; i < len(d.entries); i++ {
		d.entries[i].at -= off
	}
}

// evict drops the oldest entries until cost more fits, or none is left.
func (d *Decoder) evict(cost int) {
	for d.first < len(d.entries) && d.size+cost > tableSize-d.lowered {
		e := &d.entries[d.first]
		d.size -= int(e.name+e.value) + entryCost
		d.first++
	}
	if d.first == len(d.entries) {
		d.entries, d.first, d.data = d.entries[:0], 0, d.data[:0]
	}
}
