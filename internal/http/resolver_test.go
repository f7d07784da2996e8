package http_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/httptest"
	"golang.org/x/net/dns/dnsmessage"
)

// lookupConf is a feature whose directive "resolve" answers with what the
// location's resolver says about the query's name.
type lookupConf struct{ on bool }

var lookupFeature = http.Feature[lookupConf]{
	Name: "lookup",
	Directives: conf.Table[lookupConf]{{Name: "resolve", In: conf.Location, Args: conf.NoArgs, Set: func(c *lookupConf, _ *conf.Directive) error {
		c.on = true
		return nil
	}}},
	Install: func(c *lookupConf, b *http.Builder) error {
		if c.on {
			b.Content(lookUp)
		}
		return nil
	},
}

func lookUp(r *http.Request) http.Result {
	addrs, err := r.LookupAddr(r.Args, false)
	if errors.Is(err, http.ErrClientGone) {
		return r.LostClient(false)
	}
	text := fmt.Sprint(addrs)
	if err != nil {
		text = err.Error()
	}
	r.Out.Headers.Add("X-Found", text)
	return 404
}

// serveNames answers every question about a name that begins with "a" with
// 192.0.2.1, is silent about "s", and knows no other.
func serveNames(t *testing.T) (addr string) {
	t.Helper()
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		room := make([]byte, 4096)
		for {
			n, from, err := u.ReadFrom(room)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(room[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response = true
			switch {
			case q.Name.Data[0] == 's':
				continue
			case q.Name.Data[0] != 'a':
				m.RCode = dnsmessage.RCodeNameError
			case q.Type == dnsmessage.TypeA:
				h := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}
				m.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}}}
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = u.WriteTo(packed, from)
			}
		}
	}()
	t.Cleanup(func() {
		_ = u.Close()
		<-done
	})
	return u.LocalAddr().String()
}

func startLookup(t *testing.T) *httptest.Server {
	t.Helper()
	return httptest.Start(t, append(features(), lookupFeature), httptest.Site{HTTP: `
		resolver_timeout 20s;
		server { listen {{addr}};
			location /none { resolve; }
			location /own { resolver ` + serveNames(t) + `; resolve;
				location /own/inner { resolve; }
				location /own/soon { resolver_timeout 20ms; resolve; } }
		}`})
}

func TestResolver(t *testing.T) {
	s := startLookup(t)
	for _, tt := range []struct{ target, want string }{
		{"/none?a.test", "no resolver defined"}, {"/none?192.0.2.7", "[192.0.2.7]"}, {"/own?a.test", "[192.0.2.1]"}, {"/own?A.test.", "[192.0.2.1]"},
		{"/own/inner?a.test", "[192.0.2.1]"}, {"/own?x.test", "x.test could not be resolved (3: Host not found)"},
		{"/own/soon?s.test", "s.test could not be resolved (110: Operation timed out)"},
	} {
		if got := httptest.Header(s.Get(tt.target), "X-Found"); got != tt.want {
			t.Errorf("%s: %q", tt.target, got)
		}
	}
	// The connection is as good as before.
	again := "GET /own?a%d.test HTTP/1.1\r\nHost: x\r\n\r\n"
	answers := s.Raw(fmt.Sprintf(again, 1) + fmt.Sprintf(again, 2) + httptest.Request("GET", "/own?a3.test"))
	if strings.Count(answers, "X-Found: [192.0.2.1]") != 3 {
		t.Error(answers)
	}
}

func TestResolverForgetsClient(t *testing.T) {
	s := startLookup(t)
	conn, err := net.Dial("tcp", s.Addr)
	if err == nil {
		_, err = conn.Write([]byte(httptest.Request("GET", "/own?s.test")))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	const want = "prematurely closed connection"
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(s.ReadFile("error.log"), want); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %q in %q", want, s.ReadFile("error.log"))
		}
	}
}
