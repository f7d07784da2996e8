// Package memcache is the text protocol of memcached, as far as it is needed to get
// one value, in the way of nginx. There is no socket in sight.
//
// The protocol: https://github.com/memcached/memcached/blob/master/doc/protocol.txt
package memcache

import (
	"bytes"
	"fmt"
	"strconv"
)

// AppendGet appends the request for the value of key. What would end the key is
// escaped as in a URI. The key as it was sent is dst[start:end].
func AppendGet(dst []byte, key string) (_ []byte, start, end int) {
	const hex = "0123456789ABCDEF"
	dst = append(dst, "get "...)
	start = len(dst)
	for i := range len(key) {
		if c := key[i]; c <= ' ' || c == '%' {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	end = len(dst)
	return append(dst, "\r\n"...), start, end
}

// Trailer is what follows a value.
const Trailer = "\r\nEND\r\n"

// A Reply is the line that memcached answers with.
type Reply struct {
	Found  bool
	Flags  int64 // 0 unless they were asked for
	Length int64 // of the value
}

// ParseReply reads the line up to the line feed. n is its size, 0 when it is not
// complete. key is what was asked for, as it was sent. Flags are only looked at
// when withFlags is true. Errors are nginx's sentences.
func ParseReply(buf, key []byte, withFlags bool) (r Reply, n int, err error) {
	end := bytes.IndexByte(buf, '\n')
	if end < 0 {
		return Reply{}, 0, nil
	}
	line, ok := bytes.CutSuffix(buf[:end], []byte{'\r'})
	if !ok {
		return Reply{}, 0, fmt.Errorf(`memcached sent invalid response: "%s"`, buf[:end])
	}
	if string(line) == "END" {
		return Reply{}, end + 1, nil
	}
	rest, ok := bytes.CutPrefix(line, []byte("VALUE "))
	if !ok {
		return Reply{}, 0, fmt.Errorf(`memcached sent invalid response: "%s"`, line)
	}
	if rest, ok = bytes.CutPrefix(rest, key); !ok {
		return Reply{}, 0, fmt.Errorf(`memcached sent invalid key in response "%s" for key "%s"`, line, key)
	}
	rest, ok = bytes.CutPrefix(rest, []byte{' '})
	flags, length, hasLength := bytes.Cut(rest, []byte{' '})
	if !ok || !hasLength {
		return Reply{}, 0, fmt.Errorf(`memcached sent invalid response: "%s"`, line)
	}
	if withFlags {
		if r.Flags, ok = number(flags); !ok {
			return Reply{}, 0, fmt.Errorf(`memcached sent invalid flags in response "%s" for key "%s"`, line, key)
		}
	}
	if r.Length, ok = number(length); !ok {
		return Reply{}, 0, fmt.Errorf(`memcached sent invalid length in response "%s" for key "%s"`, line, key)
	}
	r.Found = true
	return r, end + 1, nil
}

// number reads decimal digits and nothing else.
func number(p []byte) (int64, bool) {
	if len(p) == 0 || len(p) > 19 || p[0] < '0' || p[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(string(p), 10, 64)
	return n, err == nil
}
