package hashkit

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Values that the original functions gave, and what the real program did.
var (
	//go:embed testdata/hashes.tsv
	hashes string
	//go:embed testdata/ketama.tsv
	rings string
	//go:embed testdata/vectors.tsv
	vectors string
)

func unescape(t *testing.T, s string) []byte {
	t.Helper()
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return []byte(text)
}

func rows(text string) (rows [][]string) {
	for line := range strings.Lines(text) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows
}

func TestHashes(t *testing.T) {
	n := 0
	for _, row := range rows(hashes)[1:] {
		n++
		if got := Names[row[0]](unescape(t, row[1])); fmt.Sprint(got) != row[2] {
			t.Errorf("%s of %s = %d, want %s", row[0], row[1], got, row[2])
		}
	}
	if n != 240 {
		t.Errorf("%d rows", n)
	}
}

// parse reads "host:port:weight name,...".
func parse(t *testing.T, text string) (servers []Server, address map[string]string) {
	t.Helper()
	address = make(map[string]string)
	for _, s := range strings.Split(text, ",") {
		place, name, named := strings.Cut(s, " ")
		at := strings.LastIndexByte(place, ':')
		weight, err := strconv.Atoi(place[at+1:])
		if err != nil {
			t.Fatal(err)
		}
		if !named {
			name = strings.TrimSuffix(place[:at], ":11211")
		}
		servers = append(servers, Server{name, weight})
		address[name] = place[:at]
	}
	slices.SortFunc(servers, func(a, b Server) int { return Compare(a.Name, b.Name) })
	return servers, address
}

func TestKetama(t *testing.T) {
	for _, row := range rows(rings)[1:] {
		servers, _ := parse(t, row[0])
		r := NewRing(Ketama, servers, nil)
		if fmt.Sprint(len(r.points)) != row[1] {
			t.Errorf("%s: %d points, want %s", row[0], len(r.points), row[1])
			continue
		}
		counts := make(map[string]int)
		var all []string
		for _, p := range r.points {
			name := servers[p.server].Name
			counts[name]++
			all = append(all, fmt.Sprintf("%d:%s", p.value, name))
		}
		for _, want := range strings.Fields(row[2]) {
			name, n, _ := strings.Cut(want, "=")
			if fmt.Sprint(counts[name]) != n {
				t.Errorf("%s: %s has %d points, want %s", row[0], name, counts[name], n)
			}
		}
		if got := strings.Join(all[:8], " "); got != row[3] {
			t.Errorf("%s: begins %s, want %s", row[0], got, row[3])
		}
		if got := strings.Join(all[len(all)-2:], " "); got != row[4] {
			t.Errorf("%s: ends %s, want %s", row[0], got, row[4])
		}
	}
}

func TestVectors(t *testing.T) {
	var ring *Ring
	var servers []Server
	var address map[string]string
	var hash Hash
	var tag string
	n := 0
	for _, row := range rows(vectors) {
		if row[0] == "pool" {
			hash, tag = FNV1a64, ""
			if row[2] != "-" {
				hash = Names[row[2]]
			}
			if row[4] != "-" {
				tag = row[4]
			}
			servers, address = parse(t, row[5])
			ring = NewRing(Distributions[row[3]], servers, nil)
			continue
		}
		n++
		var h uint32
		if row[0] != "-" { // the empty key
			h = hash(Tagged(unescape(t, row[0]), tag))
		}
		if row[1] == "*" { // random
			continue
		}
		if got := address[servers[ring.Server(h)].Name]; got != row[1] {
			t.Errorf("%s goes to %s, want %s", row[0], got, row[1])
		}
	}
	if n != 441 {
		t.Errorf("%d rows", n)
	}
}

func TestRandomAndNobody(t *testing.T) {
	servers := []Server{{"a", 1}, {"b", 3}}
	r := NewRing(Random, servers, nil)
	var seen [2]int
	for range 4000 {
		seen[r.Server(0)]++
	}
	if seen[0] < 500 || seen[1] < 2*seen[0] {
		t.Errorf("random gave %v", seen)
	}
	for _, d := range Distributions {
		if got := NewRing(d, servers, func(int) bool { return false }).Server(7); got != -1 {
			t.Errorf("a ring without servers gave %d", got)
		}
	}
}

func FuzzTagged(f *testing.F) {
	f.Add([]byte("a{b}c"), "{}")
	f.Add([]byte("$$x$"), "$$")
	f.Fuzz(func(t *testing.T, key []byte, tag string) {
		if part := Tagged(key, tag); len(part) > len(key) || len(key) > 0 && len(part) == 0 {
			t.Errorf("%q of %q", part, key)
		}
		for _, h := range Names {
			h(key)
		}
	})
}
