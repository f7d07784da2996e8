package poll

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/baton-project/baton/fd"
	"golang.org/x/sys/unix"
)

func TestReadParksUntilBytesArrive(t *testing.T) {
	r := start(t)
	c, peer := pair(t, r, nil)
	for range 3 {
		go func() {
			waitForWaiter(c)
			io.WriteString(peer, "abc")
		}()
		b := make([]byte, 10)
		if n, err := c.Read(b); n != 3 || err != nil {
			t.Fatalf("read %d, %v", n, err)
		}
	}
	if n, err := c.TryRead(make([]byte, 1)); n != 0 || err != ErrAgain {
		t.Fatalf("TryRead: %d, %v, want ErrAgain", n, err)
	}
	if n, err := c.Read(nil); n != 0 || err != nil {
		t.Fatalf("read into nothing: %d, %v", n, err)
	}
	peer.Close()
	for range 2 {
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Fatalf("read at the end: %d, %v", n, err)
		}
	}
}

func waitForWaiter(c *Conn) {
	for end := time.Now().Add(30 * time.Second); !hasWaiter(c) && time.Now().Before(end); {
		time.Sleep(100 * time.Microsecond)
	}
}

func TestReadTimeout(t *testing.T) {
	r := start(t)
	c, peer := pair(t, r, nil)
	c.SetReadTimeout(30 * time.Millisecond)
	for range 2 {
		from := time.Now()
		_, err := c.Read(make([]byte, 1))
		if d := time.Since(from); err != ErrTimeout || d < 28*time.Millisecond {
			t.Fatalf("%v after %v, want ErrTimeout after 30 ms", err, d)
		}
	}
	c.SetReadTimeout(0)
	go func() {
		time.Sleep(50 * time.Millisecond)
		io.WriteString(peer, "x")
	}()
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatalf("without timeout: %d, %v", n, err)
	}
}

// The timeout of a write runs between two writes that took something.
func TestWriteTimeoutStartsAgainWithProgress(t *testing.T) {
	var n int
	var d time.Duration
	for range 20 { // a busy machine may hold the reader up for longer than the timeout
		if n, d = writeToSlowReader(t); n >= 5<<20 && d >= 700*time.Millisecond {
			return
		}
	}
	t.Fatalf("wrote %d, %v; want ErrTimeout 300 ms after the last of five reads", n, d)
}

func writeToSlowReader(t *testing.T) (int, time.Duration) {
	r := start(t)
	c, peer := pair(t, r, nil)
	if err := c.FD(func(n int) error { return unix.SetsockoptInt(n, unix.SOL_SOCKET, unix.SO_SNDBUF, 128<<10) }); err != nil {
		t.Fatal(err)
	}
	peer.(*net.TCPConn).SetReadBuffer(128 << 10)
	c.SetWriteTimeout(300 * time.Millisecond)
	done := make(chan bool)
	go func() {
		defer close(done)
		b := make([]byte, 1<<20)
		for range 5 {
			time.Sleep(100 * time.Millisecond)
			io.ReadFull(peer, b)
		}
	}()
	data := make([]byte, 16<<20)
	from := time.Now()
	n, err := c.Write(data)
	d := time.Since(from)
	if err != ErrTimeout || n == len(data) {
		t.Fatalf("wrote %d, %v after %v; want ErrTimeout", n, err, d)
	}
	c.Close()
	<-done
	return n, d
}

func TestWakeInterruptsWaitsAndLaterOnes(t *testing.T) {
	r := start(t)
	c, peer := pair(t, r, nil)
	cause := errors.New("drain")
	go func() {
		waitForWaiter(c)
		c.Wake(cause)
	}()
	for range 2 {
		if _, err := c.Read(make([]byte, 1)); err != cause {
			t.Fatalf("read: %v, want the cause", err)
		}
	}
	c.Wake(nil)
	io.WriteString(peer, "x")
	if n, err := c.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatalf("after Wake(nil): %d, %v", n, err)
	}
	c.Close()
	c.Wake(cause)
}

