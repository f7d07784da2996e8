package stream

import (
	"github.com/baton-project/baton/internal/variable"
)

// declareCore declares every variable of the core.
func declareCore(m *MainBuilder) error {
	if err := variable.DeclareConnection[*Session](m, m.env.Hostname, m.env.Version); err != nil {
		return err
	}
	for _, v := range []struct {
		name  string
		get   Getter
		flags variable.Flags
	}{
		{"server_name", variable.Text(func(s *Session) string { return s.server.name }), 0},
		{"protocol", variable.Text(func(s *Session) string { return s.listener.protocol() }), 0},
		{"bytes_sent", variable.Number((*Session).BytesSent), variable.Cacheable},
		{"bytes_received", variable.Number((*Session).BytesReceived), variable.Cacheable},
		{"session_time", variable.Text(func(s *Session) string { return variable.Seconds(s, s.Tick()-s.began) }), 0},
		{"status", status, 0},
	} {
		if err := m.Variable(v.name, v.get, v.flags); err != nil {
			return err
		}
	}
	return nil
}

// protocol is the name of what the listener's sockets speak.
func (l *Listener) protocol() string {
	if l.Spec.Address.Datagram() {
		return "UDP"
	}
	return "TCP"
}

// status has three digits.
func status(s *Session) (string, bool) {
	n := s.status
	return View(append(s.Scratch(3), byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))), true
}
