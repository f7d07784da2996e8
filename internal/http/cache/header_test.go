package cache

import (
	"errors"
	"hash/crc32"
	"strings"
	"testing"
)

func TestHeaderIsReadAsItWasWritten(t *testing.T) {
	key := []byte("http://127.0.0.1:8080/x")
	want := Header{ValidUntil: 1, UpdatingFor: 2, ErrorFor: 3, LastModified: -1, Date: 5, CRC: crc32.ChecksumIEEE(key),
		HeadStart: HeadStart(len(key)), BodyStart: HeadStart(len(key)) + 4, ETag: `"e"`, Vary: "Accept", Variant: Key{1, 2}}
	file := append(want.AppendStart(nil, key), "HEAD"...)
	if text := string(file[HeaderSize:]); text != "\nKEY: http://127.0.0.1:8080/x\nHEAD" {
		t.Errorf("behind the fixed part there is %q", text)
	}
	var got Header
	if err := got.Parse(file, key, want.CRC); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for name, c := range map[string]struct {
		change func([]byte) []byte
		want   error
	}{
		"short":       {func(b []byte) []byte { return b[:40] }, ErrTooSmall},
		"version":     {func(b []byte) []byte { b[0] = 4; return b }, ErrVersion},
		"crc":         {func(b []byte) []byte { b[atCRC]++; return b }, ErrCollision},
		"key":         {func(b []byte) []byte { b[HeaderSize+8]++; return b }, ErrCollision},
		"body beyond": {func(b []byte) []byte { b[atBodyStart+1] = 255; return b }, ErrTooLong},
		"body before": {func(b []byte) []byte { b[atBodyStart+1] = 0; return b }, ErrTooLong},
		"vary":        {func(b []byte) []byte { b[atVaryLen] = 129; return b }, ErrVary},
		"etag":        {func(b []byte) []byte { b[atETagLen] = 255; return b }, ErrVary},
	} {
		if err := got.Parse(c.change([]byte(strings.Clone(string(file)))), key, want.CRC); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzHeader(f *testing.F) {
	key := []byte("/key")
	h := Header{CRC: crc32.ChecksumIEEE(key), HeadStart: HeadStart(len(key)), BodyStart: HeadStart(len(key)) + 2, Vary: "a, b", ETag: "x"}
	f.Add(append(h.AppendStart(nil, key), "xy"...))
	f.Add([]byte{5})
	f.Fuzz(func(t *testing.T, file []byte) {
		var got Header
		if got.Parse(file, key, h.CRC) != nil {
			return
		}
		if got.HeadStart > got.BodyStart || got.BodyStart > len(file) || len(got.Vary) > MaxVary || len(got.ETag) > MaxETag {
			t.Errorf("%+v of %d bytes", got, len(file))
		}
		var again Header
		if err := again.Parse(append(got.AppendStart(nil, key), file[got.HeadStart:]...), key, h.CRC); err != nil {
			t.Error(err)
		}
		Variant(Key{}, got.Vary, func(string) []string { return []string{got.ETag} })
	})
}
