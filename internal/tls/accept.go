package tls

import (
	std "crypto/tls"
	"slices"
	"time"

	"github.com/baton-project/baton/internal/poll"
)

// A handshake is one with a client that is going on.
type handshake struct {
	wire    *wire
	choose  func(hello *Info) (*Server, any)
	server  *Server // that was chosen
	subject any     // for the names of certificates
	config  *std.Config
	hello   Info
	session resumption
	scheme  std.SignatureScheme // that we have signed with
}

// Accept does the handshake with a client on a busy connection, which stays the
// caller's: ahead was read from it already, and is not kept. choose finds the
// server for what the client has said, which is in hello, and later the version that
// will be spoken; nothing else is. subject is what names of certificates with variables
// are computed for meanwhile. What it waits for must come within timeout. Errors are a
// *LoadError, those of [poll.Conn], io.EOF when the client has closed, or crypto/tls's.
func Accept(sock *poll.Conn, ahead []byte, timeout time.Duration, choose func(hello *Info) (s *Server, subject any)) (*Stream, error) {
	w := &wire{sock: sock, read: sock.Read, wantsSent: true, deadline: sock.Reactor().Tick() + max(timeout.Milliseconds(), 1)}
	w.buf = append(make([]byte, 0, 4<<10), ahead...)
	w.received = append(w.received, ahead[:min(len(ahead), helloRandom)]...)
	h := &handshake{wire: w, choose: choose}
	conn := std.Server(w, &std.Config{GetConfigForClient: h.configure})
	if err := conn.Handshake(); err != nil {
		return nil, cause(err)
	}
	scheme := h.clientScheme(conn) // takeOver forgets the secrets
	s, err := takeOver(conn, w, false, h.server.buffers)
	if err != nil {
		return nil, err
	}
	if n := h.server.options.RecordSize; n > 0 {
		s.SetRecordSize(n)
	}
	s.info.Suites, s.info.Curves, s.info.Schemes = h.hello.Suites, h.hello.Curves, h.hello.Schemes
	s.info.Scheme, s.info.PeerScheme, s.info.SessionID = h.scheme, scheme, h.session.id
	s.info.Trust = h.server.trust(s.info.Peer, sock.Reactor().Now())
	return s, nil
}

// configure is for crypto/tls, which knows what the client has said.
func (h *handshake) configure(hello *std.ClientHelloInfo) (*std.Config, error) {
	sock := h.wire.sock
	h.hello = Info{ServerName: hello.ServerName, Suites: hello.CipherSuites, Curves: hello.SupportedCurves, Schemes: hello.SignatureSchemes}
	h.server, h.subject = h.choose(&h.hello)
	if h.server == nil || h.server.options.Reject {
		_, _ = sock.Write(unrecognizedName) // the client is sent away in any case
		h.wire.fed = true
		return nil, errRejected
	}
	config := h.server.config.Clone()
	h.config = config
	config.KeyLogWriter = keyLog{h.wire}
	for _, version := range hello.SupportedVersions {
		if version <= config.MaxVersion {
			h.hello.Version = max(h.hello.Version, version)
		}
	}
	if h.server.options.Named != nil {
		config.GetCertificate = h.load
	} else {
		config.Certificates = h.certificates(slices.Contains(hello.Extensions, statusRequest))
	}
	h.resume()
	if config.ClientAuth != std.NoClientCert {
		h.wire.listen()
	}
	sock.Reactor().Yield()
	return config, nil
}

// statusRequest is the number of the extension by which a client asks for a staple.
const statusRequest = 5

// certificates are those of the server, with what their responders have said.
func (h *handshake) certificates(staple bool) []std.Certificate {
	made := slices.Clone(h.server.options.Certificates)
	for i := range made {
		made[i].PrivateKey = h.noting(made[i].PrivateKey)
		if staple && h.server.options.Staples != nil && h.server.options.Staples[i] != nil {
			made[i].OCSPStaple = h.server.options.Staples[i].Get(h.wire.sock.Reactor().Now())
		}
	}
	if len(made) > 1 && h.hello.Version == std.VersionTLS13 && !h.server.options.PreferServer {
		h.preferred(made)
	}
	return made
}

// preferred moves the certificate to the front that the client prefers: crypto/tls takes
// the first one that suits.
func (h *handshake) preferred(all []std.Certificate) {
	for _, scheme := range h.hello.Schemes {
		for i := range all {
			if signs(all[i].Leaf.PublicKey, scheme) {
				all[0], all[i] = all[i], all[0]
				return
			}
		}
	}
}

// load is for crypto/tls, where certificates have variables in their names: it wants
// the one that suits the client, the first one if none does.
func (h *handshake) load(hello *std.ClientHelloInfo) (*std.Certificate, error) {
	named := h.server.options.Named
	var chosen *std.Certificate
	for _, pair := range named.Pairs {
		made, err := named.Load(pair.Certificate(h.subject), pair.Key(h.subject), h.wire.sock.Reactor().Now())
		if err != nil {
			return nil, err
		}
		made.PrivateKey = h.noting(made.PrivateKey)
		suits := hello.SupportsCertificate(made) == nil
		if chosen == nil || suits {
			chosen = made
		}
		if suits {
			break
		}
	}
	return chosen, nil
}
