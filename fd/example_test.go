package fd_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/baton-project/baton/fd"
)

// A file goes from one end of a channel to the other, as it does between two
// processes. The usual errors are left out.
func Example() {
	ours, theirs, _ := fd.Pair()
	defer ours.Close()
	defer theirs.Close()

	greeting, _ := fd.Memfd("greeting", []byte("hello"))
	_ = ours.Send([]byte("for you"), greeting)
	greeting.Close() // the other end has a descriptor of its own

	buf := make([]byte, fd.MaxMessage)
	msg, files, _ := theirs.Receive(buf)
	text, _ := fd.ReadSealed(files[0])
	fmt.Printf("%s: %s\n", msg, text)
	fd.CloseAll(files)
	// Output: for you: hello
}

// A descriptor has one owner at a time.
func ExampleOwned() {
	var n [2]int
	if err := unix.Pipe2(n[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		fmt.Println(err)
		return
	}
	r, w := fd.New(n[0]), fd.New(n[1])

	again, _ := w.Dup() // a second one, of the same pipe
	_, _ = unix.Write(again.Raw(), []byte("one "))
	fmt.Println("closed:", again.Close(), "and again:", again.Close())

	f := w.File("pipe") // f has it now, and w nothing
	fmt.Fprint(f, "two")
	fmt.Println("w is", w.Raw())
	f.Close()

	in := os.NewFile(uintptr(r.Take()), "pipe") // ours alone to close
	defer in.Close()
	text, _ := io.ReadAll(in)
	fmt.Printf("%s\n", text)
	// Output:
	// closed: <nil> and again: file already closed
	// w is -1
	// one two
}

// Put is for a descriptor that is part of a larger value.
func ExampleOwned_Put() {
	type client struct {
		name   string
		socket fd.Owned
	}
	n, _ := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	c := client{name: "a client"}
	c.socket.Put(n)
	fmt.Println(c.name, "is open:", c.socket.Raw() >= 0)
	fmt.Println(c.socket.Close())
	// Output:
	// a client is open: true
	// <nil>
}

// A file that somebody else has open is shared, and stays as it is.
func ExampleFromFile() {
	f, _ := os.Open("/dev/null")
	defer f.Close()
	o, _ := fd.FromFile(f)
	fmt.Println(o.Raw() != -1, o.Close())
	// Output: true <nil>
}

// A memory file that can still change is not read.
func ExampleReadSealed() {
	n, _ := unix.MemfdCreate("open", unix.MFD_CLOEXEC)
	o := fd.New(n)
	defer o.Close()
	_, err := fd.ReadSealed(o)
	fmt.Println(errors.Is(err, fd.ErrNotSealed))
	// Output: true
}

// A channel is made of a socket that came from elsewhere, such as a parent.
func ExampleNewChannel() {
	ends, _ := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	a, _ := fd.NewChannel(fd.New(ends[0]))
	b, _ := fd.NewChannel(fd.New(ends[1]))
	defer a.Close()

	fmt.Println("too long:", errors.Is(a.Send(make([]byte, fd.MaxMessage+1)), fd.ErrMessageTooLong))
	fmt.Println("empty:", errors.Is(a.Send(nil), fd.ErrEmptyMessage))
	fmt.Println("too many:", a.Send([]byte("x"), make([]*fd.Owned, fd.MaxDescriptors+1)...) != nil)
	b.Close()
	_, _, err := a.Receive(make([]byte, 10))
	fmt.Println("the other end is closed:", err == io.EOF)
	// Output:
	// too long: true
	// empty: true
	// too many: true
	// the other end is closed: true
}

// Waiting can be bounded, or not be done at all.
func ExampleChannel() {
	a, b, _ := fd.Pair()
	defer a.Close()
	defer b.Close()
	buf := make([]byte, 10)

	_, _, err := a.TryReceive(buf)
	fmt.Println("nothing there:", errors.Is(err, unix.EAGAIN))
	_ = a.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, _, err = a.Receive(buf)
	fmt.Println("nothing in time:", errors.Is(err, os.ErrDeadlineExceeded))
	_ = a.SetDeadline(time.Time{}) // no bound any more, also for Send

	// Another descriptor of the same end, for a third process.
	o, _ := a.Owned()
	defer o.Close()

	// What was sent before the end of receiving is still there.
	_ = b.Send([]byte("in time"))
	_ = a.ShutdownRead()
	fmt.Println("too late:", errors.Is(b.Send([]byte("too late")), unix.EPIPE))
	msg, _, _ := a.Receive(buf)
	fmt.Printf("%s\n", msg)
	// Output:
	// nothing there: true
	// nothing in time: true
	// too late: true
	// in time
}
