package proxyproto

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"net/netip"
	"strings"
	"testing"
)

func TestReadV1(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want *Header
		n    int
		err  string
	}{
		{in: "PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\nGET", want: &Header{"192.0.2.1", "192.0.2.2", 1234, 80, ""}, n: 40},
		{in: "PROXY TCP6 2001:DB8::1 ::1 65535 0\r\n", want: &Header{"2001:DB8::1", "::1", 65535, 0, ""}, n: 36},
		{in: "PROXY TCP4 ::1 1...: 1 2\r\n", want: &Header{"::1", "1...:", 1, 2, ""}, n: 26}, // as written
		{in: "PROXY UNKNOWN\r\n", n: 15},
		{in: "PROXY UNKNOWN anything at all\r\nX", n: 31},
		{in: "PROXY UNKNOWN", err: `broken header: "PROXY UNKNOWN"`},
		{in: "GET / HTTP/1.1\r\n", err: `broken header: "GET / HTTP/1.1"`},
		{in: "", err: `broken header: ""`},
		{in: "PROXY ", err: `broken header: "PROXY "`},
		{in: "PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n", err: `broken header: "PROXY TCP5 1.1.1.1 1.1.1.1 1 1"`},
		{in: "PROXY TCP4 1.1.1.g 1.1.1.1 1 1\r\n", err: `broken header: "PROXY TCP4 1.1.1.g 1.1.1.1 1 1"`},
		{in: "PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n", err: `broken header: "PROXY TCP4 1.1.1.1 1.1.1.1 65536 1"`},
		{in: "PROXY TCP4 1.1.1.1 1.1.1.1  1\r\n", err: `broken header: "PROXY TCP4 1.1.1.1 1.1.1.1  1"`},
		{in: "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r", err: `broken header: "PROXY TCP4 1.1.1.1 1.1.1.1 1 1"`},
		{in: "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\n", err: `broken header: "PROXY TCP4 1.1.1.1 1.1.1.1 1 1"`},
		{in: "PROXY TCP4 1.1.1.1 1.1.1.1 1 1\rx", err: `broken header: "PROXY TCP4 1.1.1.1 1.1.1.1 1 1"`},
	} {
		check(t, []byte(tt.in), tt.want, tt.n, tt.err)
	}
}

func check(t *testing.T, in []byte, want *Header, n int, text string) {
	t.Helper()
	h, got, err := Read(in)
	switch {
	case text != "":
		var e *Error
		if !errors.As(err, &e) || e.Error() != text {
			t.Errorf("%q: error %v, want %s", in, err, text)
		}
	case err != nil:
		t.Errorf("%q: %v", in, err)
	case got != n || (h == nil) != (want == nil) || h != nil && *h != *want:
		t.Errorf("%q: %+v, %d; want %+v, %d", in, h, got, want, n)
	}
}

// v2 is a header with any content.
func v2(command, family byte, body string) []byte {
	b := append([]byte(signature), command, family)
	return append(binary.BigEndian.AppendUint16(b, uint16(len(body))), body...)
}

func TestReadV2(t *testing.T) {
	four := "\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x00\x50"
	six := "\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01" + strings.Repeat("\x00", 15) + "\x01\x04\xd2\x00\x50"
	unix := strings.Repeat("/", 216)
	for _, tt := range []struct {
		in   []byte
		want *Header
		n    int
		err  string
	}{
		{in: v2(0x21, 0x11, four), want: &Header{"192.0.2.1", "192.0.2.2", 1234, 80, ""}, n: 28},
		{in: v2(0x21, 0x11, four+"\x05\x00\x01x"), want: &Header{"192.0.2.1", "192.0.2.2", 1234, 80, "\x05\x00\x01x"}, n: 32},
		{in: v2(0x21, 0x21, six), want: &Header{"2001:db8::1", "::1", 1234, 80, ""}, n: 52},
		{in: v2(0x20, 0x00, ""), n: 16},
		{in: v2(0x20, 0x11, four), n: 28},
		{in: v2(0x2f, 0x11, four), n: 28},
		{in: v2(0x21, 0x12, four), n: 28},
		{in: v2(0x21, 0x31, unix), n: 16 + 216},
		{in: v2(0x21, 0x01, "abc"), n: 19},
		{in: v2(0x11, 0x11, four), err: "unknown PROXY protocol version: 1"},
		{in: v2(0x21, 0x11, four)[:27], err: "header is too large"},
		{in: v2(0x21, 0x11, four[:11]), err: "incomplete addresses in PROXY protocol header"},
		{in: v2(0x21, 0x21, six[:35]), err: "incomplete addresses in PROXY protocol header"},
		{in: v2(0x21, 0x11, four)[:15], err: `broken header: ""`},
	} {
		check(t, tt.in, tt.want, tt.n, tt.err)
	}
}

