package fd

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestOwnedClosesOnce(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	o, err := FromFile(r)
	if err != nil {
		t.Fatal(err)
	}
	n := o.Raw()
	if err := o.Close(); err != nil {
		t.Fatalf("first Close: %v", err)
	}
	if err := o.Close(); !errors.Is(err, os.ErrClosed) {
		t.Fatalf("second Close: %v, want os.ErrClosed", err)
	}
	if _, err := unix.FcntlInt(uintptr(n), unix.F_GETFD, 0); err != unix.EBADF {
		t.Fatalf("descriptor %d is still open: %v", n, err)
	}
	if new(Owned).Raw() != -1 {
		t.Fatal("the zero value owns something")
	}
}

// A socket handed to a worker is shared with the master; turning one side's
// descriptor to blocking mode would turn everybody's.
func TestFromFileKeepsNonblock(t *testing.T) {
	p, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(p[1])
	f := New(p[0]).File("socket")
	defer f.Close()
	o, err := FromFile(f)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	flags, err := unix.FcntlInt(uintptr(p[0]), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_NONBLOCK == 0 {
		t.Fatalf("O_NONBLOCK was lost: flags %#x, %v", flags, err)
	}
}

func TestMemfdCannotChange(t *testing.T) {
	want := bytes.Repeat([]byte("secret "), 10000)
	o, err := Memfd("test", want)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if _, err := unix.Pwrite(o.Raw(), []byte("x"), 0); err == nil {
		t.Fatal("a sealed file was written")
	}
	for range 2 { // reading moves no shared offset
		got, err := ReadSealed(o)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("read %d bytes, %v; want %d", len(got), err, len(want))
		}
	}
	plain, err := unix.MemfdCreate("plain", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	open := New(plain)
	defer open.Close()
	if _, err := ReadSealed(open); !errors.Is(err, ErrNotSealed) {
		t.Fatalf("unsealed file: %v, want ErrNotSealed", err)
	}
}

func TestChannelCarriesMessagesAndDescriptors(t *testing.T) {
	a, b, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	mem, err := Memfd("carried", []byte("across"))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	if err := a.Send([]byte("one"), mem); err != nil {
		t.Fatal(err)
	}
	if err := a.Send([]byte("two")); err != nil {
		t.Fatal(err)
	}
	if mem.Raw() < 0 {
		t.Fatal("Send took the descriptor; it is only lent")
	}
	buf := make([]byte, MaxMessage)
	msg, files, err := b.Receive(buf)
	if err != nil || string(msg) != "one" || len(files) != 1 {
		t.Fatalf("got %q with %d descriptors, %v", msg, len(files), err)
	}
	data, err := ReadSealed(files[0])
	if err != nil || string(data) != "across" {
		t.Fatalf("descriptor holds %q, %v", data, err)
	}
	CloseAll(files)
	if msg, files, err = b.Receive(buf); err != nil || string(msg) != "two" || len(files) != 0 {
		t.Fatalf("got %q with %d descriptors, %v", msg, len(files), err)
	}
	a.Close()
	if _, _, err := b.Receive(buf); err != io.EOF {
		t.Fatalf("after Close of the peer: %v, want EOF", err)
	}
	if err := b.Send([]byte("late")); !errors.Is(err, unix.EPIPE) {
		t.Fatalf("send to a closed peer: %v, want EPIPE", err)
	}
}

func TestChannelRefusesWhatDoesNotFit(t *testing.T) {
	a, b, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	if err := a.Send(nil); !errors.Is(err, ErrEmptyMessage) {
		t.Fatalf("empty message: %v", err)
	}
	if err := a.Send(make([]byte, MaxMessage+1)); !errors.Is(err, ErrMessageTooLong) {
		t.Fatalf("long message: %v", err)
	}
	mem, err := Memfd("lost", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	before := countDescriptors(t)
	if err := a.Send(make([]byte, 100), mem); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Receive(make([]byte, 10)); !errors.Is(err, ErrMessageTooLong) {
		t.Fatalf("short buffer: %v", err)
	}
	if after := countDescriptors(t); after != before {
		t.Fatalf("%d descriptors before a refused message, %d after", before, after)
	}
}

func TestChannelDeadlineAndClose(t *testing.T) {
	a, b, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := a.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Receive(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("past deadline: %v", err)
	}
	if err := a.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := a.Receive(make([]byte, 1))
		done <- err
	}()
	a.Close()
	if err := <-done; err == nil {
		t.Fatal("Receive on a closed channel returned no error")
	}
}

func TestShutdownReadKeepsWhatIsQueued(t *testing.T) {
	a, b, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	if err := a.Send([]byte("ack")); err != nil {
		t.Fatal(err)
	}
	if err := b.ShutdownRead(); err != nil {
		t.Fatal(err)
	}
	if err := a.Send([]byte("late")); !errors.Is(err, unix.EPIPE) {
		t.Fatalf("send after the peer's ShutdownRead: %v, want EPIPE", err)
	}
	msg, _, err := b.Receive(make([]byte, 10))
	if err != nil || string(msg) != "ack" {
		t.Fatalf("queued message: %q, %v", msg, err)
	}
}

func countDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
