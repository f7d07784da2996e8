package tls

import "strings"

// HostName is the host of "host:port", "[::1]:port" or "host": the name that an
// upstream's certificate must have.
func HostName(text string) string {
	if strings.HasPrefix(text, "[") {
		if end := strings.IndexByte(text, ']'); end > 0 {
			return text[1:end]
		}
		return text
	}
	if at := strings.LastIndexByte(text, ':'); at >= 0 {
		return text[:at]
	}
	return text
}
