package nethttp

import (
	"net"
	"sync"
)

// A door is the listener that the http.Server serves: connections come from the
// socket, and from other workers.
type door struct {
	net.Listener
	worker *worker
	came   chan *Conn
	once   sync.Once
	closed chan struct{}
}

// accept hands on what comes from the socket until the door is closed.
func (d *door) accept() {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			select {
			case <-d.closed:
				return
			default:
				continue // out of descriptors, or the client has gone: the next one may do
			}
		}
		d.put(d.worker.follow(c))
	}
}

// put hands c to the server. One that has missed it is offered on at once.
func (d *door) put(c *Conn) {
	select {
	case d.came <- c:
	case <-d.closed:
		_, _ = c.move() // or it is lost, as it would be in the queue of the socket
		c.Close()
	}
}

// Accept implements [net.Listener].
func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.came:
		return c, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener]. The server goes on with the connections it has.
func (d *door) Close() error {
	var err error
	d.once.Do(func() {
		close(d.closed)
		err = d.Listener.Close()
	})
	return err
}
