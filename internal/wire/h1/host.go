package h1

// hostBytes marks what may stand in a host besides letters, digits and '.':
// unreserved characters and sub-delimiters of RFC 3986.
var hostBytes = func() (t [256]bool) {
	for c := range t {
		t[c] = isAlpha(byte(c)) || isDigit(byte(c))
	}
	for _, c := range "-._~!$&'()*+,;=" {
		t[c] = true
	}
	return t
}()

func hostByte(c byte) bool { return hostBytes[c] }

// ValidHost checks a Host header or authority: host (without port and trailing
// dot, letters as sent; the front of s) and port (0: none).
func ValidHost(s string) (host string, port uint16, ok bool) {
	end := 0 // of the host
	literal := s != "" && s[0] == '['
	if literal {
		for end = 1; end < len(s) && s[end] != ']'; end++ {
			if c := s[end]; c != ':' && !hostBytes[c] || c == '.' && s[end-1] == '.' {
				return "", 0, false
			}
		}
		if end == len(s) {
			return "", 0, false
		}
		end++
	} else {
		for ; end < len(s) && s[end] != ':'; end++ {
			c := s[end]
			if !hostBytes[c] && c != '%' || c == '.' && end > 0 && s[end-1] == '.' {
				return "", 0, false
			}
		}
	}
	if end < len(s) {
		if port, ok = parsePort(s[end:]); !ok {
			return "", 0, false
		}
	}
	if end > 0 && s[end-1] == '.' {
		end--
	}
	return s[:end], port, end > 0
}

// parsePort reads ":80"; the number may be missing.
func parsePort(s string) (uint16, bool) {
	if s[0] != ':' {
		return 0, false
	}
	n := 0
	for i := 1; i < len(s); i++ {
		if !isDigit(s[i]) {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
		if n > 65535 {
			return 0, false
		}
	}
	return uint16(n), true
}
