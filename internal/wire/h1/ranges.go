package h1

import (
	"math"
	"strings"
)

// A Range is bytes Start (included) to End (not included) of a body.
type Range struct{ Start, End int64 }

// A RangeVerdict says what to do about a Range header.
type RangeVerdict uint8

const (
	RangeIgnored       RangeVerdict = iota // send the whole body
	RangePartial                           // 206 with the ranges found
	RangeUnsatisfiable                     // 416
)

// UnlimitedRanges is max_ranges when the directive is not set.
const UnlimitedRanges = math.MaxInt32

// ParseRanges reads a Range header for a body of size bytes and appends the ranges
// found to dst. With more than max ranges the header is ignored, also when ranges
// overlap so much that together they are longer than the body.
func ParseRanges(dst []Range, value string, size int64, max int) ([]Range, RangeVerdict) {
	const unit = "bytes="
	if max == 0 || len(value) <= len(unit) || !EqualFold(value[:len(unit)], unit) {
		return dst, RangeIgnored
	}
	found := dst
	total := int64(0)
	rest := value[len(unit):]
	for {
		var r Range
		var ok bool
		if r, rest, ok = parseRange(rest, size); !ok {
			return dst, RangeUnsatisfiable
		}
		switch {
		case r.Start < r.End:
			if total > math.MaxInt64-(r.End-r.Start) {
				return dst, RangeUnsatisfiable
			}
			total += r.End - r.Start
			if len(found)-len(dst) == max {
				return dst, RangeIgnored
			}
			found = append(found, r)
		case r.Start == 0:
			return dst, RangeIgnored
		}
		if rest == "" {
			break
		}
		rest = rest[1:] // the comma
	}
	switch n := int64(len(found) - len(dst)); {
	case n == 0:
		return dst, RangeUnsatisfiable
	case n == 1:
		return found, RangePartial
	case total > size:
		return dst, RangeIgnored
	case max == UnlimitedRanges && total+n*256 > size+4096:
		return dst, RangeIgnored // the frame would cost more than the whole body
	}
	return found, RangePartial
}

// parseRange reads "a-b", "a-" or "-n" from the front of s, up to a comma or the
// end. The range is cut to size; an empty one is ok.
func parseRange(s string, size int64) (r Range, rest string, ok bool) {
	s = skipSpaces(s)
	if s != "" && s[0] == '-' { // the last n bytes
		n, s, ok := parseDigits(s[1:])
		if !ok || !atComma(s) {
			return r, s, false
		}
		if n < size {
			r.Start = size - n
		}
		r.End = size
		return r, skipSpaces(s), true
	}
	if r.Start, s, ok = parseDigits(s); !ok {
		return r, s, false
	}
	s = skipSpaces(s)
	if s == "" || s[0] != '-' {
		return r, s, false
	}
	s = skipSpaces(s[1:])
	r.End = size
	if atComma(s) {
		return r, s, true
	}
	last, s, ok := parseDigits(s)
	if !ok || !atComma(s) {
		return r, s, false
	}
	if last < size {
		r.End = last + 1
	}
	return r, skipSpaces(s), true
}

func skipSpaces(s string) string {
	for s != "" && s[0] == ' ' {
		s = s[1:]
	}
	return s
}

// atComma reports whether nothing but spaces stands before a comma or the end.
func atComma(s string) bool {
	s = skipSpaces(s)
	return s == "" || s[0] == ','
}

// parseDigits reads a number of at least one digit within 63 bits.
func parseDigits(s string) (n int64, rest string, ok bool) {
	i := 0
	for ; i < len(s) && isDigit(s[i]); i++ {
		digit := int64(s[i] - '0')
		if n > (math.MaxInt64-digit)/10 {
			return 0, s, false
		}
		n = n*10 + digit
	}
	return n, s[i:], i > 0
}

// IfRange reports whether an If-Range header lets the Range header count. etag is ""
// when the response has none, lastModified is NoTime when it has none.
func IfRange(value, etag string, lastModified int64) bool {
	if len(value) >= 2 && value[len(value)-1] == '"' {
		return etag != "" && value == etag
	}
	if lastModified == NoTime {
		return false
	}
	unix, _ := ParseDate(value)
	return unix == lastModified
}

