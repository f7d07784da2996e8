package tls

import (
	std "crypto/tls"
	"slices"

	"github.com/baton-project/baton/internal/tls/record"
)

// takeOver makes the stream of a connection whose handshake is done. Where package
// record does not know the suite, crypto/tls goes on.
func takeOver(conn *std.Conn, w *wire, client bool, b *Buffers) (*Stream, error) {
	state := conn.ConnectionState()
	s := &Stream{sock: w.sock, buffers: b, size: record.MaxPlain, info: newInfo(&state)}
	w.deadline = 0
	read, write, ok := w.keys(&state, client)
	if ok {
		s.r.Client = client
		if err := s.r.Import(state.Version, state.CipherSuite, read); err != nil {
			return nil, err
		}
		if err := s.w.Import(state.Version, state.CipherSuite, write); err != nil {
			return nil, err
		}
		s.w.Reader = &s.r
		s.keep(w.unread())
		if client && state.Version == std.VersionTLS13 {
			s.tickets, s.wire = conn, w
			w.fed, w.buf, w.at = true, nil, 0
		}
	} else {
		s.std, s.wire = conn, w
	}
	clear(w.log)
	w.log, w.resumed, w.sent, w.received, w.heard = nil, nil, nil, nil, nil
	return s, nil
}

// keys finds the keys of both directions. ok is false when they cannot be had.
func (w *wire) keys(state *std.ConnectionState, client bool) (read, write record.Keys, ok bool) {
	if !record.Supported(state.Version, state.CipherSuite) || w.left != 0 {
		return read, write, false
	}
	var ofClient, ofServer record.Keys
	if state.Version == std.VersionTLS13 {
		ofClient.Secret = w.secret("CLIENT_TRAFFIC_SECRET_0")
		ofServer.Secret = w.secret("SERVER_TRAFFIC_SECRET_0")
		ok = ofClient.Secret != nil && ofServer.Secret != nil
		if ok && !client {
			ofServer.Seq, ok = w.sentWith(state, ofServer)
		}
	} else {
		mine, theirs := w.received, w.sent // the client's hello, the server's
		if client {
			mine, theirs = w.sent, w.received
		}
		if master := w.masterSecret(); master != nil && isHello(mine, 1) && isHello(theirs, 2) {
			var err error
			ofClient, ofServer, err = record.KeyBlock12(state.CipherSuite, master, mine[helloRandom-32:helloRandom], theirs[helloRandom-32:helloRandom])
			ok = err == nil
		}
		ofClient.Seq, ofServer.Seq = 1, 1
	}
	if client {
		return ofServer, ofClient, ok
	}
	return ofClient, ofServer, ok
}

// masterSecret is that of a TLS 1.2 handshake. A client that resumes a session
// does not write it to the key log.
func (w *wire) masterSecret() []byte {
	if secret := w.secret("CLIENT_RANDOM"); secret != nil {
		return secret
	}
	return w.resumed
}

// isHello reports whether b begins with a hello of that type.
func isHello(b []byte, kind byte) bool {
	return len(b) >= helloRandom && b[0] == 22 && b[5] == kind
}

// sentWith counts the records that were sent with the keys of the application:
// those that these keys open.
func (w *wire) sentWith(state *std.ConnectionState, keys record.Keys) (seq uint64, ok bool) {
	opener := record.Reader{Client: true}
	if opener.Import(state.Version, state.CipherSuite, keys.Clone()) != nil {
		return 0, false
	}
	for sent := w.sent; len(sent) > 0; {
		n := record.Need(sent)
		if n > len(sent) {
			return 0, false
		}
		if sent[0] == 23 {
			if _, _, _, err := opener.Next(slices.Clone(sent[:n])); err == nil {
				seq++
			}
		}
		sent = sent[n:]
	}
	return seq, true
}
