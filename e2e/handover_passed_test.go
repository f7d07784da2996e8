package e2e_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/baton-project/baton/e2e"
)

// Sessions that began with a header of the PROXY protocol, or were passed on from
// another socket, are in the next worker what they were, to their line in the log.
func TestHandoverOfPassedSessions(t *testing.T) {
	e2e.OnlyBaton(t, "nginx keeps the worker")
	for name, event := range events {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, plain, _ := startLayerFour(t, `
				daemon on; worker_processes 2;
				stream {
					log_format s "$server_port $remote_addr <$proxy_protocol_addr> $status $bytes_received $bytes_sent";
					access_log stream.log s;
					set_real_ip_from 127.0.0.1;
					server { listen {{said}} proxy_protocol; proxy_pass PLAIN; }
					server { listen {{door}}; pass {{inner}}; }
					server { listen {{gate}} proxy_protocol; pass {{inner}}; }
					server { listen {{inner}}; proxy_pass PLAIN; }
				}`)
			port := func(name string) string {
				_, address := b.Address(name)
				_, port, _ := net.SplitHostPort(address)
				return port
			}
			want := make(map[string]bool)
			var all []*sequence
			for _, c := range []struct{ name, at, who, said string }{
				{"said", "said", "192.0.2.7", "192.0.2.7"}, {"door", "inner", "127.0.0.1", "-"}, {"gate", "inner", "192.0.2.8", "192.0.2.8"},
			} {
				conn := dialStream(t, b, c.name)
				if c.said != "-" {
					if _, err := io.WriteString(conn, "PROXY TCP4 "+c.said+" 192.0.2.1 1000 80\r\n"); err != nil {
						t.Fatal(err)
					}
				}
				s := startSequence(conn)
				all = append(all, s)
				want[fmt.Sprintf("%s %s <%s> 200", port(c.at), c.who, c.said)] = true
			}
			progress(t, all)
			for range 2 {
				old := b.Workers()
				event(b)
				b.WaitGone(old, goneBound)
				progress(t, all)
			}
			finish(t, all)
			if n := plain.accepted.Load(); n != int64(len(all)) {
				t.Errorf("%d sessions became %d connections to the upstream", len(all), n)
			}
			for _, s := range all {
				s.conn.Close()
			}
			if !e2e.Eventually(goneBound, func() bool { return strings.Count(b.Read("stream.log"), "\n") == len(all) }) {
				t.Fatalf("access log:\n%s", b.Read("stream.log"))
			}
			for line := range strings.Lines(b.Read("stream.log")) {
				fields := strings.Fields(line)
				if len(fields) != 6 || fields[4] != fields[5] || !want[strings.Join(fields[:4], " ")] {
					t.Errorf("access log: %q, want one of %v", line, want)
				}
				delete(want, strings.Join(fields[:4], " "))
			}
		})
	}
}
