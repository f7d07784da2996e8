package process

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestParseInherited(t *testing.T) {
	for _, c := range []struct {
		value string
		want  []int
		err   string
	}{
		{"", nil, ""},
		{"6;7;", []int{6, 7}, ""},
		{"6:7;", []int{6, 7}, ""},
		{"6;x;7;", []int{6}, `invalid socket number "x;7;" in NGINX environment variable, ignoring the rest of the variable`},
		{"6;7", []int{6}, `invalid socket number "7" in NGINX environment variable, ignoring`},
		{"2;", nil, `invalid socket number "2;"`},
		{"6;6;", []int{6}, `invalid socket number "6;"`},
		{"-1;", nil, `invalid socket number "-1;"`},
		{"99999999999;", nil, `invalid socket number`},
	} {
		got, err := parseInherited(c.value)
		if !slices.Equal(got, c.want) || (err == nil) != (c.err == "") ||
			err != nil && !strings.HasPrefix(err.Error(), c.err) {
			t.Errorf("%q: %v, %v", c.value, got, err)
		}
	}
	if got, err := parseInherited(inheritance(3)); err != nil || !slices.Equal(got, []int{3, 4, 5}) {
		t.Errorf("what we write we read as %v, %v", got, err)
	}
}

func TestParsePID(t *testing.T) {
	for text, want := range map[string]int{"12\n": 12, "12": 12, "12\r\n": 12, "": 0, "0\n": 0, "-4": 0, "x": 0, "1 2": 0} {
		got, err := parsePID(text, "x.pid")
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	if _, err := parsePID("\n", "x.pid"); err.Error() != `invalid PID number "" in "x.pid"` {
		t.Error(err)
	}
	if _, err := ReadPIDFile("/nonexistent"); err.Error() != `open() "/nonexistent" failed (2: No such file or directory)` {
		t.Error(err)
	}
}

func FuzzParseInherited(f *testing.F) {
	f.Add("3;4;")
	f.Fuzz(func(t *testing.T, value string) {
		numbers, _ := parseInherited(value)
		for i, n := range numbers {
			if n < 3 || slices.Contains(numbers[:i], n) {
				t.Fatalf("%q: %v", value, numbers)
			}
		}
	})
}

func TestParseEstate(t *testing.T) {
	files := []File{{Name: "zone:a;b %"}, {Name: "zone:é"}}
	value := bequest(files, 7)
	names, numbers, err := parseEstate(value, nil)
	if err != nil || !slices.Equal(names, []string{files[0].Name, files[1].Name}) || !slices.Equal(numbers, []int{7, 8}) {
		t.Errorf("what we write, %q, we read as %q, %v, %v", value, names, numbers, err)
	}
	for _, wrong := range []string{"a:5", "a:2;", "a:x;", "a;", "%zz:5;", "a:5;b:5;", "a:4;", ";"} {
		if names, _, err := parseEstate(wrong, map[int]bool{4: true}); err == nil {
			t.Errorf("%q: %q", wrong, names)
		}
	}
}

func FuzzParseEstate(f *testing.F) {
	f.Add("zone%3Aone:8;b:9;")
	f.Fuzz(func(t *testing.T, value string) {
		names, numbers, _ := parseEstate(value, map[int]bool{5: true})
		for i, n := range numbers {
			if n < 3 || n == 5 || slices.Contains(numbers[:i], n) || len(names) != len(numbers) {
				t.Fatalf("%q: %q, %v", value, names, numbers)
			}
		}
	})
}

func FuzzParseMessage(f *testing.F) {
	f.Add([]byte(`{"Kind":"start","Start":{"Blob":true}}`), 1)
	f.Add([]byte(`{"Kind":"files","Names":["a","b"],"More":true}`), 2)
	f.Add([]byte(`{"Kind":"failed","Reason":"x","Fatal":true}`), 0)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		m, err := parseMessage(b, n)
		if err != nil {
			return
		}
		if m.Kind == kindStart && (m.Start == nil || m.Start.Blob != (n == 1)) ||
			m.Kind == kindFiles && len(m.Names) != n {
			t.Fatalf("%s with %d descriptors: %+v", b, n, m)
		}
		for _, r := range printable(m.Reason) {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q is not printable", printable(m.Reason))
			}
		}
	})
}

func FuzzParseOrder(f *testing.F) {
	f.Add([]byte(`{"verb":"reload"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, err := parseOrder(b); err == nil && o.Verb == "" {
			t.Fatalf("%q is no order", b)
		}
	})
}

func FuzzParsePID(f *testing.F) {
	f.Add("1\n")
	f.Fuzz(func(t *testing.T, text string) {
		if pid, err := parsePID(text, "x"); (err == nil) != (pid > 0) {
			t.Fatalf("%q: %d, %v", text, pid, err)
		}
	})
}
