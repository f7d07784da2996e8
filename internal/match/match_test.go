package match

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/conf"
)

// memory is a configuration of one file.
type memory string

func (m memory) ReadFile(name string) ([]byte, error) {
	if name != "/c" {
		return nil, fs.ErrNotExist
	}
	return []byte(m), nil
}

func (memory) Glob(string) ([]string, error)           { return nil, nil }
func (memory) LookupHost(string) ([]netip.Addr, error) { return nil, errors.New("no names here") }

// settings are of a directive whose block the tests read.
type settings struct{}

// readBlock calls read for a block with the text in it.
func readBlock(text string, read func(*conf.Directive) error) (warnings []string, err error) {
	registry := conf.NewRegistry()
	conf.Register(registry, conf.Feature[settings]{Name: "test", Table: conf.Table[settings]{
		{Name: "block", In: conf.Global, Args: conf.NoArgs | conf.Block, Set: func(_ *settings, d *conf.Directive) error { return read(d) }},
	}})
	warn := func(e *conf.Error) { warnings = append(warnings, e.Msg) }
	_, err = conf.Parse("/c", memory("block {\n"+text+"\n}\n"), registry, conf.Options{Warn: warn})
	return warnings, err
}

func readGeo(text string) (g *Geo, warnings []string, err error) {
	warnings, err = readBlock(text, func(d *conf.Directive) error {
		g, err = ReadGeo(d, true)
		return err
	})
	return g, warnings, err
}

// The table answers as a search through all networks would.
func TestNetworks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	narrow := func() netip.Addr {
		return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, rng.Uint32()&0x0303_00ff)))
	}
	broad := func() netip.Addr {
		var a [16]byte
		a[0], a[7], a[15] = byte(rng.Uint32()&0x80), byte(rng.Uint32()), byte(rng.Uint32()&3)
		return netip.AddrFrom16(a)
	}
	networks := make(map[netip.Prefix]int32)
	for i := range int32(200) {
		networks[netip.PrefixFrom(narrow(), rng.IntN(33)).Masked()] = i % 7
		networks[netip.PrefixFrom(broad(), rng.IntN(129)).Masked()] = i % 7
	}
	table := flatten(networks)
	for range 20000 {
		addr := narrow()
		if rng.IntN(2) == 0 {
			addr = broad()
		}
		want, longest := int32(-1), -1
		for n, v := range networks {
			if n.Contains(addr) && n.Bits() > longest {
				want, longest = v, n.Bits()
			}
		}
		if got := table.find(addr); got != want {
			t.Fatalf("%v: %d, want %d", addr, got, want)
		}
	}
}

func TestWarnings(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1/24 a;":                               "low address bits of 192.0.2.1/24 are meaningless",
		"10.0.0.0/8 a; 10.0.0.0/8 b;":                   `duplicate network "10.0.0.0/8", value: "b", old value: "a"`,
		"delete ::1;":                                   `no network "::1" to delete`,
		"ranges; default a; default b;":                 `duplicate default geo range value: "b", old value: "a"`,
		"ranges; 1.0.0.0-1.0.0.1 a; 1.0.0.0-1.0.0.1 b;": `duplicate range "1.0.0.0-1.0.0.1", value: "b", old value: "a"`,
		"ranges; delete 1.0.0.0-1.0.0.1;":               `no address range "1.0.0.0-1.0.0.1" to delete`,
	} {
		_, warnings, err := readGeo(text)
		if err != nil || len(warnings) != 1 || warnings[0] != want {
			t.Errorf("%s: %q, %v; want %q", text, warnings, err, want)
		}
	}
}

func TestParseAddrPort(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1:0", "192.0.2.1:80": "192.0.2.1:80", "::1": "[::1]:0", "[::1]:80": "[::1]:80", "[::1]": "[::1]:0",
		"192.0.2.1:0": "", "192.0.2.1:": "", "192.0.2.1:65536": "", "[::1": "", "[::1]80": "", "[]": "", "": "", "x:80": "", "10.0.0.1/8": "",
	} {
		got, ok := ParseAddrPort(text)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%q: %v, %v; want %q", text, got, ok, want)
		}
	}
}

