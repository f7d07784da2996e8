package http_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/wire/h2"
)

// Streams that wait for the connection's window go in the order that the client
// wants.
func TestHTTP2Priority(t *testing.T) {
	s := startH2(t, nil)
	if err := os.MkdirAll(filepath.Join(s.Dir, "file"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "file", "large"), make([]byte, h2.Window+10), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		said [][2]string // stream, what its PRIORITY frame says
		want []uint32
	}{
		"nothing":    {nil, []uint32{3, 5, 1}},
		"weights":    {[][2]string{{"\x01", "\x00\x00\x00\x00\xff"}, {"\x05", "\x00\x00\x00\x00\x80"}}, []uint32{1, 5, 3}},
		"dependency": {[][2]string{{"\x03", "\x00\x00\x00\x01\xff"}, {"\x05", "\x00\x00\x00\x03\xff"}}, []uint32{3, 1, 5}},
		"exclusive":  {[][2]string{{"\x05", "\x80\x00\x00\x00\x00"}, {"\x01", "\x00\x00\x00\x05\x01"}, {"\x03", "\x00\x00\x00\x05\x02"}}, []uint32{5, 3, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var order []uint32
			for try := 0; try < 20 && !slices.Equal(order, tt.want); try++ { // a stream may come to wait too late
				order = orderOf(t, s, tt.said)
			}
			if !slices.Equal(order, tt.want) {
				t.Errorf("order %v, want %v", order, tt.want)
			}
		})
	}
}

// orderOf is the order in which three streams get the connection's window.
func orderOf(t *testing.T, s *httptest.Server, said [][2]string) []uint32 {
	c := dialH2(t, s)
	for _, p := range said {
		c.write(h2.Priority, 0, uint32(p[0][0]), p[1])
	}
	id := c.request(true, "/file/large")
	for got := 0; got < h2.Window; {
		head, _, err := c.read()
		c.check(err)
		if head.Type == h2.Data && head.Stream == id {
			got += head.Length
		}
	}
	for range 2 { // they wait for the window from their first byte on
		other := c.request(true, "/ok")
		for {
			head, _, err := c.read()
			c.check(err)
			if head.Type == h2.Headers && head.Stream == other {
				break
			}
		}
	}
	c.widen(id, 1<<16)
	c.widen(0, 1<<16)
	var order []uint32
	for len(order) < 3 {
		head, _, err := c.read()
		c.check(err)
		if head.Type == h2.Data && head.Length > 0 && !slices.Contains(order, head.Stream) {
			order = append(order, head.Stream)
		}
	}
	return order
}

// Frames that are larger than clients usually make them.
func TestHTTP2LargeFrames(t *testing.T) {
	s := startH2(t, nil)
	c := dialH2(t, s)
	body := strings.Repeat("0123456789", 4000)
	id := c.request(false, "/echo", ":method: POST")
	c.write(h2.Data, h2.FlagPadded|h2.FlagEndStream, id, "\x05"+body+"\x00\x00\x00\x00\x00")
	if a := c.answer(id); a.body != body {
		t.Errorf("%d bytes came back: %+v", len(a.body), a.fields)
	}
	lines := []string{"cookie: a"}
	for range 4 {
		lines = append(lines, "cookie: "+strings.Repeat("~", 5000))
	}
	if a := c.answer(c.request(true, "/ok", lines...)); a.fields[":status"] != "200" || len(a.body) < 20_000 {
		t.Errorf("%+v, %d bytes", a.fields, len(a.body))
	}
	c.write(h2.Headers, h2.FlagEndHeaders, c.next, strings.Repeat("x", 1<<16))
	if why := c.goAway(); why != h2.FrameSizeError {
		t.Errorf("GOAWAY %d", why)
	}
}

// What comes on a stream that the client itself has ended is a mistake; a header
// block that cannot become right is not waited for.
func TestHTTP2Mistakes(t *testing.T) {
	s := startH2(t, nil)
	c := dialH2(t, s)
	id := c.request(false, "/echo", ":method: POST")
	c.write(h2.RSTStream, 0, id, "\x00\x00\x00\x08")
	c.write(h2.Data, h2.FlagEndStream, id, "late")
	if a := c.answer(id); !a.wasReset || a.reset != h2.StreamClosed {
		t.Errorf("%+v", a)
	}
	_, _ = c.conn.Write(append(h2.Head{Length: 100, Type: h2.Headers, Flags: h2.FlagEndHeaders, Stream: c.next}.Append(nil), "\xff\xff\xff\xff"...))
	if why := c.goAway(); why != h2.CompressionError {
		t.Errorf("GOAWAY %d", why)
	}
}