func TestTLV(t *testing.T) {
	inner := "\x21\x00\x07TLSv1.2\x22\x00\x07foo.bar\x99\x00\x01z"
	h := Header{tlvs: "\x01\x00\x02h2" + "\xae\x00\x00" + "\x20\x00" + string(byte(5+len(inner))) + "\x07\x00\x00\x01\x00" + inner + "\x05\x00\x03a"}
	for name, want := range map[string]string{
		"alpn": "h2", "0x01": "h2", "0x1": "h2", "0xae": "", "0xAE": "", "ssl_version": "TLSv1.2", "ssl_cn": "foo.bar",
		"ssl_0x99": "z", "ssl_verify": "256", "ssl": "\x07\x00\x00\x01\x00" + inner,
	} {
		if value, ok, err := h.TLV(FieldNamed(name)); !ok || value != want || err != nil {
			t.Errorf("%s: %q, %v, %v", name, value, ok, err)
		}
	}
	for name, want := range map[string]string{
		"unique_id": "broken PROXY protocol TLV", "0xff": "broken PROXY protocol TLV", "ssl_cipher": "", "ssl_0x100": "",
		"0x": `invalid PROXY protocol TLV "0x"`, "0xg": `invalid PROXY protocol TLV "0xg"`, "0x0_1": `invalid PROXY protocol TLV "0x0_1"`,
		"ssl_0xffffffffffffffffff": `invalid PROXY protocol TLV "ssl_0xffffffffffffffffff"`,
		"cn":                       `unknown PROXY protocol TLV "cn"`, "ssl_alpn": `unknown PROXY protocol TLV "ssl_alpn"`,
	} {
		value, ok, err := h.TLV(FieldNamed(name))
		text := ""
		if err != nil {
			text = err.Error()
		}
		if ok || value != "" || text != want {
			t.Errorf("%s: %q, %v, %v; want %q", name, value, ok, err, want)
		}
	}
	if _, ok, err := (&Header{tlvs: "\x20\x00\x01x"}).TLV(FieldNamed("ssl_cn")); ok || err == nil {
		t.Errorf("a short ssl: %v, %v", ok, err)
	}
	if _, ok, err := (&Header{}).TLV(FieldNamed("ssl_cn")); ok || err != nil {
		t.Errorf("no ssl: %v, %v", ok, err)
	}
}

