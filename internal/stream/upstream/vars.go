package upstream

import (
	"strconv"

	"github.com/baton-project/baton/internal/stream"
	"github.com/baton-project/baton/internal/variable"
)

// A State is one try to reach a server. Times are in milliseconds, -1 when
// unknown.
type State struct {
	Peer          string `cbor:"1,keyasint"`
	ConnectTime   int64  `cbor:"2,keyasint"`
	FirstByteTime int64  `cbor:"3,keyasint"`
	SessionTime   int64  `cbor:"4,keyasint"`
	BytesSent     int64  `cbor:"5,keyasint"`
	BytesReceived int64  `cbor:"6,keyasint"`
}

// A Reporter is a [stream.Passed] that knows its tries.
type Reporter interface{ States() []State }

func declareVariables(m *stream.MainBuilder) error {
	for _, v := range []struct {
		name   string
		append func(dst []byte, s *State) []byte
	}{
		{"upstream_addr", func(dst []byte, s *State) []byte { return append(dst, s.Peer...) }},
		{"upstream_bytes_sent", func(dst []byte, s *State) []byte { return strconv.AppendInt(dst, s.BytesSent, 10) }},
		{"upstream_bytes_received", func(dst []byte, s *State) []byte { return strconv.AppendInt(dst, s.BytesReceived, 10) }},
		{"upstream_connect_time", func(dst []byte, s *State) []byte { return appendTime(dst, s.ConnectTime) }},
		{"upstream_first_byte_time", func(dst []byte, s *State) []byte { return appendTime(dst, s.FirstByteTime) }},
		{"upstream_session_time", func(dst []byte, s *State) []byte { return appendTime(dst, s.SessionTime) }},
	} {
		if err := m.Variable(v.name, listed(v.append), 0); err != nil {
			return err
		}
	}
	return nil
}

// listed makes the getter of something that each try has.
func listed(add func(dst []byte, s *State) []byte) stream.Getter {
	return func(s *stream.Session) (string, bool) {
		r, ok := s.Passed().(Reporter)
		if !ok {
			return "", false
		}
		states := r.States()
		if len(states) == 0 {
			return "", false
		}
		dst := s.Scratch(0)
		for i := range states {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = add(dst, &states[i])
		}
		return stream.View(dst), true
	}
}

func appendTime(dst []byte, ms int64) []byte {
	if ms < 0 {
		return append(dst, '-')
	}
	return variable.AppendSeconds(dst, ms)
}
