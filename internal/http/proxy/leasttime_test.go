package proxy_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// The upstream that answers sooner is preferred, by the head or the last byte.
func TestLeastTime(t *testing.T) {
	body := len(hello) - len("hello")
	for _, c := range []struct {
		metric string
		until  int // what the first upstream sends at once
	}{{"header", 0}, {"header inflight", 0}, {"last_byte", body}, {"last_byte inflight", body}} {
		t.Run(c.metric, func(t *testing.T) {
			t.Parallel()
			late := serve(t, func(w net.Conn, _ string) bool {
				_, _ = io.WriteString(w, hello[:c.until])
				time.Sleep(1500 * time.Millisecond) // what is measured
				_, err := io.WriteString(w, hello[c.until:])
				return err == nil
			})
			soon := serve(t, say(hello, true))
			s := start(t, `upstream u { least_time `+c.metric+`; server {{b0}}; server {{b1}}; }
				server { listen {{addr}}; location / { proxy_pass http://u; } }`, late, soon)
			for range 4 {
				if answer := s.Get("/"); !strings.HasSuffix(answer, "hello") {
					t.Fatalf("%q", answer)
				}
			}
			if _, n := late.counts(); n != 1 {
				t.Errorf("the one that takes its time got %d requests of 4", n)
			}
		})
	}
}
