package h2

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

type decoded struct{ name, value string }

func decodeAll(d *Decoder, block []byte, limit int) (fields []decoded, err error) {
	d.Begin()
	var dst []byte
	for len(block) > 0 {
		var f Field
		dst, block, f, err = d.Next(dst, block, limit)
		if err != nil {
			return fields, err
		}
		if f.NameEnd > f.Name {
			fields = append(fields, decoded{string(dst[f.Name:f.NameEnd]), string(dst[f.Value:f.ValueEnd])})
		}
	}
	return fields, nil
}

// Blocks of an encoder that uses its table, Huffman codes and evictions.
func TestDecodesWhatAnEncoderMakes(t *testing.T) {
	var buf bytes.Buffer
	enc := hpack.NewEncoder(&buf)
	var d Decoder
	for round := range 300 {
		buf.Reset()
		want := []decoded{
			{":method", "GET"}, {":path", "/" + strings.Repeat("x", round%97)}, {":authority", "example.com"},
			{"x-" + strings.Repeat("n", round%13), strings.Repeat("\x00\xffv~", round%41)}, {"cookie", "a=b"},
		}
		if round%50 == 49 {
			enc.SetMaxDynamicTableSize(uint32(round % 3 * 100))
		}
		for _, f := range want {
			if err := enc.WriteField(hpack.HeaderField{Name: f.name, Value: f.value, Sensitive: f.name == "cookie"}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := decodeAll(&d, buf.Bytes(), 1<<14)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		if len(got) != len(want) {
			t.Fatalf("round %d: %d fields, want %d", round, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("round %d: %q, want %q", round, got[i], want[i])
			}
		}
	}
}

func TestDecoderRefuses(t *testing.T) {
	for _, c := range []struct{ block, text string }{
		{"\x80", "client sent invalid hpack table index 0"},
		{"\xff\x00", "client sent invalid hpack table index 127"},
		{"\xff\xff\xff\xff\xff\xff\x0f", "client sent header block with too long header index value"},
		{"\xff\xff", "client sent header block with incorrect length"},
		{"\x40\x00\x00", "client sent zero header name length"},
		{"\x40\x05abc", "client sent header field with incorrect length"},
		{"\x40\x01a\x81\x00", "client sent invalid encoded header field"},
		{"\x40\x01a\x83\x1f\xff\xff", "client sent invalid encoded header field"},
		{"\x40\x01a\x84\xff\xff\xff\xff", "client sent invalid encoded header field"},
		{"\x3f\xff\x7f", "client sent invalid table size update: 16414"},
		{"\x82\x20", "client sent size update inside a header block"},
		{"\x40\x01a\x7f\x80\x01", "client sent too large header field"},
		{"\x40", "client sent header block with incorrect length"},
	} {
		var d Decoder
		_, err := decodeAll(&d, []byte(c.block), 200)
		var bad *BlockError
		if !errors.As(err, &bad) || bad.Text != c.text {
			t.Errorf("%q: %v, want %s", c.block, err, c.text)
		}
	}
}

func TestEncodes(t *testing.T) {
	block := AppendTableSize(nil)
	block = AppendStatus(block, 200)
	block = AppendStatus(block, 418)
	block = AppendNamed(block, NameVary, strings.Repeat("v", 300))
	block = AppendField(block, "X-Upper", "Value")
	got, err := hpack.NewDecoder(4096, nil).DecodeFull(block)
	if err != nil {
		t.Fatal(err)
	}
	want := []decoded{{":status", "200"}, {":status", "418"}, {"vary", strings.Repeat("v", 300)}, {"x-upper", "Value"}}
	for i, f := range want {
		if got[i].Name != f.name || got[i].Value != f.value {
			t.Errorf("%v, want %q", got[i], f)
		}
	}
}

func TestFrames(t *testing.T) {
	h := Head{Length: 0x010203, Type: Headers, Flags: FlagEndHeaders, Stream: MaxWindow}
	if got := ParseHead(h.Append(nil)); got != h {
		t.Errorf("%+v, want %+v", got, h)
	}
	if got := ParseHead(AppendGoAway(nil, 7, EnhanceYourCalm)); got.Type != GoAway || got.Length != 8 {
		t.Errorf("%+v", got)
	}
	name, value := ParseSetting(AppendSetting(nil, MaxFrameSize, 16384))
	if name != MaxFrameSize || value != 16384 {
		t.Error(name, value)
	}
}

// FuzzDecoder holds the decoder against x/net's: what both take they read alike.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte("\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"), []byte("\xbe\x40\x01a\x01b"))
	f.Add([]byte("\x20\x3f\xe1\x1f\x82"), []byte("\x00\x03abc\x00"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var d Decoder
		reference := hpack.NewDecoder(4096, nil)
		for _, block := range [][]byte{first, second} {
			got, err := decodeAll(&d, block, 1<<16)
			if len(d.data) > 3*tableSize || d.size > tableSize || len(d.entries) > 2*tableSize/entryCost {
				t.Fatalf("the table grew: %d bytes, %d entries", len(d.data), len(d.entries))
			}
			want, wantErr := reference.DecodeFull(block)
			if err != nil || wantErr != nil {
				return // who refuses what differs in details
			}
			if len(got) != len(want) {
				t.Fatalf("%q, want %v", got, want)
			}
			for i := range want {
				if got[i].name != want[i].Name || got[i].value != want[i].Value {
					t.Fatalf("%q, want %v", got, want)
				}
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	var buf bytes.Buffer
	enc := hpack.NewEncoder(&buf)
	for _, f := range []hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "127.0.0.1:8080"},
		{Name: ":path", Value: "/some/path"}, {Name: "user-agent", Value: "h2load nghttp2/1.52.0"}} {
		_ = enc.WriteField(f)
	}
	var d Decoder
	dst := make([]byte, 0, 1024)
	block := buf.Bytes()
	b.ReportAllocs()
	for b.Loop() {
		d.Begin()
		rest, out := block, dst[:0]
		for len(rest) > 0 {
			out, rest, _, _ = d.Next(out, rest, 8192)
		}
	}
}

func TestHopeless(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "\xff\xff\xff": false, "\xff\xff\xff\xff": true, "\x42\xff\xff\xff": false, "\x42\xff\xff\xff\xff": true,
		"\x82\x84\x00\xff\xff\xff\xff": true, "\x00\x01a\x7f\xff\xff\xff": true, "\x00\x01a\xff\xff\xff": false, "\x00\x01a\xff\xff\xff\xff": true, "\x3f\xff\xff\xff": true,
		"\x42\x05ab": false, "\x42\x02ab\xff\xff\xff\xff": true,
	} {
		if got := Hopeless([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzHopeless(f *testing.F) {
	f.Add([]byte("\x82\x84\x42\x05ab\x00\x01a\xff\xff\xff\xff"), 4)
	f.Fuzz(func(t *testing.T, block []byte, n int) {
		if n < 0 || n > len(block) || !Hopeless(block[:n]) {
			return
		}
		var d Decoder
		d.Begin()
		for rest, dst := block, []byte(nil); len(rest) > 0; {
			var err error
			if dst, rest, _, err = d.Next(dst, rest, 1<<20); err != nil {
				return
			}
		}
		t.Errorf("%q is taken, and %q was hopeless", block, block[:n])
	})
}
