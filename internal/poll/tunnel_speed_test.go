package poll

import (
	"io"
	"testing"
)

// BenchmarkTunnelEcho is a message there and back, as of a WebSocket.
func BenchmarkTunnelEcho(b *testing.B) {
	r := start(b)
	_, x, y, _ := tunnel(b, r, nil)
	go io.Copy(y, y)
	message := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.Write(message); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(x, message); err != nil {
			b.Fatal(err)
		}
	}
	x.Close()
}

// BenchmarkTunnelBulk is a stream in one direction.
func BenchmarkTunnelBulk(b *testing.B) {
	r := start(b)
	_, x, y, _ := tunnel(b, r, nil)
	go io.Copy(io.Discard, y)
	block := make([]byte, 256<<10)
	b.SetBytes(int64(len(block)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := x.Write(block); err != nil {
			b.Fatal(err)
		}
	}
	x.Close()
}
