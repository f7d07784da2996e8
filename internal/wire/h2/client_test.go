package h2_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/wire/h2"
	"golang.org/x/net/http2/hpack"
)

// A server writes frames on stream 1, with fields of another implementation.
type server struct {
	bytes.Buffer
	fields *hpack.Encoder
	block  bytes.Buffer
}

func newServer() *server {
	s := new(server)
	s.fields = hpack.NewEncoder(&s.block)
	return s
}

// head is a block of names and values by turns.
func (s *server) head(fields ...string) []byte {
	s.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = s.fields.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return bytes.Clone(s.block.Bytes())
}

func (s *server) frame(kind h2.FrameType, flags uint8, stream uint32, payload string) {
	s.Write(h2.Head{Length: len(payload), Type: kind, Flags: flags, Stream: stream}.Append(nil))
	s.WriteString(payload)
}

func (s *server) headers(end bool, fields ...string) {
	flags := uint8(h2.FlagEndHeaders)
	if end {
		flags |= h2.FlagEndStream
	}
	s.frame(h2.Headers, flags, 1, string(s.head(fields...)))
}

func (s *server) data(end bool, text string) {
	flags := uint8(0)
	if end {
		flags = h2.FlagEndStream
	}
	s.frame(h2.Data, flags, 1, text)
}

func (s *server) settings(name h2.Setting, value uint32) {
	s.frame(h2.Settings, 0, 0, string(h2.AppendSetting(nil, name, value)))
}

// read lets a client with one stream read what s has written, in steps.
func read(s []byte, step int) string {
	var c h2.Client
	return follow(&c, s, step)
}

func follow(c *h2.Client, s []byte, step int) string {
	var log strings.Builder
	before, _ := c.Begin(nil)
	_ = before
	data := ""
	for at := 0; at < len(s); {
		buf := s[at:min(len(s), at+step)]
		at += len(buf)
		for len(buf) > 0 {
			n, e, piece, err := c.Next(buf, 4096)
			buf = buf[n:]
			data += string(piece)
			if err != nil {
				return log.String() + err.Error()
			}
			if e == h2.ClientHead {
				c.Open()
				if data != "" {
					fmt.Fprintf(&log, "<%s>", data)
					data = ""
				}
				text, fields := c.Fields()
				for _, f := range fields {
					fmt.Fprintf(&log, "%s=%s ", text[f.Name:f.NameEnd], text[f.Value:f.ValueEnd])
				}
			}
		}
	}
	if data != "" {
		fmt.Fprintf(&log, "<%s>", data)
	}
	if c.Ended() {
		log.WriteString("end")
	}
	if c.Reusable() {
		log.WriteString(" again")
	}
	return log.String()
}

