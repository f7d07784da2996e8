package gateway

import (
	"strconv"
	"strings"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/wire/h1"
)

// declareVariables declares "$upstream_*".
func declareVariables(m *http.MainBuilder) error {
	lists := []struct {
		name string
		one  func(dst []byte, s *State) []byte
	}{
		{"upstream_addr", func(dst []byte, s *State) []byte { return append(dst, s.Peer...) }},
		{"upstream_status", func(dst []byte, s *State) []byte {
			if s.Status == 0 {
				return append(dst, '-')
			}
			return strconv.AppendInt(dst, int64(s.Status), 10)
		}},
		{"upstream_connect_time", func(dst []byte, s *State) []byte { return appendTime(dst, s.ConnectTime) }},
		{"upstream_header_time", func(dst []byte, s *State) []byte { return appendTime(dst, s.HeaderTime) }},
		{"upstream_response_time", func(dst []byte, s *State) []byte { return appendTime(dst, s.ResponseTime) }},
		{"upstream_response_length", func(dst []byte, s *State) []byte { return strconv.AppendInt(dst, s.Length, 10) }},
		{"upstream_bytes_received", func(dst []byte, s *State) []byte { return strconv.AppendInt(dst, s.BytesReceived, 10) }},
		{"upstream_bytes_sent", func(dst []byte, s *State) []byte { return strconv.AppendInt(dst, s.BytesSent, 10) }},
	}
	for _, l := range lists {
		if err := m.Variable(l.name, listOf(l.one), 0); err != nil {
			return err
		}
	}
	if err := declareCacheVariables(m); err != nil {
		return err
	}
	m.PrefixVariable("upstream_http_", func(name string) http.Getter {
		return func(r *http.Request) (string, bool) { return lineNamed(r, name) }
	})
	m.PrefixVariable("upstream_trailer_", func(name string) http.Getter {
		return func(r *http.Request) (string, bool) { return trailerNamed(r, name) }
	})
	m.PrefixVariable("upstream_cookie_", func(name string) http.Getter {
		return func(r *http.Request) (string, bool) { return cookieNamed(r, name) }
	})
	return nil
}

// passed is the exchange of a request; nil when it was not passed on.
func passed(r *http.Request) *Exchange {
	x, _ := r.Passed().(*Exchange)
	return x
}

// listOf makes a getter that joins what one says of each attempt: ", " between
// two, " : " where an internal redirect lies between them.
func listOf(one func(dst []byte, s *State) []byte) http.Getter {
	return func(r *http.Request) (string, bool) {
		x := passed(r)
		if x == nil || len(x.States) == 0 {
			return "", false
		}
		size := 0
		for i := range x.States {
			size += len(x.States[i].Peer) + 24
		}
		dst := r.Scratch(size)
		for i := range x.States {
			s := &x.States[i]
			switch {
			case s.redirect:
				dst = append(dst, " : "...)
				continue
			case i > 0 && !x.States[i-1].redirect:
				dst = append(dst, ", "...)
			}
			dst = one(dst, s)
		}
		return http.View(dst), true
	}
}

// appendTime appends milliseconds as seconds: "0.012".
func appendTime(dst []byte, ms int64) []byte {
	if ms < 0 {
		return append(dst, '-')
	}
	dst = strconv.AppendInt(dst, ms/1000, 10)
	ms %= 1000
	return append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
}

// lineNamed joins the lines of the answer with a name, which is in lower case
// with underscores.
func lineNamed(r *http.Request, name string) (string, bool) {
	x := passed(r)
	if x == nil {
		return "", false
	}
	var values []string
	for i := range x.Answer.Lines {
		if line := &x.Answer.Lines[i]; line.Name != "" && h1.MatchName(line.Name, name) {
			values = append(values, line.Value)
		}
	}
	return joined(values)
}

func trailerNamed(r *http.Request, name string) (string, bool) {
	x := passed(r)
	if x == nil {
		return "", false
	}
	var values []string
	for _, t := range x.Answer.Trailers {
		if h1.MatchName(t.Name, name) {
			values = append(values, t.Value)
		}
	}
	return joined(values)
}

func joined(values []string) (string, bool) {
	switch len(values) {
	case 0:
		return "", false
	case 1:
		return values[0], true
	}
	return strings.Join(values, ", "), true
}

// cookieNamed is the value of a cookie that the upstream sets.
func cookieNamed(r *http.Request, name string) (string, bool) {
	x := passed(r)
	if x == nil {
		return "", false
	}
	for i := range x.Answer.Lines {
		line := &x.Answer.Lines[i]
		if line.ID != h1.AnswerSetCookie || len(line.Value) <= len(name) || !equalFold(line.Value[:len(name)], name) {
			continue
		}
		value, ok := strings.CutPrefix(strings.TrimLeft(line.Value[len(name):], " "), "=")
		if !ok {
			continue
		}
		value, _, _ = strings.Cut(strings.TrimLeft(value, " "), ";")
		return value, true
	}
	return "", false
}
