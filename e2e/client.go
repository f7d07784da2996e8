package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A Client is one connection. Every operation fails the test when it cannot be
// done in time.
type Client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

// Dial connects to the address of that name, or to its unix socket when the
// configuration says {{name.unix}}.
func (b *Server) Dial(name string) *Client {
	b.t.Helper()
	network, address := b.Address(name)
	return DialAddress(b.t, network, address)
}

// Address is where {{name}} or {{name.unix}} of the configuration is.
func (b *Server) Address(name string) (network, address string) {
	if strings.Contains(b.conf, "{{"+name+".unix}}") {
		return "unix", b.socket(name)
	}
	return "tcp", fmt.Sprintf("127.0.0.1:%d", b.ports.of(name))
}

// DialAddress connects to an address that no placeholder names.
func DialAddress(t testing.TB, network, address string) *Client {
	t.Helper()
	conn, err := net.DialTimeout(network, address, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &Client{t: t, conn: conn, in: bufio.NewReader(conn)}
}

// Get sends a GET request and reads its response. It is sent to host localhost.
func (c *Client) Get(path string) *Response {
	c.t.Helper()
	c.Send("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
	return c.Read("GET")
}

// Send writes these bytes.
func (c *Client) Send(text string) {
	c.t.Helper()
	_ = c.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatalf("sending %.60q: %v", text, err)
	}
}

// Read reads the response to a request of that method.
func (c *Client) Read(method string) *Response {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	r, err := ReadResponse(c.in, method)
	if err != nil {
		c.t.Fatalf("reading a response to %s: %v", method, err)
	}
	r.t = c.t
	return r
}

// ReadN reads exactly that many bytes.
func (c *Client) ReadN(n int) []byte {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	p := make([]byte, n)
	if got, err := io.ReadFull(c.in, p); err != nil {
		c.t.Fatalf("after %d of %d bytes: %v", got, n, err)
	}
	return p
}

// ReadAll reads until the server closes the connection.
func (c *Client) ReadAll() []byte {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	p, err := io.ReadAll(c.in)
	if err != nil {
		c.t.Fatalf("after %d bytes: %v", len(p), err)
	}
	return p
}

// WantClosed fails unless the server closes the connection within the bound
// and sends nothing before.
func (c *Client) WantClosed(bound time.Duration) {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(bound))
	b, err := c.in.ReadByte()
	switch {
	case err == nil:
		c.t.Fatalf("byte %q where the connection should have been closed", b)
	case isTimeout(err):
		c.t.Fatalf("still open after %v", bound)
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// Close closes the client's side.
func (c *Client) Close() { _ = c.conn.Close() }

// Conn is the connection itself, for what the methods above do not do.
func (c *Client) Conn() net.Conn { return c.conn }

// A Response is one HTTP/1 response as it was on the wire.
type Response struct {
	Line   string // status line
	Status int
	Fields []string // "Name: value", in order
	Body   []byte

	t testing.TB
}

// Want fails unless status and body are these.
func (r *Response) Want(status int, body string) {
	r.t.Helper()
	if r.Status != status || string(r.Body) != body {
		r.t.Fatalf("%s %.200q, want %d %.200q", r.Line, r.Body, status, body)
	}
}

// Field returns the first field of that name, empty when there is none.
func (r *Response) Field(name string) string {
	for _, f := range r.Fields {
		if key, value, _ := strings.Cut(f, ":"); strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// ErrNothing means that the server ended the connection before the first byte
// of a response.
var ErrNothing = errors.New("connection closed before the response")

// ReadResponse reads one response strictly: exactly the bytes that its framing
// announces, by RFC 9112 section 6.3. The connection may have to be closed to
// end it.
func ReadResponse(in *bufio.Reader, method string) (*Response, error) {
	if _, err := in.Peek(1); err != nil {
		if isTimeout(err) {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", ErrNothing, err)
	}
	line, err := readLine(in)
	if err != nil {
		return nil, err
	}
	r := &Response{Line: line}
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	if r.Status, err = strconv.Atoi(code); err != nil || !strings.HasPrefix(version, "HTTP/1.") || len(code) != 3 {
		return nil, fmt.Errorf("malformed status line %.80q", line)
	}
	for {
		field, err := readLine(in)
		if err != nil {
			return nil, err
		}
		if field == "" {
			break
		}
		if name, _, ok := strings.Cut(field, ":"); !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, fmt.Errorf("malformed field %.80q", field)
		}
		r.Fields = append(r.Fields, field)
	}
	return r, r.readBody(in, method)
}

func (r *Response) readBody(in *bufio.Reader, method string) (err error) {
	length := r.Field("Content-Length")
	switch {
	case method == "HEAD" || r.Status == 204 || r.Status == 304 || r.Status < 200:
		return nil
	case strings.EqualFold(r.Field("Transfer-Encoding"), "chunked"):
		if r.Body, err = io.ReadAll(httputil.NewChunkedReader(in)); err == nil {
			_, err = readLine(in)
		}
	case length != "":
		n, bad := strconv.Atoi(length)
		if bad != nil || n < 0 {
			return fmt.Errorf("malformed Content-Length %q", length)
		}
		r.Body = make([]byte, n)
		var got int
		if got, err = io.ReadFull(in, r.Body); err != nil {
			err = fmt.Errorf("body ends after %d of %d bytes: %w", got, n, err)
		}
	default:
		r.Body, err = io.ReadAll(in)
	}
	return err
}

func readLine(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("head ends after %.80q: %w", line, err)
	}
	text, ok := strings.CutSuffix(line, "\r\n")
	if !ok {
		return "", fmt.Errorf("line %.80q does not end in CRLF", line)
	}
	return text, nil
}

// TryGet is a GET on a connection of its own that may fail, for polling.
func (b *Server) TryGet(name, path string) (body string, err error) {
	network, address := b.Address(name)
	conn, err := net.DialTimeout(network, address, patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path); err != nil {
		return "", err
	}
	r, err := ReadResponse(bufio.NewReader(conn), "GET")
	if err != nil {
		return "", err
	}
	return string(r.Body), nil
}