// AppendContentRange appends "bytes 0-99/200", the value of Content-Range.
func AppendContentRange(dst []byte, r Range, size int64) []byte {
	return appendRange(append(dst, "bytes "...), r, size)
}

// appendRange appends "0-99/200".
func appendRange(dst []byte, r Range, size int64) []byte {
	dst = append(AppendInt(dst, r.Start), '-')
	dst = append(AppendInt(dst, r.End-1), '/')
	return AppendInt(dst, size)
}

// ParseContentRange reads "bytes 0-99/200", the value of Content-Range. size is -1 for
// "*".
func ParseContentRange(value string) (r Range, size int64, ok bool) {
	s, ok := strings.CutPrefix(value, "bytes ")
	if !ok {
		return r, 0, false
	}
	if r.Start, s, ok = parseDigits(skipSpaces(s)); !ok {
		return r, 0, false
	}
	if s, ok = strings.CutPrefix(skipSpaces(s), "-"); !ok {
		return r, 0, false
	}
	last, s, ok := parseDigits(skipSpaces(s))
	if !ok || last == math.MaxInt64 {
		return r, 0, false
	}
	r.End = last + 1
	if s, ok = strings.CutPrefix(skipSpaces(s), "/"); !ok {
		return r, 0, false
	}
	if s = skipSpaces(s); strings.HasPrefix(s, "*") {
		return r, -1, skipSpaces(s[1:]) == ""
	}
	size, s, ok = parseDigits(s)
	return r, size, ok && skipSpaces(s) == ""
}

// AppendUnsatisfied appends "bytes */200", the value of Content-Range with a 416.
func AppendUnsatisfied(dst []byte, size int64) []byte {
	return AppendInt(append(dst, "bytes */"...), size)
}

// Multipart writes the frame of a multipart/byteranges body.
type Multipart struct {
	Boundary    uint64 // any number unlikely to be in the body; nginx counts up
	ContentType string // of each part, with charset; "" for none
	Size        int64  // of the whole body
}

// AppendType appends the response's Content-Type.
func (m *Multipart) AppendType(dst []byte) []byte {
	return m.appendBoundary(append(dst, "multipart/byteranges; boundary="...))
}

// appendBoundary appends the boundary's 20 digits.
func (m *Multipart) appendBoundary(dst []byte) []byte {
	for pad := uint64(1e19); pad > m.Boundary && pad > 1; pad /= 10 {
		dst = append(dst, '0')
	}
	if m.Boundary > math.MaxInt64 {
		dst = AppendInt(dst, int64(m.Boundary/10))
		return append(dst, byte('0'+m.Boundary%10))
	}
	return AppendInt(dst, int64(m.Boundary))
}

// AppendPart appends what stands before the bytes of r.
func (m *Multipart) AppendPart(dst []byte, r Range) []byte {
	dst = m.appendBoundary(append(dst, "\r\n--"...))
	if m.ContentType != "" {
		dst = append(dst, "\r\nContent-Type: "...)
		dst = append(dst, m.ContentType...)
	}
	dst = append(dst, "\r\nContent-Range: bytes "...)
	return append(appendRange(dst, r, m.Size), "\r\n\r\n"...)
}

// AppendEnd appends what stands after the last part.
func (m *Multipart) AppendEnd(dst []byte) []byte {
	return append(m.appendBoundary(append(dst, "\r\n--"...)), "--\r\n"...)
}

// Length is the Content-Length of a body with these ranges.
func (m *Multipart) Length(ranges []Range) int64 {
	const boundary = int64(len("\r\n--") + 20)
	n := boundary + int64(len("--\r\n"))
	head := boundary + int64(len("\r\nContent-Range: bytes -/\r\n\r\n")) + digits(m.Size)
	if m.ContentType != "" {
		head += int64(len("\r\nContent-Type: ") + len(m.ContentType))
	}
	for _, r := range ranges {
		n += head + digits(r.Start) + digits(r.End-1) + r.End - r.Start
	}
	return n
}

// digits is how many digits n has.
func digits(n int64) int64 {
	count := int64(1)
	for ; n >= 10; n /= 10 {
		count++
	}
	return count
}
