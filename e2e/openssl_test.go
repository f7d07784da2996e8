package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/e2e"
)

// opensslClient is OpenSSL's client with a connection to {{web}}.
type opensslClient struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

// startOpenSSL connects OpenSSL's client, or skips the test where there is none.
func startOpenSSL(t *testing.T, b *e2e.Server) *opensslClient {
	t.Helper()
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not there")
	}
	_, address := b.Address("web")
	cmd := exec.Command(program, "s_client", "-connect", address, "-tls1_3")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout // "KEYUPDATE" is said there
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(5*time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		stuck.Stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	return &opensslClient{t, in, bufio.NewReader(out)}
}

func (c *opensslClient) until(want string) {
	c.t.Helper()
	for seen := ""; !strings.HasSuffix(seen, want); {
		b, err := c.out.ReadByte()
		if err != nil {
			c.t.Fatalf("after %q: %v", seen, err)
		}
		seen += string(b)
	}
}

// ask gets "/".
func (c *opensslClient) ask() {
	c.t.Helper()
	fmt.Fprint(c.in, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	c.until("\r\n\r\none")
}

// update changes the client's keys ("k"), or those of both ("K").
func (c *opensslClient) update(command string) {
	c.t.Helper()
	fmt.Fprintln(c.in, command)
	c.until("KEYUPDATE\n")
}
