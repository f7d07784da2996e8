package poll

import (
	"bytes"
	"io"
	"testing"
	"time"
)

// An end with a Rate is read at that rate, in pieces, and as soon as it is stopped tells
// how far it is.
func TestPacedTunnel(t *testing.T) {
	done := make(chan Ending, 1)
	began := time.Now()
	tunnel, leftOther, rightOther, _ := tunnel(t, start(t), func(tn *Tunnel) {
		tn.Ends[0].Rate, tn.Ends[0].Piece = 10_000, 500
		tn.Done = func(_ *Tunnel, why Ending) { done <- why }
	})
	within(t, leftOther, rightOther)
	const size = 25_000
	want := bytes.Repeat([]byte("0123456789"), size/10)
	if _, err := leftOther.Write(want); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, size)
	if _, err := io.ReadFull(rightOther, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%v, or other bytes", err)
	}
	if took := time.Since(began); took < time.Second { // 2.4 s, if nothing is late
		t.Errorf("%d bytes at %d per second took %v", size, tunnel.Ends[0].Rate, took)
	}
	// The other direction does not care, and an end that waits can be stopped.
	if _, err := leftOther.Write(want[:5000]); err != nil {
		t.Fatal(err)
	}
	if _, err := rightOther.Write(want); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(leftOther, got); err != nil {
		t.Fatal(err)
	}
	tunnel.Stop(io.ErrClosedPipe)
	if why := <-done; why.Err != io.ErrClosedPipe {
		t.Errorf("ended because of %v", why.Err)
	}
	at := tunnel.PacedAt(0)
	if other := tunnel.PacedAt(1); other != (Paced{}) || at.Wait < 0 || at.Wait > time.Second || at.Used > tunnel.Ends[0].Rate {
		t.Errorf("at %+v and %+v", at, other)
	}
	// It goes on as if nothing had happened.
	tunnel.Restart()
	rest := make([]byte, 5000)
	if _, err := io.ReadFull(rightOther, rest); err != nil || !bytes.Equal(rest, want[:5000]) {
		t.Fatalf("%v, or other bytes", err)
	}
	if tunnel.Moved(0) != size+5000 || tunnel.Moved(1) != size {
		t.Errorf("%d and %d bytes", tunnel.Moved(0), tunnel.Moved(1))
	}
	tunnel.Stop(io.ErrClosedPipe)
	<-done
	for _, e := range tunnel.Ends {
		e.Conn.Close()
	}
}

// What another process says of a pace makes nobody wait for ever, or not at all.
func TestPauses(t *testing.T) {
	for _, c := range []struct {
		n, rate int64
		want    time.Duration
	}{
		{0, 1, 0}, {1, 1000, time.Millisecond}, {1500, 1000, 1500 * time.Millisecond}, {1, 1 << 60, 0},
		{1 << 62, 1, maxPacedWait}, {-1 << 63, 10, 0}, {1 << 62, 1 << 61, 2 * time.Second},
	} {
		if got := pauseFor(c.n, c.rate); got != c.want {
			t.Errorf("%d bytes at %d: %v, want %v", c.n, c.rate, got, c.want)
		}
	}
}
