package fastcgi_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sort"
	"strings"
	"sync"
	"testing"
)

// An app is a FastCGI application whose answers a test writes byte by byte.
type app struct {
	addr  string
	mu    sync.Mutex
	conns int
}

// request is what an app was asked.
type request struct {
	keep   bool
	params map[string]string
	body   string
	pieces int
}

// startApp answers each request with the bytes of answer; the connection is closed
// behind them unless more is true.
func startApp(t *testing.T, answer func(request) (bytes string, more bool)) *app {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{addr: l.Addr().String()}
	var all sync.WaitGroup
	open := make(map[net.Conn]bool)
	t.Cleanup(func() {
		_ = l.Close()
		a.mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		a.mu.Unlock()
		all.Wait()
	})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			a.mu.Lock()
			a.conns++
			open[c] = true
			a.mu.Unlock()
			all.Go(func() {
				defer c.Close()
				in := bufio.NewReader(c)
				for {
					r, err := readRequest(in)
					if err != nil {
						return
					}
					text, more := answer(r)
					if _, err := io.WriteString(c, text); err != nil || !more {
						return
					}
				}
			})
		}
	})
	return a
}

// connections is how many there were.
func (a *app) connections() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.conns
}

func readRequest(in io.Reader) (request, error) {
	r := request{params: make(map[string]string)}
	for {
		var h [8]byte
		if _, err := io.ReadFull(in, h[:]); err != nil {
			return r, err
		}
		content := make([]byte, int(binary.BigEndian.Uint16(h[4:]))+int(h[6]))
		if _, err := io.ReadFull(in, content); err != nil {
			return r, err
		}
		content = content[:binary.BigEndian.Uint16(h[4:])]
		switch {
		case h[0] != 1 || h[3] != 1:
			return r, fmt.Errorf("header %v", h)
		case h[1] == 1:
			r.keep = content[2] == 1
		case h[1] == 4:
			for len(content) > 0 {
				var n [2]int
				for i := range n {
					if n[i] = int(content[0]); n[i] < 128 {
						content = content[1:]
						continue
					}
					n[i] = int(binary.BigEndian.Uint32(content) &^ (1 << 31))
					content = content[4:]
				}
				name := string(content[:n[0]])
				r.params[name] = r.params[name] + string(content[n[0]:n[0]+n[1]])
				content = content[n[0]+n[1]:]
			}
		case len(content) == 0:
			return r, nil
		default:
			r.body += string(content)
			r.pieces++
		}
	}
}

// dump lists the parameters.
func (r request) dump() string {
	var lines []string
	for name, value := range r.params {
		lines = append(lines, name+"="+value+"\n")
	}
	sort.Strings(lines)
	return strings.Join(lines, "")
}

func record(kind byte, content string) string {
	return string([]byte{1, kind, 0, 1, byte(len(content) >> 8), byte(len(content)), 3, 0}) + content + "\x00\x00\x00"
}

const (
	closed = "\x01\x06\x00\x01\x00\x00\x00\x00"
	ended  = "\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
)

// whole is a complete answer in one record.
func whole(text string) string { return record(6, text) + closed + ended }
