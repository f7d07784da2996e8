package memcache_test

import (
	"testing"

	"github.com/baton-project/baton/internal/wire/memcache"
)

func TestAppendGet(t *testing.T) {
	got, start, end := memcache.AppendGet([]byte("x"), "/a b%\r\n\x7fü")
	if string(got) != "xget /a%20b%25%0D%0A\x7fü\r\n" || string(got[start:end]) != "/a%20b%25%0D%0A\x7fü" {
		t.Errorf("%q, %q", got, got[start:end])
	}
}

func TestParseReply(t *testing.T) {
	for _, c := range []struct {
		in    string
		reply memcache.Reply
		n     int
		err   string
	}{
		{"VALUE k 2 10\r\nabc", memcache.Reply{Found: true, Flags: 2, Length: 10}, 14, ""},
		{"END\r\n", memcache.Reply{}, 5, ""},
		{"VALUE k 2 10\r", memcache.Reply{}, 0, ""},
		{"END\n", memcache.Reply{}, 0, `memcached sent invalid response: "END"`},
		{"\n", memcache.Reply{}, 0, `memcached sent invalid response: ""`},
		{"ERROR\r\n", memcache.Reply{}, 0, `memcached sent invalid response: "ERROR"`},
		{"VALUE other 0 1\r\n", memcache.Reply{}, 0, `memcached sent invalid key in response "VALUE other 0 1" for key "k"`},
		{"VALUE kk 0 1\r\n", memcache.Reply{}, 0, `memcached sent invalid response: "VALUE kk 0 1"`},
		{"VALUE k 0\r\n", memcache.Reply{}, 0, `memcached sent invalid response: "VALUE k 0"`},
		{"VALUE k -1 1\r\n", memcache.Reply{}, 0, `memcached sent invalid flags in response "VALUE k -1 1" for key "k"`},
		{"VALUE k 0 1 22\r\n", memcache.Reply{}, 0, `memcached sent invalid length in response "VALUE k 0 1 22" for key "k"`},
		{"VALUE k 0 -5\r\n", memcache.Reply{}, 0, `memcached sent invalid length in response "VALUE k 0 -5" for key "k"`},
		{"VALUE k 0 99999999999999999999\r\n", memcache.Reply{}, 0, `memcached sent invalid length in response "VALUE k 0 99999999999999999999" for key "k"`},
	} {
		reply, n, err := memcache.ParseReply([]byte(c.in), []byte("k"), true)
		text := ""
		if err != nil {
			text, reply = err.Error(), memcache.Reply{}
		}
		if reply != c.reply || n != c.n || text != c.err {
			t.Errorf("%q: %+v, %d, %s", c.in, reply, n, text)
		}
	}
}

// FuzzParseReply checks that what is taken is a whole line, and a length one that
// can be.
func FuzzParseReply(f *testing.F) {
	f.Add("VALUE k 2 10\r\nabc", "k")
	f.Add("END\r\n", "")
	f.Fuzz(func(t *testing.T, raw, key string) {
		r, n, err := memcache.ParseReply([]byte(raw), []byte(key), true)
		if r.Length < 0 || r.Flags < 0 || n > len(raw) || n > 0 && raw[n-1] != '\n' || err != nil && n != 0 {
			t.Fatalf("%+v, %d, %v", r, n, err)
		}
	})
}
