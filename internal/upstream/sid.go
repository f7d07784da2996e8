package upstream

import (
	"crypto/md5"
	"encoding/hex"
)

// sidOf is the name of a peer in a hint: its route, or the digest of its
// address.
func sidOf(s *Server, a Address) string {
	if s.Route != "" {
		return s.Route
	}
	sum := md5.Sum([]byte(a.Name))
	return hex.EncodeToString(sum[:])
}
