package nethttp

import (
	"net"
	"sync"
	"time"
)

// A door is the listener that the http.Server serves: connections come from the
// socket until it is shut, and from other workers until it is closed.
type door struct {
	net.Listener
	worker *worker
	came   chan *Conn

	shuts, closes     sync.Once
	shutting, closing chan struct{}
}

func newDoor(l net.Listener, w *worker) *door {
	return &door{Listener: l, worker: w, came: make(chan *Conn), shutting: make(chan struct{}), closing: make(chan struct{})}
}

// acceptPause is how long accept waits when it fails, as for want of descriptors.
const acceptPause = 10 * time.Millisecond

// accept hands on what comes from the socket until the door is shut.
func (d *door) accept() {
	for {
		c, err := d.Listener.Accept()
		if err == nil {
			d.put(d.worker.follow(c))
			continue
		}
		select {
		case <-d.shutting:
			return
		case <-time.After(acceptPause):
		}
	}
}

// put hands c to the server.
func (d *door) put(c *Conn) {
	select {
	case d.came <- c:
	case <-d.closing:
		c.Close() // the process ends
	}
}

// Accept implements [net.Listener].
func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.came:
		return c, nil
	case <-d.closing:
		return nil, net.ErrClosed
	}
}

// shut ends accepting from the socket.
func (d *door) shut() (err error) {
	d.shuts.Do(func() {
		close(d.shutting)
		err = d.Listener.Close()
	})
	return err
}

// Close implements [net.Listener]. The server goes on with the connections it has.
func (d *door) Close() error {
	err := d.shut()
	d.closes.Do(func() { close(d.closing) })
	return err
}
