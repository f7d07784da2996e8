package poll

import (
	"errors"
	"io"
	"testing"
	"time"
)

func TestSleepLeavesBytesUnread(t *testing.T) {
	r := start(t)
	c, peer := pair(t, r, nil)
	go func() {
		waitForWaiter(c)
		io.WriteString(peer, "abc")
	}()
	from := time.Now()
	if err := c.Sleep(30 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(from); d < 28*time.Millisecond {
		t.Fatalf("slept %v, want at least 30 ms", d)
	}
	b := make([]byte, 10)
	if n, err := c.Read(b); n != 3 || err != nil {
		t.Fatalf("read %d, %v", n, err)
	}
	if err := c.Sleep(0); err != nil {
		t.Fatal(err)
	}
}

func TestSleepEndsWithThePeer(t *testing.T) {
	r := start(t)
	c, peer := pair(t, r, nil)
	go func() {
		waitForWaiter(c)
		peer.Close()
	}()
	for range 2 {
		if err := c.Sleep(time.Hour); err != io.EOF {
			t.Fatalf("%v, want the end of the stream", err)
		}
	}
}

func TestSleepEndsWithACause(t *testing.T) {
	r := start(t)
	c, _ := pair(t, r, nil)
	cause := errors.New("cause")
	go func() {
		waitForWaiter(c)
		c.Wake(cause)
	}()
	if err := c.Sleep(time.Hour); err != cause {
		t.Fatalf("%v, want the cause", err)
	}
}