func TestClientReads(t *testing.T) {
	long := strings.Repeat("v", 3000)
	for name, c := range map[string]struct {
		write func(s *server)
		want  string
	}{
		"an answer": {func(s *server) {
			s.settings(h2.InitialWindowSize, 100)
			s.headers(false, ":status", "200", "x-a", "b")
			s.data(false, "some")
			s.frame(h2.Ping, 0, 0, "12345678")
			s.data(true, " data")
		}, ":status=200 x-a=b <some data>end again"},
		"no body": {func(s *server) { s.headers(true, ":status", "204") }, ":status=204 end again"},
		"trailers": {func(s *server) {
			s.headers(false, ":status", "200")
			s.data(false, "x")
			s.headers(true, "grpc-status", "0")
		}, ":status=200 <x>grpc-status=0 end again"},
		"padding": {func(s *server) {
			s.frame(h2.Headers, h2.FlagEndHeaders|h2.FlagPadded|h2.FlagPriority, 1, "\x07\x00\x00\x00\x03\x09"+string(s.head(":status", "200"))+"padding")
			s.frame(h2.Data, h2.FlagEndStream|h2.FlagPadded, 1, "\x07xpadding")
		}, ":status=200 <x>end again"},
		"nothing but padding": {func(s *server) {
			s.headers(false, ":status", "200")
			s.frame(h2.Data, h2.FlagEndStream|h2.FlagPadded, 1, "\x07padding")
		}, ":status=200 end again"},
		"an empty end": {func(s *server) { s.headers(false, ":status", "200"); s.data(true, "") }, ":status=200 end again"},
		"continuations": {func(s *server) {
			block := string(s.head(":status", "200", "x-l", long))
			s.frame(h2.Headers, h2.FlagEndStream, 1, block[:1])
			s.frame(h2.Continuation, 0, 1, block[1:9])
			s.frame(h2.Continuation, 0, 1, "")
			s.frame(h2.Continuation, h2.FlagEndHeaders, 1, block[9:])
		}, ":status=200 x-l=" + long + " end again"},
		"rest": {func(s *server) {
			s.headers(false, ":status", "200")
			s.data(true, "")
			s.frame(h2.RSTStream, 0, 1, "\x00\x00\x00\x00")
			s.frame(h2.WindowUpdate, 0, 1, "\x00\x00\x00\x05")
		}, ":status=200 end again"},
		"rest twice": {func(s *server) {
			s.headers(true, ":status", "200")
			s.frame(h2.RSTStream, 0, 1, "\x00\x00\x00\x00")
			s.frame(h2.RSTStream, 0, 1, "\x00\x00\x00\x00")
		}, ":status=200 upstream sent frame for closed stream 1"},
		"unknown frames": {func(s *server) { s.frame(77, 3, 1, "xyz"); s.frame(78, 0, 0, ""); s.headers(true, ":status", "200") }, ":status=200 end again"},
		"leaving": {func(s *server) {
			s.frame(h2.GoAway, 0, 0, "\x00\x00\x00\x01\x00\x00\x00\x00goodbye")
			s.headers(true, ":status", "200")
		}, ":status=200 end"},
		"left before":         {func(s *server) { s.frame(h2.GoAway, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x01") }, "upstream sent goaway with error 1"},
		"rejected":            {func(s *server) { s.frame(h2.RSTStream, 0, 1, "\x00\x00\x00\x07") }, "upstream rejected request with error 7"},
		"rejected, no error":  {func(s *server) { s.frame(h2.RSTStream, 0, 1, "\x00\x00\x00\x00") }, "upstream rejected request with error 0"},
		"data first":          {func(s *server) { s.data(true, "") }, "upstream sent unexpected http2 frame: 0"},
		"another stream":      {func(s *server) { s.frame(h2.RSTStream, 0, 3, "\x00\x00\x00\x00") }, "upstream sent frame for unknown stream 3"},
		"a push":              {func(s *server) { s.frame(h2.PushPromise, 0, 1, "\x00\x00\x00\x02") }, "upstream sent unexpected push promise frame"},
		"too large":           {func(s *server) { s.data(false, strings.Repeat("x", 16385)) }, "upstream sent too large http2 frame: 16385"},
		"continuation alone":  {func(s *server) { s.frame(h2.Continuation, h2.FlagEndHeaders, 1, "") }, "upstream sent unexpected http2 frame: 9"},
		"broken continuation": {func(s *server) { s.frame(h2.Headers, 0, 1, "\x88"); s.frame(h2.Ping, 0, 0, "12345678") }, "upstream sent unexpected http2 frame: 6"},
		"short head":          {func(s *server) { s.frame(h2.Headers, h2.FlagPriority, 1, "abc") }, "upstream sent headers frame with invalid length: 3"},
		"short reset":         {func(s *server) { s.frame(h2.RSTStream, 0, 1, "abc") }, "upstream sent rst stream frame with invalid length: 3"},
		"short ping":          {func(s *server) { s.frame(h2.Ping, 0, 0, "abc") }, "upstream sent ping frame with invalid length: 3"},
		"ping of ours":        {func(s *server) { s.frame(h2.Ping, h2.FlagAck, 0, "12345678") }, "upstream sent ping frame with ack flag"},
		"short goaway":        {func(s *server) { s.frame(h2.GoAway, 0, 0, "abc") }, "upstream sent goaway frame with invalid length: 3"},
		"odd settings":        {func(s *server) { s.frame(h2.Settings, 0, 0, "abc") }, "upstream sent settings frame with invalid length: 3"},
		"full ack":            {func(s *server) { s.frame(h2.Settings, h2.FlagAck, 0, "abcdef") }, "upstream sent settings frame with ack flag and non-zero length: 6"},
		"zero window":         {func(s *server) { s.frame(h2.WindowUpdate, 0, 0, "\x00\x00\x00\x00") }, "upstream sent zero window update"},
		"too large a window":  {func(s *server) { s.frame(h2.WindowUpdate, 0, 0, "\x7f\xff\xff\xff") }, "upstream sent too large window update"},
		"too large a setting": {func(s *server) { s.settings(h2.InitialWindowSize, 1<<31) }, "upstream sent settings frame with too large initial window size: 2147483648"},
		"too much padding":    {func(s *server) { s.headers(false, ":status", "200"); s.frame(h2.Data, h2.FlagPadded, 1, "\x09a") }, ":status=200 upstream sent http2 frame with too long padding: 9 in frame 1"},
		"no padding":          {func(s *server) { s.headers(false, ":status", "200"); s.frame(h2.Data, h2.FlagPadded, 1, "") }, ":status=200 upstream sent too short http2 frame"},
		"bad name":            {func(s *server) { s.headers(true, ":status", "200", "A", "b") }, `upstream sent invalid header: "A: b"`},
		"bad value":           {func(s *server) { s.headers(true, ":status", "200", "a", "b\n") }, "upstream sent invalid header: \"a: b\n\""},
		"bad index":           {func(s *server) { s.frame(h2.Headers, h2.FlagEndHeaders, 1, "\xff\x20") }, "upstream sent invalid hpack table index 159"},
		"big head":            {func(s *server) { s.headers(true, ":status", "200", "a", strings.Repeat("~", 9000)) }, "upstream sent too big header"},
		"behind the end":      {func(s *server) { s.headers(true, ":status", "200"); s.data(true, "") }, ":status=200 upstream sent frame for closed stream 1"},
		"many pings": {func(s *server) {
			for range 1001 {
				s.frame(h2.Ping, 0, 0, "12345678")
			}
		}, "upstream sent too many ping frames"},
		"many settings": {func(s *server) {
			for range 1001 {
				s.frame(h2.Settings, 0, 0, "")
			}
		}, "upstream sent too many settings frames"},
	} {
		s := newServer()
		c.write(s)
		for _, step := range []int{1, 2, 7, 1 << 20} {
			if got := read(s.Bytes(), step); got != c.want {
				t.Errorf("%s in steps of %d: %q, want %q", name, step, got, c.want)
			}
		}
	}
}

// What a client sends is what another implementation understands.
func TestClientWrites(t *testing.T) {
	block := h2.AppendField(nil, "x-long", strings.Repeat("~", 40000))
	head := h2.AppendHead(nil, block, false)
	var c h2.Client
	for round, id := range []uint32{1, 3} {
		before, ok := c.Begin(head)
		if !ok || (before == "") != (round > 0) {
			t.Fatal(round, before, ok)
		}
		out := []byte(before + string(head))
		out = c.AppendData(out, 5, false)
		out = append(out, "Hello"...)
		out = c.AppendData(out, 0, true)
		in, _ := bytes.CutPrefix(out, []byte(h2.Preface))
		var got []string
		var fields []byte
		for len(in) >= h2.HeadSize {
			h := h2.ParseHead(in)
			payload := in[h2.HeadSize : h2.HeadSize+h.Length]
			in = in[h2.HeadSize+h.Length:]
			got = append(got, fmt.Sprintf("%d/%d", h.Type, h.Flags))
			if h.Type == h2.Headers || h.Type == h2.Continuation {
				fields = append(fields, payload...)
			}
			if h.Stream != 0 && h.Stream != id {
				t.Errorf("stream %d, want %d", h.Stream, id)
			}
		}
		decoded, err := hpack.NewDecoder(4096, nil).DecodeFull(fields)
		if err != nil || len(decoded) != 1 || len(decoded[0].Value) != 40000 {
			t.Errorf("%d fields, %v", len(decoded), err)
		}
		want := "1/0 9/0 9/4 0/0 0/1"
		if round == 0 {
			want = "4/0 8/0 " + want
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%q, want %q", text, want)
		}
	}
}

func TestClientWindows(t *testing.T) {
	s := newServer()
	s.settings(h2.InitialWindowSize, 10)
	s.frame(h2.Ping, 0, 0, "12345678")
	var c h2.Client
	if _, _ = c.Begin(nil); c.Room() != 16384 {
		t.Errorf("%d at first", c.Room())
	}
	c.AppendData(nil, 4, false)
	if _, _, _, err := c.Next(s.Bytes(), 4096); err != nil || c.Room() != 6 {
		t.Errorf("%d of a smaller window, %v", c.Room(), err)
	}
	want := "\x00\x00\x00\x04\x01\x00\x00\x00\x00" + "\x00\x00\x08\x06\x01\x00\x00\x00\x0012345678"
	if got := c.AppendControl(nil); string(got) != want || len(c.AppendControl(nil)) != 0 {
		t.Errorf("%q, want %q", got, want)
	}
	if _, _ = c.Begin(nil); c.Room() != 10 {
		t.Errorf("%d in the next stream", c.Room())
	}
}

func FuzzClient(f *testing.F) {
	s := newServer()
	s.settings(h2.InitialWindowSize, 10)
	s.headers(false, ":status", "200", "a", "b")
	s.frame(h2.Data, h2.FlagPadded, 1, "\x07xpadding")
	s.headers(true, "grpc-status", "0")
	f.Add(s.Bytes(), 3)
	f.Fuzz(func(t *testing.T, raw []byte, step int) {
		if step < 1 || len(raw) > 1<<16 {
			t.Skip()
		}
		if whole, pieces := read(raw, len(raw)+1), read(raw, step); whole != pieces {
			t.Errorf("%q in one go, %q in steps of %d", whole, pieces, step)
		}
	})
}