// send moves data through c by write and compares what arrives.
func send(t *testing.T, data []byte, write func(c *Conn) (int64, error)) {
	t.Helper()
	r := start(t)
	c, peer := pair(t, r, nil)
	c.SetWriteTimeout(5 * time.Second)
	failed := make(chan error, 1)
	go func() {
		n, err := write(c)
		if err == nil && n != int64(len(data)) {
			err = io.ErrShortWrite
		}
		c.Close()
		failed <- err
	}()
	got, err := io.ReadAll(peer)
	if err != nil {
		t.Fatal(err)
	}
	if err := soon(t, failed); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, data) {
		t.Fatalf("%d bytes arrived and differ from the %d sent", len(got), len(data))
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func TestWriteOfMoreThanFits(t *testing.T) {
	data := randomBytes(8 << 20)
	send(t, data, func(c *Conn) (int64, error) {
		n, err := c.Write(data)
		return int64(n), err
	})
}

func TestWriteMore(t *testing.T) {
	data := randomBytes(3000)
	send(t, data, func(c *Conn) (int64, error) {
		n, err := c.WriteMore(data[:100])
		if err != nil {
			return int64(n), err
		}
		m, err := c.Write(data[100:])
		return int64(n + m), err
	})
}

func TestWritev(t *testing.T) {
	data := randomBytes(9 << 20)
	var bufs [][]byte
	for rest, size := data, 0; len(rest) > 0; size = (size*3 + 1) % 200_000 {
		n := min(size, len(rest))
		bufs = append(bufs, rest[:n])
		rest = rest[n:]
	}
	count := len(bufs)
	send(t, data, func(c *Conn) (int64, error) { return c.Writev(bufs) })
	if len(bufs) != count || len(bufs[1]) == 0 {
		t.Fatal("Writev changed its argument")
	}
	send(t, nil, func(c *Conn) (int64, error) { return c.Writev([][]byte{nil, {}}) })
}

func TestTryWriteStopsWhenFull(t *testing.T) {
	r := start(t)
	c, peer := pair(t, r, nil)
	data := make([]byte, 32<<20)
	n, err := c.TryWrite(data)
	if err == nil || n == 0 || n == len(data) {
		t.Fatalf("wrote %d of %d, %v; want ErrAgain", n, len(data), err)
	}
	go io.Copy(io.Discard, peer)
	if m, err := c.Write(data[n:]); m != len(data)-n || err != nil {
		t.Fatalf("the rest: %d, %v", m, err)
	}
}

func file(t *testing.T, data []byte) *fd.Owned {
	t.Helper()
	o, err := fd.Memfd("file", data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func TestSendfile(t *testing.T) {
	data := randomBytes(9 << 20)
	o := file(t, data)
	send(t, data[1000:], func(c *Conn) (int64, error) { return c.Sendfile(o, 1000, int64(len(data)-1000)) })
	send(t, nil, func(c *Conn) (int64, error) { return c.Sendfile(o, 0, 0) })
}

func TestSendfileOfAFileThatShrank(t *testing.T) {
	r := start(t)
	c, _ := pair(t, r, nil)
	n, err := c.Sendfile(file(t, []byte("short")), 0, 100)
	if n != 5 || err != io.ErrUnexpectedEOF {
		t.Fatalf("sent %d, %v; want 5 and ErrUnexpectedEOF", n, err)
	}
}

// A tunnel reads on one goroutine and writes on another.
func TestReadAndWriteWaitApart(t *testing.T) {
	r := start(t)
	c, peer := pair(t, r, nil)
	data := randomBytes(8 << 20)
	wrote := make(chan error, 1)
	go func() {
		_, err := c.Write(data)
		wrote <- err
	}()
	read := make(chan error, 1)
	go func() {
		_, err := io.ReadFull(struct{ io.Reader }{c}, make([]byte, 3))
		read <- err
	}()
	waitUntil(t, "both wait", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.waiters[reading] != nil && c.waiters[writing] != nil
	})
	io.WriteString(peer, "abc")
	if err := soon(t, read); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, peer, int64(len(data))); err != nil {
		t.Fatal(err)
	}
	if err := soon(t, wrote); err != nil {
		t.Fatal(err)
	}
}

func TestResetIsSeenByBothSides(t *testing.T) {
	r := start(t)
	c, peer := pair(t, r, nil)
	if err := c.CloseReset(); err != nil {
		t.Fatal(err)
	}
	if _, err := peer.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
		t.Fatalf("peer: %v, want ECONNRESET", err)
	}
	c, peer = pair(t, r, nil)
	peer.(*net.TCPConn).SetLinger(0)
	go func() {
		waitForWaiter(c)
		peer.Close()
	}()
	if _, err := c.Read(make([]byte, 1)); err != unix.ECONNRESET {
		t.Fatalf("read: %v, want ECONNRESET", err)
	}
	if _, err := c.Write([]byte("x")); err != unix.EPIPE {
		t.Fatalf("write: %v, want EPIPE", err)
	}
}

func TestShutdownWrite(t *testing.T) {
	r := start(t)
	c, peer := pair(t, r, nil)
	c.Write([]byte("bye"))
	if err := c.ShutdownWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(peer); string(got) != "bye" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	io.WriteString(peer, "still here")
	if n, err := c.Read(make([]byte, 100)); n != 10 || err != nil {
		t.Fatalf("read %d, %v", n, err)
	}
}

func TestClosedConn(t *testing.T) {
	r := start(t)
	c, _ := pair(t, r, nil)
	result := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		result <- err
	}()
	waitForWaiter(c)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := soon(t, result); err != os.ErrClosed {
		t.Fatalf("waiting read: %v, want ErrClosed", err)
	}
	for name, c := range map[string]*Conn{"closed": c, "zero": new(Conn)} {
		b := []byte("x")
		_, readErr := c.Read(b)
		_, tryErr := c.TryRead(b)
		_, writeErr := c.Write(b)
		_, writevErr := c.Writev([][]byte{b})
		_, fileErr := c.Sendfile(file(t, b), 0, 1)
		_, addrErr := c.LocalAddr()
		for _, err := range []error{readErr, tryErr, writeErr, writevErr, fileErr, addrErr, c.ShutdownWrite(), c.Close(), c.CloseReset()} {
			if err != os.ErrClosed {
				t.Errorf("%s: %v, want ErrClosed", name, err)
			}
		}
	}
}
