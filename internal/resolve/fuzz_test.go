package resolve

import (
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func FuzzAccept(f *testing.F) {
	name := "x.test."
	for _, records := range [][]dnsmessage.Resource{nil, a(name, 60, "192.0.2.1"), a(name, 1<<31, "2001:db8::1"), cname(name, "y.test.", 1), cname(name, ".", 1), srv(name, "z.test.", 1, 0, 80)} {
		for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA, dnsmessage.TypeSRV} {
			m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, Response: true}, Answers: records,
				Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}}
			packed, err := m.Pack()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(packed, uint16(kind), false)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, kind uint16, tcp bool) {
		q := question{name: "x.test", kind: dnsmessage.Type(kind), id: 7}
		a, err := q.accept(b, tcp)
		switch {
		case err != nil && err.Error() == "":
			t.Error("an error without words")
		case err != nil:
		case a.ttl < 0 || len(a.addrs) > maxAddrs || len(a.services) > len(b) || a.code > 5:
			t.Errorf("%+v", a)
		case a.truncated && tcp:
			t.Error("truncated over TCP")
		}
		if _, err := (question{name: a.cname, kind: q.kind}).pack(); err != nil && a.cname != "" && len(a.cname) < 250 && a.cname != "." {
			t.Errorf("%q: %v", a.cname, err)
		}
	})
}
