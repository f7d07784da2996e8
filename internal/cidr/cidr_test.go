package cidr

import (
	"net/netip"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text, want string // "" for an error
		inexact    bool
	}{
		{text: "192.0.2.1", want: "192.0.2.1/32"},
		{text: "192.0.2.0/24", want: "192.0.2.0/24"},
		{text: "192.0.2.1/24", want: "192.0.2.0/24", inexact: true},
		{text: "0.0.0.0/0", want: "0.0.0.0/0"},
		{text: "010.0.0.1", want: "10.0.0.1/32"},
		{text: "1..2.3", want: "1.0.2.3/32"},
		{text: "2001:db8::/32", want: "2001:db8::/32"},
		{text: "2001:db8::1/32", want: "2001:db8::/32", inexact: true},
		{text: "::1", want: "::1/128"},
		{text: "::/0", want: "::/0"},
		{text: "::ffff:192.0.2.1", want: "::ffff:192.0.2.1/128"},
		{text: ""}, {text: "/"}, {text: "1.2.3"}, {text: "1.2.3.4.5"}, {text: "1.2.3.256"}, {text: "1.2.3.4/33"},
		{text: "1.2.3.4/"}, {text: "1.2.3.4/-1"}, {text: "1.2.3.4/8/8"}, {text: "::1/129"}, {text: "fe80::1%eth0"},
		{text: "255.255.255.255"}, {text: "localhost"}, {text: "unix:"}, {text: "all"},
	} {
		block, exact, err := Parse(tt.text)
		switch {
		case tt.want == "" && err == nil:
			t.Errorf("%q: %v, want an error", tt.text, block)
		case tt.want != "" && (err != nil || block.String() != tt.want || exact == tt.inexact):
			t.Errorf("%q: %v, %v, %v; want %s", tt.text, block, exact, err, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"10.0.0.0/8", "::1", "2001:db8::/129", "1..2.3/0", "::ffff:1.2.3.4/96"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		block, _, err := Parse(text)
		if err != nil {
			return
		}
		again, exact, err := Parse(block.String())
		if err != nil || !exact || again != block {
			t.Errorf("%q: %v, and again %v, %v, %v", text, block, again, exact, err)
		}
	})
}

func TestFirstRuleDecides(t *testing.T) {
	var l Rules
	if !l.Empty() {
		t.Error("not empty")
	}
	add := func(text string, v Verdict) {
		block, _, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		l.Add(block, v)
	}
	add("192.0.2.7", Denied)
	add("192.0.2.0/24", Allowed)
	add("2001:db8:0:1::/65", Denied)
	add("2001:db8::/32", Allowed)
	add("192.0.0.0/8", Denied)
	for address, want := range map[string]Verdict{
		"192.0.2.7": Denied, "192.0.2.8": Allowed, "192.1.1.1": Denied, "10.0.0.1": Unmatched,
		"::ffff:192.0.2.7": Denied, "::ffff:10.0.0.1": Unmatched,
		"2001:db8:0:1::1": Denied, "2001:db8:0:1:8000::1": Allowed, "2001:db9::1": Unmatched,
	} {
		if got := l.Of(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
	if got := l.Of(netip.Addr{}); got != Unmatched {
		t.Errorf("unix: %v", got)
	}
	l.AddAll(Allowed)
	l.AddUnix(Denied)
	for _, address := range []netip.Addr{{}, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::1")} {
		if got := l.Of(address); got != Allowed {
			t.Errorf("%v: %v, want what all got", address, got)
		}
	}
	if l.Empty() {
		t.Error("empty")
	}
}

func TestAskingNeedsNoMemory(t *testing.T) {
	var l Rules
	l.AddAll(Allowed)
	four, six := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	if n := testing.AllocsPerRun(100, func() { l.Of(four); l.Of(six); l.Of(netip.Addr{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkThousandRules(b *testing.B) {
	var l Rules
	for i := range 1000 {
		l.Add(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24), Denied)
	}
	ip := netip.MustParseAddr("192.0.2.1")
	for b.Loop() {
		l.Of(ip)
	}
}
