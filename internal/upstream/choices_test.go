package upstream

import (
	"encoding/json"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// testdata/choices.json is what nginx 1.31.5 with one worker has chosen, try by
// try. Nobody listens on port 18199.
func TestChoicesAreNginxs(t *testing.T) {
	text, err := os.ReadFile("testdata/choices.json")
	if err != nil {
		t.Fatal(err)
	}
	var groups []struct {
		Name    string
		Servers []string
		Tries   []struct{ Key, Client, Addrs string }
	}
	if err := json.Unmarshal(text, &groups); err != nil {
		t.Fatal(err)
	}
	for _, vector := range groups {
		t.Run(vector.Name, func(t *testing.T) {
			var body strings.Builder
			for _, s := range vector.Servers {
				switch word, _, _ := strings.Cut(s, " "); word {
				case "hash", "ip_hash", "least_conn":
				default:
					s = "server " + s
				}
				body.WriteString(s + ";")
			}
			g := group(t, body.String(), Env{Now: newClock().now})
			for i, try := range vector.Tries {
				key := Key{Text: try.Key, Client: netip.MustParseAddr("127.0.0.1")}
				if try.Client != "" {
					key.Client = netip.MustParseAddr(try.Client)
				}
				if got := request(g, key); got != try.Addrs {
					t.Fatalf("%d, %+v: %s, nginx: %s", i, key, got, try.Addrs)
				}
			}
		})
	}
}

// request tries until a peer serves and returns all that were tried, as in
// $upstream_addr.
func request(g *Group, key Key) string {
	var tried []string
	var s Session
	for g.Begin(&s, key); ; {
		p, err := s.Next()
		if err != nil {
			return strings.Join(append(tried, g.Name()), ", ")
		}
		tried = append(tried, p.Address.Name)
		if !strings.HasSuffix(p.Address.Name, ":18199") {
			s.Free(Served)
			return strings.Join(tried, ", ")
		}
		s.Free(Failed)
	}
}
