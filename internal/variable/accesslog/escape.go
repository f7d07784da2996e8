package accesslog

import "github.com/baton-project/baton/internal/wire/h1"

// escape is how the value of a variable becomes text of a log line.
type escape uint8

const (
	escapeDefault escape = iota // \xHH for ", \, control characters and bytes from 0x7f; "-" when there is no value
	escapeJSON                  // as within a JSON string; nothing when there is no value
	escapeNone                  // as it is; nothing when there is no value
)

// append writes value to dst.
func (e escape) append(dst []byte, value string) []byte {
	switch e {
	case escapeJSON:
		return h1.AppendJSON(dst, value)
	case escapeNone:
		return append(dst, value...)
	}
	return h1.AppendLog(dst, value)
}

// appendMissing writes to dst what stands for a variable without a value.
func (e escape) appendMissing(dst []byte) []byte {
	if e == escapeDefault {
		return append(dst, '-')
	}
	return dst
}
