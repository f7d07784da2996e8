package diff_test

import (
	"bufio"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// A backend is what both programs pass requests on to. It keeps what it gets,
// byte by byte, and answers by a script.
//
// A script is the text of an answer. The next request, whatever connection it
// comes on, gets what stands behind "|next|", and the last part is repeated.
// Within an answer "|close|" closes the connection, "|reset|" breaks it,
// "|bytes|" sends the rest byte by byte, "|pause|" lets some time pass, and
// "|wait|" waits until the other side closes. An answer that begins with
// "|early|" is sent when the head of the request is there. Behind an answer
// that does none of that the connection is kept.
type backend struct {
	listener net.Listener

	mu       sync.Mutex
	script   []string
	requests []string
	open     map[net.Conn]bool
}

// startBackend listens until the test ends.
func startBackend(t *testing.T, script string) *backend {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{listener: l, script: strings.Split(strings.ReplaceAll(script, "{{back}}", l.Addr().String()), "|next|"), open: make(map[net.Conn]bool)}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.open[c] = true
			b.mu.Unlock()
			all.Go(func() {
				b.converse(c)
				b.mu.Lock()
				delete(b.open, c)
				b.mu.Unlock()
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		b.mu.Lock()
		for c := range b.open {
			_ = c.Close()
		}
		b.mu.Unlock()
		all.Wait()
	})
	return b
}

func (b *backend) addr() string { return b.listener.Addr().String() }

// taken is what came since the last call.
func (b *backend) taken() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.requests
	b.requests = nil
	return taken
}

func (b *backend) converse(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(c)
	for {
		head, err := readHead(in)
		if head == "" && err != nil {
			return
		}
		b.mu.Lock()
		n := len(b.requests)
		b.requests = append(b.requests, head)
		answer := b.script[min(n, len(b.script)-1)]
		b.mu.Unlock()
		answer, early := strings.CutPrefix(answer, "|early|")
		if !early {
			body, bad := readBody(in, head)
			b.mu.Lock()
			if n < len(b.requests) {
				b.requests[n] += body
			}
			b.mu.Unlock()
			err = bad
		}
		if err != nil || !play(c, in, answer) {
			return
		}
	}
}

// play reports whether another request may follow.
func play(c net.Conn, in *bufio.Reader, answer string) bool {
	step := 0
	for i, part := range strings.Split(answer, "|") {
		if i%2 == 0 {
			for len(part) > 0 {
				n := len(part)
				if step > 0 {
					n = step
				}
				if _, err := io.WriteString(c, part[:n]); err != nil {
					return false
				}
				part = part[n:]
			}
			continue
		}
		switch part {
		case "close":
			return false
		case "reset":
			_ = c.(*net.TCPConn).SetLinger(0)
			return false
		case "bytes":
			step = 1
		case "pause":
			time.Sleep(30 * time.Millisecond)
		case "wait":
			_, _ = io.Copy(io.Discard, in)
			return false
		}
	}
	return true
}

func readHead(in *bufio.Reader) (head string, err error) {
	for {
		line, err := in.ReadString('\n')
		head += line
		if err != nil || line == "\r\n" {
			return head, err
		}
	}
}

// readBody reads the body that a head announces, with its chunks as they are.
func readBody(in *bufio.Reader, head string) (body string, err error) {
	_, lines, _ := strings.Cut(head, "\r\n")
	fields, err := textproto.NewReader(bufio.NewReader(strings.NewReader(lines))).ReadMIMEHeader()
	if err != nil {
		return "", nil // it is compared, not judged
	}
	if fields.Get("Transfer-Encoding") == "chunked" {
		for {
			line, err := in.ReadString('\n')
			body += line
			size, _ := strconv.ParseUint(strings.TrimSpace(line), 16, 32)
			data := make([]byte, size+2)
			n, bad := io.ReadFull(in, data)
			body += string(data[:n])
			if err != nil || bad != nil || size == 0 {
				return body, bad
			}
		}
	}
	size, _ := strconv.Atoi(fields.Get("Content-Length"))
	data := make([]byte, size)
	n, err := io.ReadFull(in, data)
	return string(data[:n]), err
}
