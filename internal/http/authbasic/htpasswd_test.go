package authbasic

import (
	"strings"
	"testing"
	"testing/iotest"
)

func TestFind(t *testing.T) {
	file := "a:1\n# b:2\nb:3:comment\r\n:4\nb:5\n" + strings.Repeat("x", 2*lineMax) + ":6\nc\nc:7\x00tail\n\n\nd:\ne:8"
	for user, want := range map[string]string{"a": "1", "b": "3", "c": "7", "d": "", "e": "8", "": "-", "# b": "-", "f": "-", "a:1\n# b": "-", strings.Repeat("x", 2*lineMax): "-"} {
		hash, found, err := find(iotest.OneByteReader(strings.NewReader(file)), user)
		if !found {
			hash = "-"
		}
		if hash != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", user, hash, err, want)
		}
	}
	if _, _, err := find(iotest.ErrReader(iotest.ErrTimeout), "a"); err != iotest.ErrTimeout {
		t.Errorf("error %v", err)
	}
}

// FuzzFind compares with a slow and simple search, in files without long lines.
func FuzzFind(f *testing.F) {
	f.Add("a:1\n#b:2\r\nb:3:4", "b")
	f.Add("\r\na\n:1", "a")
	f.Fuzz(func(t *testing.T, file, user string) {
		got, found, err := find(strings.NewReader(file), user)
		if err != nil {
			t.Fatal(err)
		}
		want, expected := "", false
		for _, line := range strings.Split(file, "\n") {
			if len(line) >= lineMax {
				return
			}
			name, rest, ok := strings.Cut(line, ":")
			if ok && name == user && user != "" && !strings.ContainsAny(line[:1], "#\r") {
				end := func(c rune) bool { return c == ':' || c == '\r' || c == 0 }
				want, expected = strings.FieldsFunc("x"+rest, end)[0][1:], true
				break
			}
		}
		if strings.Contains(user, ":") {
			return // a name with a colon cannot come out of BasicAuth
		}
		if got != want || found != expected {
			t.Errorf("%q in %q: %q, %v; want %q, %v", user, file, got, found, want, expected)
		}
	})
}
