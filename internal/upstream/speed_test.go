package upstream

import (
	"net/netip"
	"testing"
)

// BenchmarkSession is what the choice of a peer costs a request.
func BenchmarkSession(b *testing.B) {
	const body = "server 127.0.0.1:1 weight=5; server 127.0.0.1:2; server 127.0.0.1:3; server 127.0.0.1:4;"
	for _, method := range []string{"", "least_conn;", "ip_hash;", "hash k;", "hash k consistent;", "random two;"} {
		run := func(g *Group) func(b *testing.B) {
			return func(b *testing.B) {
				key := Key{Text: "/some/key", Client: netip.MustParseAddr("10.1.2.3")}
				var s Session
				b.ReportAllocs()
				for b.Loop() {
					g.Begin(&s, key)
					if _, err := s.Next(); err != nil {
						b.Fatal(err)
					}
					s.Free(Served)
				}
			}
		}
		b.Run(method, run(group(b, method+body, Env{})))
		zoned, _ := new(zones).worker(b, method+body, nil)
		b.Run(method+" zone", run(zoned))
	}
}