// Values of the published algorithm; that nginx splits alike is tested beside it.
func TestMurmur2(t *testing.T) {
	for key, want := range map[string]uint32{"": 0, "a": 0x92685f5e, "ab": 0x1aa14063, "abc": 0x13577c9b, "abcd": 0x26873021} {
		if got := Murmur2(key); got != want {
			t.Errorf("%q: %#x, want %#x", key, got, want)
		}
	}
}

func TestFindDoesNotAllocate(t *testing.T) {
	var names Names[int]
	for name, v := range map[string]int{"example.com": 1, "*.example.org": 2, "www.example.*": 3} {
		if err := names.AddHost(name, v); err != nil {
			t.Fatal(err)
		}
	}
	g, _, err := readGeo("10.0.0.0/8 a; 2001:db8::/32 b;")
	if err != nil {
		t.Fatal(err)
	}
	v4, v6 := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("2001:db8::1")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	lines := []string{"192.0.2.1, 10.0.0.1", "10.0.0.2"}
	for name, f := range map[string]func(){
		"names":     func() { names.Find("A.B.Example.org"); names.Find("WWW.example.de"); names.Find("nothing") },
		"networks":  func() { g.Find(v4); g.Find(v6); g.Find(netip.Addr{}) },
		"forwarded": func() { Forwarded(v4, lines, trusted, true) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkNames(b *testing.B) {
	var names Names[int]
	for i := range 1000 {
		_ = names.AddHost(fmt.Sprintf("host%d.example.com", i), i)
		_ = names.AddHost(fmt.Sprintf("*.wild%d.example.com", i), i)
	}
	for name, key := range map[string]string{"exact": "host500.example.com", "wildcard": "a.b.wild500.example.com", "none": "nothing.example.net"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				names.Find(key)
			}
		})
	}
}

func BenchmarkNetworks(b *testing.B) {
	var text strings.Builder
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 100_000 {
		v := rng.Uint32()
		fmt.Fprintf(&text, "%d.%d.%d.0/24 v%d;\n", v>>24, v>>16&255, v>>8&255, i%50)
	}
	g, _, err := readGeo(text.String())
	if err != nil {
		b.Fatal(err)
	}
	addrs := make([]netip.Addr, 1024)
	for i := range addrs {
		addrs[i] = netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, rng.Uint32())))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		g.Find(addrs[i%len(addrs)])
	}
}

// Blocks are an administrator's, but may be generated from others' data.
func FuzzMap(f *testing.F) {
	for _, seed := range []string{"default 1; a b;", "hostnames; *.a.b c; .d e; f.* g;", `~^x(.)$ $1; \include y; volatile;`, "a b c;", "include x;"} {
		f.Add(seed, "a.b")
	}
	f.Fuzz(func(t *testing.T, text, key string) {
		var m *Map
		_, err := readBlock(text, func(d *conf.Directive) (err error) {
			m, err = ReadMap(d, func(Pattern) error { return nil })
			return err
		})
		if err != nil || m == nil {
			return
		}
		if v, ok := m.Names.Find(m.Key(key)); ok && (v < 0 || v >= len(m.Values)) {
			t.Errorf("value %d of %d", v, len(m.Values))
		}
	})
}

func FuzzGeo(f *testing.F) {
	for _, seed := range []string{"default 1; 10.0.0.0/8 a; ::/0 b;", "ranges; 1.0.0.0-2.0.0.0 a; 1.5.0.0-1.5.0.9 b; delete 1.5.0.0-1.5.0.9;", "proxy ::1; proxy_recursive; volatile;", "delete 1.2.3.4;"} {
		f.Add(seed, "10.1.2.3")
	}
	f.Fuzz(func(t *testing.T, text, address string) {
		g, _, err := readGeo(text)
		if err != nil || g == nil {
			return
		}
		addr, _ := ParseAddrPort(address)
		g.Find(Forwarded(addr.Addr(), []string{address}, g.Proxies, g.Recursive))
	})
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"50% a; * b;", "0.01% a; 99.99% b;", ".5% x;"} {
		f.Add(seed, "key")
	}
	f.Fuzz(func(t *testing.T, text, key string) {
		_, _ = readBlock(text, func(d *conf.Directive) error {
			s, err := ReadSplit(d)
			if err == nil {
				s.Find(key)
			}
			return err
		})
	})
}
