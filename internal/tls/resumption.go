package tls

import (
	"crypto/rand"
	"crypto/sha256"
	std "crypto/tls"
	"encoding/binary"
	"slices"
	"time"
)

// A resumption is what a handshake does about sessions.
type resumption struct {
	id    []byte // of the session, for logs
	since int64  // when the one was made that is resumed; Unix seconds
}

// A sessionContext is what servers have in common whose sessions can be resumed with
// each other.
type sessionContext [16]byte

func contextOf(o *ServerOptions) (c sessionContext) {
	sum := sha256.New()
	add := func(b []byte) {
		digest := sha256.Sum256(b)
		sum.Write(digest[:]) // it never fails
	}
	add([]byte(o.Context))
	for i := range o.Certificates {
		add(o.Certificates[i].Certificate[0])
	}
	if o.Named != nil {
		for _, pair := range o.Named.Pairs {
			add([]byte(pair.Text))
		}
	}
	for _, name := range o.Names {
		add(name.RawSubject)
	}
	copy(c[:], sum.Sum(nil))
	return c
}

// What a session of ours has in its Extra: the time when it was made, and the context.
const (
	markHead = "baton/1 "
	markSize = len(markHead) + 8 + len(sessionContext{})
)

// mark is what is kept with a session that was made at that time.
func (s *Server) mark(since int64) []byte {
	made := append(make([]byte, 0, markSize), markHead...)
	made = binary.BigEndian.AppendUint64(made, uint64(since))
	return append(made, s.context[:]...)
}

// since finds in our mark when the session was made; ok is false for one that is not to
// be resumed here.
func (s *Server) since(state *std.SessionState, now int64) (since int64, ok bool) {
	for _, mark := range state.Extra {
		if len(mark) != markSize || string(mark[:len(markHead)]) != markHead {
			continue
		}
		since = int64(binary.BigEndian.Uint64(mark[len(markHead):]))
		old := s.options.Timeout > 0 && now-since > int64(s.options.Timeout/time.Second)
		return since, !old && slices.Equal(mark[len(markHead)+8:], s.context[:])
	}
	return 0, false
}

// resume prepares config for the client's session and for a new one.
func (h *handshake) resume() {
	o := &h.server.options
	if o.Sessions == nil {
		keys := o.Tickets.Keys(h.now())
		if len(keys) == 0 {
			h.config.SessionTicketsDisabled = true
			return
		}
		h.config.SetSessionTicketKeys(keys)
	}
	h.config.WrapSession, h.config.UnwrapSession = h.wrap, h.unwrap
}

func (h *handshake) now() time.Time { return h.wire.sock.Reactor().Now() }

// unwrap is for crypto/tls: it finds the session of a ticket.
func (h *handshake) unwrap(identity []byte, conn std.ConnectionState) (*std.SessionState, error) {
	var state *std.SessionState
	id := identity
	if kept := h.server.options.Sessions; kept != nil {
		text := kept.Get(identity, h.now())
		if text == nil {
			return nil, nil
		}
		var err error
		if state, err = std.ParseSessionState(text); err != nil {
			return nil, nil // the client gets a new one
		}
	} else {
		var err error
		if state, err = h.config.DecryptTicket(identity, conn); err != nil || state == nil {
			return nil, nil // likewise
		}
		id = ticketID(identity)
	}
	since, ok := h.server.since(state, h.now().Unix())
	if !ok {
		return nil, nil
	}
	h.session = resumption{slices.Clone(id), since}
	return state, nil
}

// wrap is for crypto/tls: it makes the ticket of a session. Where sessions are kept
// here, a ticket has nothing but the name under which they are.
func (h *handshake) wrap(conn std.ConnectionState, state *std.SessionState) ([]byte, error) {
	o := &h.server.options
	since := h.now().Unix()
	if conn.DidResume && conn.Version < std.VersionTLS13 {
		if o.Sessions != nil {
			return h.session.id, nil // it is there still
		}
		since = h.session.since
	}
	state.Extra = append(state.Extra, h.server.mark(since))
	if o.Sessions == nil {
		ticket, err := h.config.EncryptTicket(conn, state)
		if err == nil {
			h.session.id = ticketID(ticket)
		}
		return ticket, err
	}
	text, err := state.Bytes()
	if err != nil {
		return nil, err
	}
	id := make([]byte, sessionID)
	_, _ = rand.Read(id) // it never fails
	o.Sessions.Put(id, text, h.now(), o.Timeout)
	h.session.id = id
	return id, nil
}

// ticketID is what logs call the session of a ticket.
func ticketID(ticket []byte) []byte {
	sum := sha256.Sum256(ticket)
	return sum[:]
}
