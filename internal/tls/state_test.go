package tls

import (
	"testing"

	"github.com/fxamacker/cbor/v2"

	"github.com/baton-project/baton/internal/tls/record"
)

// A stream that goes through a State is what it was, with what was on its way.
func TestStateHoldsAll(t *testing.T) {
	keys := func(b byte) record.Keys {
		return record.Keys{Secret: []byte{b, 31: b}, Seq: uint64(b)}
	}
	from := &State{Version: record.TLS13, Suite: 0x1301, Read: keys(1), Write: keys(2), Pending: []byte{24, 0}, OwesUpdate: true,
		OwesRefusal: true, Ended: true, Sizes: [3]int{1, 2, 3}, Bulk: []byte("abcdef"), Curve: 29, ServerName: "a", Protocol: "b",
		Resumed: true, Suites: []uint16{1}, Curves: []uint16{2}, TrustCode: 20, TrustText: "c"}
	var b Buffers
	made, err := b.Import(from)
	if err != nil {
		t.Fatal(err)
	}
	if string(made.plain) != "a" || string(made.in[made.at:made.end]) != "bc" || string(made.unsent) != "def" || !made.Unsent() {
		t.Errorf("%q %q %q", made.plain, made.in[made.at:made.end], made.unsent)
	}
	to, err := made.Export()
	if err != nil {
		t.Fatal(err)
	}
	want, _ := cbor.Marshal(from)
	if got, _ := cbor.Marshal(to); string(got) != string(want) {
		t.Errorf("%+v\n%+v", to, from)
	}
}

// FuzzImport makes streams of any state: it refuses what is none, without a panic.
func FuzzImport(f *testing.F) {
	b, err := cbor.Marshal(&State{Version: record.TLS12, Suite: 0xc02f, Read: record.Keys{Key: make([]byte, 16), IV: make([]byte, 4)},
		Write: record.Keys{Key: make([]byte, 16), IV: make([]byte, 4)}, Sizes: [3]int{1, 1, 1}, Bulk: []byte{1, 2, 3}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, text []byte) {
		var s State
		if cbor.Unmarshal(text, &s) != nil {
			return
		}
		var b Buffers
		made, err := b.Import(&s)
		if err != nil {
			return
		}
		made.r.Rest()
		if err := made.r.Wake(); err != nil {
			t.Fatal(err)
		}
		if _, err := made.Export(); err != nil {
			t.Fatal(err)
		}
		_, _, _, _ = made.r.Next(made.in[made.at:made.end])
	})
}
