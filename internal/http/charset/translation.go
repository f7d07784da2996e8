package charset

import (
	"strconv"
	"strings"

	"github.com/baton-project/baton/internal/conf"
)

// A translation is one charset_map: each way between a charset of single bytes
// and another one, or UTF-8. Names are in lower case.
type translation struct {
	from, to string
	isUTF8   bool // to is UTF-8: the unicode tables are in use, else the byte tables

	forward, back [256]byte

	encoded [256]string   // the bytes of UTF-8 that a byte becomes
	decoded map[rune]byte // the byte that a character becomes
}

const utf8Name = "utf-8"

func newTranslation(d *conf.Directive) (*translation, error) {
	t := &translation{from: strings.ToLower(d.Args[0]), to: strings.ToLower(d.Args[1])}
	switch {
	case t.from == t.to:
		return nil, d.Errorf(`"charset_map" between the same charsets "%s" and "%s"`, d.Args[0], d.Args[1])
	case t.from == utf8Name:
		return nil, d.Errorf(`"charset_map" with "utf-8" charset should be given in the second column`)
	}
	t.isUTF8 = t.to == utf8Name
	t.decoded = make(map[rune]byte)
	for i := range 256 {
		b := byte(i)
		if b >= 0x80 {
			b = '?'
		} else {
			t.decoded[rune(i)] = byte(i)
		}
		t.forward[i], t.back[i] = b, b
		t.encoded[i] = string(rune(b))
	}
	return t, nil
}

func (t *translation) joins(from, to string) bool { return t.from == from && t.to == to }

// addLine takes one line of the block: a byte and what it becomes, both in
// hexadecimal.
func (t *translation) addLine(d *conf.Directive) error {
	if len(d.Args) != 1 {
		return d.Errorf("invalid parameters number")
	}
	from, err := strconv.ParseUint(d.Name, 16, 8)
	if err != nil {
		return d.Errorf(`invalid value "%s"`, d.Name)
	}
	text := d.Args[0]
	if !t.isUTF8 {
		to, err := strconv.ParseUint(text, 16, 8)
		if err != nil {
			return d.Errorf(`invalid value "%s"`, text)
		}
		t.forward[from], t.back[to] = byte(to), byte(from)
		return nil
	}
	var encoded []byte
	for rest := text; rest != ""; rest = rest[2:] {
		if len(rest) < 2 {
			return d.Errorf(`invalid value "%s"`, text)
		}
		b, err := strconv.ParseUint(rest[:2], 16, 8)
		if err != nil {
			return d.Errorf(`invalid value "%s"`, text)
		}
		encoded = append(encoded, byte(b))
	}
	character, size, state := decode(encoded)
	if state != whole || size != len(encoded) || character > 0xffff {
		return d.Errorf(`invalid value "%s"`, text)
	}
	t.encoded[from] = string(encoded)
	t.decoded[character] = byte(from)
	return nil
}

// decodeState says what stands at the start of some bytes.
type decodeState uint8

const (
	whole   decodeState = iota // a character
	partial                    // the beginning of one
	invalid                    // what cannot begin one
)

// decode takes the first character off p, which is not empty, by nginx's rules: of
// a broken one as many bytes as it has looked at.
func decode(p []byte) (character rune, size int, state decodeState) {
	first := p[0]
	var more int
	var above rune // shorter forms are not allowed
	switch {
	case first < 0x80:
		return rune(first), 1, whole
	case first < 0xc2, first >= 0xf8:
		return 0, 1, invalid
	case first < 0xe0:
		character, more, above = rune(first&0x1f), 1, 0x7f
	case first < 0xf0:
		character, more, above = rune(first&0x0f), 2, 0x7ff
	default:
		character, more, above = rune(first&0x07), 3, 0xffff
	}
	if len(p) <= more {
		return 0, 0, partial
	}
	for i := 1; i <= more; i++ {
		if p[i] < 0x80 {
			return 0, i + 1, invalid
		}
		character = character<<6 | rune(p[i]&0x3f)
	}
	if character <= above || character > 0x10ffff {
		return 0, more + 1, invalid
	}
	return character, more + 1, whole
}
