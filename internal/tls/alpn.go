package tls

// Offering is s with protocols that it agrees on by ALPN, the preferred ones first.
// A client that offers others is refused.
func (s *Server) Offering(protocols ...string) *Server {
	made := *s
	made.config = s.config.Clone()
	made.config.NextProtos = protocols
	return &made
}
