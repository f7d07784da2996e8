package stream

import (
	"fmt"
	"net/netip"

	"github.com/baton-project/baton/internal/log"
)

const initializing = " while initializing session"

// LogEnabled reports whether a line of that level would be written.
func (s *Session) LogEnabled(level log.Level) bool { return s.server.logger.Enabled(level) }

// Doing sets what lines of the error log say about the moment: " while ...".
func (s *Session) Doing(what string) { s.doing = what }

// Logf writes to the server's error log, with the connection's number before and
// nginx's context behind it.
func (s *Session) Logf(level log.Level, format string, args ...any) {
	if s.LogEnabled(level) {
		s.write(level, fmt.Appendf(nil, format, args...))
	}
}

// LogErr is Logf with nginx's form of a system error behind the text.
func (s *Session) LogErr(level log.Level, err error, format string, args ...any) {
	if s.LogEnabled(level) {
		line := fmt.Appendf(nil, format, args...)
		s.write(level, fmt.Appendf(line, " (%s)", log.ErrText(err)))
	}
}

// LogPlain is Logf without the context.
func (s *Session) LogPlain(level log.Level, format string, args ...any) {
	s.server.logger.Logf(level, s.number, format, args...)
}

func (s *Session) write(level log.Level, line []byte) {
	line = append(line, s.doing...)
	if s.dialogue != nil {
		line = append(line, ", udp client: "...)
	} else {
		line = append(line, ", client: "...)
	}
	line, _ = s.client.AppendText(line)
	line = append(append(line, ", server: "...), s.listener.Spec.Address.String()...)
	if s.passed != nil {
		line = s.passed.AppendLog(line)
	}
	s.server.logger.LogBytes(level, s.number, line)
}

// logConnected is the first line about a session.
func (s *Session) logConnected() {
	if !s.LogEnabled(log.Info) {
		return
	}
	from := s.peer.String()
	if !s.peer.IsUnix() {
		from = netip.AddrPortFrom(s.peer.Addr(), uint16(s.peer.Port())).String()
	}
	kind := ""
	if s.dialogue != nil {
		kind = "udp "
	}
	s.LogPlain(log.Info, "%sclient %s connected to %s", kind, from, s.listener.Spec.Address)
}
