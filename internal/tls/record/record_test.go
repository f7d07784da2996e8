package record

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The records of the application in RFC 8448, section 3.
func TestRFC8448(t *testing.T) {
	data := make([]byte, 50)
	for i := range data {
		data[i] = byte(i)
	}
	tests := []struct {
		name, secret string
		seq          uint64
		data, alert  string
	}{
		{
			"client", "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5", 0,
			`17 03 03 00 43 a2 3f 70 54 b6 2c 94 d0 af fa fe 82 28 ba 55 cb ef ac ea 42 f9 14 aa 66 bc ab 3f 2b 98 19 a8 a5 b4
			 6b 39 5b d5 4a 9a 20 44 1e 2b 62 97 4e 1f 5a 62 92 a2 97 70 14 bd 1e 3d ea e6 3a ee bb 21 69 49 15 e4`,
			`17 03 03 00 13 c9 87 27 60 65 56 66 b7 4d 7f f1 15 3e fd 6d b6 d0 b0 e3`,
		},
		{
			"server", "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643", 1,
			`17 03 03 00 43 2e 93 7e 11 ef 4a c7 40 e5 38 ad 36 00 5f c4 a4 69 32 fc 32 25 d0 5f 82 aa 1b 36 e3 0e fa f9 7d 90
			 e6 df fc 60 2d cb 50 1a 59 a8 fc c4 9c 4b f2 e5 f0 a2 1c 00 47 c2 ab f3 32 54 0d d0 32 e1 67 c2 95 5d`,
			`17 03 03 00 13 b5 8f d6 71 66 eb f5 99 d2 47 20 cf be 7e fa 7a 88 64 a9`,
		},
	}
	for _, tt := range tests {
		keys := Keys{Secret: unhex(t, tt.secret), Seq: tt.seq}
		var r Reader
		w := Writer{Reader: &r}
		for _, h := range []*Half{&r.Half, &w.Half} {
			if err := h.Import(TLS13, 0x1301, keys.Clone()); err != nil {
				t.Fatal(err)
			}
		}
		got, err := w.Append(nil, data)
		if err != nil || !bytes.Equal(got, unhex(t, tt.data)) {
			t.Errorf("%s: sealed %x, %v", tt.name, got, err)
		}
		if got, err = w.AppendAlert(nil, CloseNotify); err != nil || !bytes.Equal(got, unhex(t, tt.alert)) {
			t.Errorf("%s: sealed the alert %x, %v", tt.name, got, err)
		}
		wire := append(unhex(t, tt.data), unhex(t, tt.alert)...)
		e, n, plain, err := r.Next(wire)
		if err != nil || e != Data || !bytes.Equal(plain, data) {
			t.Errorf("%s: opened %d %x, %v", tt.name, e, plain, err)
		}
		if e, _, _, err = r.Next(wire[n:]); err != nil || e != Closed {
			t.Errorf("%s: the alert is %d, %v", tt.name, e, err)
		}
	}
}

// pairOf makes both ends of one direction.
func pairOf(t testing.TB, version, number uint16) (*Writer, *Reader) {
	t.Helper()
	s, err := findSuite(version, number)
	if err != nil {
		t.Fatal(err)
	}
	keys := Keys{Seq: 1}
	if version == TLS13 {
		keys.Secret = bytes.Repeat([]byte{7}, s.hashSize)
	} else {
		keys.Key, keys.IV = bytes.Repeat([]byte{8}, s.keySize), bytes.Repeat([]byte{9}, s.fixedIV)
	}
	r, w := new(Reader), &Writer{Reader: new(Reader)}
	for _, h := range []*Half{&r.Half, &w.Half} {
		if err := h.Import(version, number, keys.Clone()); err != nil {
			t.Fatal(err)
		}
	}
	return w, r
}