func TestWriteV1(t *testing.T) {
	for _, tt := range []struct{ from, to, want string }{
		{"192.0.2.1:1", "192.0.2.2:65535", "PROXY TCP4 192.0.2.1 192.0.2.2 1 65535\r\n"},
		{"[2001:db8::1]:1", "[::1]:2", "PROXY TCP6 2001:db8::1 ::1 1 2\r\n"},
		{"", "192.0.2.2:1", "PROXY UNKNOWN\r\n"},
		{"192.0.2.2:1", "", "PROXY UNKNOWN\r\n"},
	} {
		if got := string(AppendV1(nil, addrPort(tt.from), addrPort(tt.to))); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

func addrPort(text string) netip.AddrPort {
	if text == "" {
		return netip.AddrPort{}
	}
	return netip.MustParseAddrPort(text)
}

func TestWriteV2(t *testing.T) {
	ssl := &SSL{Client: 7, Verify: 1, TLVs: []TLV{{TypeSSLVersion, "TLSv1.3"}, {TypeSSLCN, "x"}}}
	for _, tt := range []struct {
		from, to   string
		family     byte
		wantSource string
	}{
		{"192.0.2.1:1234", "192.0.2.2:80", 0x11, "192.0.2.1"},
		{"[2001:db8::1]:1234", "[::1]:80", 0x21, "2001:db8::1"},
		{"192.0.2.1:1234", "[::1]:80", 0x21, "::ffff:192.0.2.1"},
		{"[::ffff:192.0.2.1]:1234", "[::ffff:192.0.2.2]:80", 0x11, "192.0.2.1"},
		{"", "[::1]:80", 0, ""},
	} {
		b, err := AppendV2([]byte("before"), addrPort(tt.from), addrPort(tt.to), Stream, []TLV{{TypeALPN, "h2"}}, ssl)
		if err != nil {
			t.Fatal(err)
		}
		b = b[len("before"):]
		h, n, err := Read(b)
		if err != nil || n != len(b) || b[13] != tt.family {
			t.Fatalf("%+v: %d of %d, %v, family %x", tt, n, len(b), err, b[13])
		}
		checkSum(t, b)
		if tt.wantSource == "" {
			if h != nil || b[12] != 0x20 {
				t.Errorf("LOCAL: %+v, %x", h, b[12])
			}
			continue
		}
		if h.Source != tt.wantSource || h.SourcePort != 1234 || h.DestinationPort != 80 {
			t.Errorf("%+v", h)
		}
		for name, want := range map[string]string{"alpn": "h2", "ssl_version": "TLSv1.3", "ssl_cn": "x", "ssl_verify": "1"} {
			if value, ok, err := h.TLV(FieldNamed(name)); value != want || !ok || err != nil {
				t.Errorf("%s: %q %v %v", name, value, ok, err)
			}
		}
	}
}

func checkSum(t *testing.T, b []byte) {
	t.Helper()
	sum := binary.BigEndian.Uint32(b[len(b)-4:])
	plain := append(append([]byte(nil), b[:len(b)-4]...), 0, 0, 0, 0)
	if want := crc32.Checksum(plain, crc32.MakeTable(crc32.Castagnoli)); sum != want {
		t.Errorf("checksum %x, want %x", sum, want)
	}
}

func TestWriteV2Limit(t *testing.T) {
	at := netip.MustParseAddrPort("192.0.2.1:1")
	for _, size := range []int{Max, 1 << 20} {
		long := []TLV{{TypeSSLCN, strings.Repeat("x", size)}}
		if b, err := AppendV2(nil, at, at, Stream, long, nil); !errors.Is(err, ErrTooSmall) || len(b) != 0 {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		if b, err := AppendV2(nil, at, at, Stream, nil, &SSL{TLVs: long}); !errors.Is(err, ErrTooSmall) || len(b) != 0 {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	}
	fits := []TLV{{TypeUniqueID, strings.Repeat("x", Max-fixedSize-inetSize-3-7)}}
	if b, err := AppendV2(nil, at, at, Stream, fits, nil); err != nil || len(b) != Max {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.1 192.0.2.2 1234 80\r\nGET"), "alpn")
	f.Add([]byte("PROXY UNKNOWN x\r\n"), "ssl_cn")
	f.Add(v2(0x21, 0x11, "\xc0\x00\x02\x01\xc0\x00\x02\x02\x04\xd2\x00\x50\x20\x00\x09\x01\x00\x00\x00\x00\x22\x00\x01a"), "ssl_0x22")
	f.Add(v2(0x21, 0x21, strings.Repeat("\x00", 36)), "ssl_verify")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		h, n, err := Read(b)
		if err != nil {
			if h != nil || n != 0 {
				t.Errorf("%+v, %d with %v", h, n, err)
			}
			return
		}
		if n <= 0 || n > len(b) {
			t.Fatalf("%d of %d", n, len(b))
		}
		if h == nil {
			return
		}
		if value, ok, err := h.TLV(FieldNamed(name)); len(value) > len(b) || ok && err != nil {
			t.Errorf("%q, %v, %v", value, ok, err)
		}
		again, m, err := Read(b[:n])
		if err != nil || m != n || *again != *h {
			t.Errorf("%+v, %d, %v without what follows", again, m, err)
		}
	})
}
