package bundle

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGlob(t *testing.T) {
	t.Chdir(t.TempDir())
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b.conf", "a.conf", ".hidden.conf", "a.conf~", "x/1.conf", "y/1.conf", "y/2", "[z]", "é.conf", "q*"} {
		write(t, dir+"/"+name, "")
	}
	for pattern, want := range map[string]string{
		"*.conf":           "a.conf b.conf é.conf",
		".*.conf":          ".hidden.conf",
		"*/1.conf":         "x/1.conf y/1.conf",
		"x//1.*":           "x/1.conf",
		"[ab].conf":        "a.conf b.conf",
		"[!a].conf":        "b.conf",
		"[^a].conf":        "b.conf",
		"[a-c].conf":       "a.conf b.conf",
		"[[:alpha:]].conf": "a.conf b.conf",
		"[]b].conf":        "b.conf",
		"[z":               "",
		"[[]z]":            "[z]",
		`\[z]`:             "[z]",
		`q\*`:              "q*",
		"??.conf":          "é.conf",
		"a.conf/*":         "",
		"nothing/*":        "",
		"*/":               "x/ y/",
		"b.conf":           "b.conf",
	} {
		var got []string
		for _, name := range glob(dir + "/" + pattern) {
			got = append(got, strings.TrimPrefix(name, dir+"/"))
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: %s", pattern, diff)
		}
	}
	if got := glob("*.conf"); len(got) != 3 || got[0] != "a.conf" {
		t.Errorf("relative: %q", got)
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("*a*[!b-c]?\\*", "xaxd*")
	f.Add("[[:digit:]-]", "-")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		match(pattern, name)
		if !strings.ContainsAny(pattern, `*?[\`) && match(pattern, name) != (pattern == name) {
			t.Fatalf("match(%q, %q)", pattern, name)
		}
	})
}