// Every suite carries what it is given, over an export and an import in the middle,
// and neither side allocates for a record.
func TestSuites(t *testing.T) {
	for number, s := range suites {
		w, r := pairOf(t, s.version, number)
		for round, size := range []int{0, 1, 100, MaxPlain} {
			plain := bytes.Repeat([]byte{byte(size)}, size)
			sealed, err := w.Append(nil, plain)
			if err != nil {
				t.Fatal(err)
			}
			if len(sealed) > size+Overhead || Need(sealed) != len(sealed) {
				t.Errorf("%04x: a record of %d bytes for %d", number, len(sealed), size)
			}
			e, n, got, err := r.Next(sealed)
			if err != nil || e != Data || n != len(sealed) || !bytes.Equal(got, plain) {
				t.Fatalf("%04x: got %d, %d bytes, %v", number, e, n, err)
			}
			if round == 1 {
				version, suite, keys := r.Export()
				moved := new(Reader)
				if err := moved.Import(version, suite, keys.Clone()); err != nil {
					t.Fatal(err)
				}
				r = moved
			}
		}
		room, plain := make([]byte, 0, 4<<10), make([]byte, 1<<10)
		allocs := testing.AllocsPerRun(100, func() {
			sealed, err := w.Append(room, plain)
			if err == nil {
				_, _, _, err = r.Next(sealed)
			}
			if err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%04x: %v allocations for a record", number, allocs)
		}
	}
}

// New keys are taken when the peer changes its own, and made when it asks.
func TestKeyUpdate(t *testing.T) {
	w, r := pairOf(t, TLS13, 0x1302)
	sealed, err := w.AppendKeyUpdate(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	if sealed, err = w.Append(sealed, []byte("new")); err != nil {
		t.Fatal(err)
	}
	e, n, _, err := r.Next(sealed)
	if err != nil || e != Silent || !r.OwesUpdate() {
		t.Fatalf("got %d, %v", e, err)
	}
	if _, _, plain, err := r.Next(sealed[n:]); err != nil || string(plain) != "new" {
		t.Fatalf("got %q, %v", plain, err)
	}
	answer, peer := pairOf(t, TLS13, 0x1302)
	answer.Reader = r
	if sealed, err = answer.Append(nil, []byte("mine")); err != nil {
		t.Fatal(err)
	}
	e, n, _, err = peer.Next(sealed)
	if err != nil || e != Silent || peer.OwesUpdate() || r.OwesUpdate() {
		t.Fatalf("got %d, %v", e, err)
	}
	if _, _, plain, err := peer.Next(sealed[n:]); err != nil || string(plain) != "mine" {
		t.Fatalf("got %q, %v", plain, err)
	}
}

// What no peer may send is refused with the alert that fits.
func TestRefused(t *testing.T) {
	seal := func(kind byte, plain []byte) []byte {
		w, _ := pairOf(t, TLS13, 0x1301)
		b, err := w.seal(nil, kind, plain)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	broken := seal(typeData, []byte("x"))
	broken[len(broken)-1]++
	tests := []struct {
		name string
		wire []byte
		want Alert
	}{
		{"a bit turned", broken, BadRecordMAC},
		{"too long", []byte{23, 3, 3, 0x41, 1}, RecordOverflow},
		{"plain text", []byte{22, 3, 3, 0, 1, 1}, UnexpectedMsg},
		{"another protocol", []byte("HTTP/1.1 400"), ProtocolVersion},
		{"too short", []byte{23, 3, 3, 0, 2, 1, 1}, BadRecordMAC},
		{"a hello", seal(typeHandshake, []byte{1, 0, 0, 0}), UnexpectedMsg},
		{"a ticket for a server", seal(typeHandshake, []byte{4, 0, 0, 0}), UnexpectedMsg},
		{"an update that is no flag", seal(typeHandshake, []byte{24, 0, 0, 1, 2}), DecodeError},
		{"an update before the end", seal(typeHandshake, []byte{24, 0, 0, 1, 0, 24}), UnexpectedMsg},
		{"an endless message", seal(typeHandshake, []byte{4, 0xff, 0, 0}), UnexpectedMsg},
		{"an alert of one byte", seal(typeAlert, []byte{1}), DecodeError},
		{"an unknown type", seal(99, []byte{1}), UnexpectedMsg},
	}
	for _, tt := range tests {
		_, r := pairOf(t, TLS13, 0x1301)
		_, _, _, err := r.Next(tt.wire)
		var bad *BadRecord
		if !errors.As(err, &bad) || bad.Alert != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	_, r := pairOf(t, TLS13, 0x1301)
	var peer *PeerAlert
	if _, _, _, err := r.Next(seal(typeAlert, []byte{2, 48})); !errors.As(err, &peer) || peer.Error() != "alert unknown ca" {
		t.Errorf("got %v", err)
	}
}

// A peer cannot keep us busy with records that carry nothing.
func TestSilence(t *testing.T) {
	w, r := pairOf(t, TLS13, 0x1301)
	for i := range 2 * maxSilent {
		sealed, err := w.Append(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err = r.Next(sealed); err != nil {
			if i < maxSilent {
				t.Errorf("refused after %d records", i)
			}
			return
		}
	}
	t.Error("never refused")
}

// Whatever the peer has in its records, we neither panic nor keep more than one
// message.
func FuzzReader(f *testing.F) {
	f.Add(uint8(22), []byte{24, 0, 0, 1, 1}, []byte{23, 3, 3, 0, 2, 1, 1})
	f.Add(uint8(21), []byte{1, 0}, []byte{})
	f.Add(uint8(22), []byte{4, 0, 0, 9, 1}, []byte{22, 3, 3, 0, 1, 1})
	f.Fuzz(func(t *testing.T, kind uint8, plain, after []byte) {
		for _, number := range []uint16{0x1301, 0xc02f, 0xcca8} {
			w, r := pairOf(t, suites[number].version, number)
			r.Client = len(after)%2 == 0
			wire, err := w.seal(nil, kind, plain[:min(len(plain), MaxPlain)])
			if err != nil {
				t.Fatal(err)
			}
			wire = append(wire, after...)
			for {
				e, n, _, err := r.Next(wire)
				if err != nil || e == More || e == Closed {
					break
				}
				wire = wire[n:]
			}
			if len(r.Pending()) > maxMessage+MaxPlain {
				t.Errorf("%d bytes are kept", len(r.Pending()))
			}
		}
	})
}
