package e2e

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Answer sends bytes to the address of that name, closes the client's side, and
// returns everything that comes back until the server closes the other, in a
// form that can be compared with the answer of another program: see Normalize.
func (b *Server) Answer(name, send string) string {
	b.t.Helper()
	network, address := b.Address(name)
	conn, err := net.Dial(network, address)
	if err != nil {
		b.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, send); err != nil && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		b.t.Fatal(err)
	}
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = c.CloseWrite()
	}
	answer, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		b.t.Fatalf("after %d bytes: %v", len(answer), err)
	}
	return Normalize(string(answer), address)
}

var (
	times    = regexp.MustCompile(`(?m)^(Date|Expires): (\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT)\r$`)
	server   = regexp.MustCompile(`(?m)^Server: \S+\r$`)
	signed   = regexp.MustCompile(`<center>(?:nginx|baton)[^<]*</center>`)
	length   = regexp.MustCompile(`(?m)^Content-Length: (\d+)\r$`)
	boundary = regexp.MustCompile(`\b\d{20}\b`)
)

// Normalize hides what may differ between the answers of two programs: the
// time, and what is computed from it; the program's name, in error pages too,
// where it changes the length; the port; the boundary of ranges.
func Normalize(answer, address string) string {
	answer = relativeTimes(answer)
	answer = server.ReplaceAllString(answer, "Server: us\r")
	if _, port, err := net.SplitHostPort(address); err == nil {
		answer = strings.ReplaceAll(answer, ":"+port, ":port")
	}
	answer = boundary.ReplaceAllString(answer, "boundary")
	for _, signature := range signed.FindAllString(answer, -1) {
		const hidden = "<center>us</center>"
		before, after, _ := strings.Cut(answer, signature)
		if at := length.FindAllStringSubmatchIndex(before, -1); at != nil {
			last := at[len(at)-1]
			n, _ := strconv.Atoi(before[last[2]:last[3]])
			before = before[:last[2]] + strconv.Itoa(n-len(signature)+len(hidden)) + before[last[3]:]
		}
		answer = before + hidden + after
	}
	return answer
}

// relativeTimes replaces each Date by "now", and each Expires by its distance
// from the Date before it, unless it is a fixed time far away.
func relativeTimes(answer string) string {
	var now time.Time
	return times.ReplaceAllStringFunc(answer, func(line string) string {
		m := times.FindStringSubmatch(line)
		at, err := http.ParseTime(m[2])
		switch {
		case err != nil:
			return line
		case m[1] == "Date":
			now = at
			return "Date: now\r"
		case at.Before(now.AddDate(-10, 0, 0)) || at.After(now.AddDate(10, 0, 0)):
			return line
		default:
			return fmt.Sprintf("Expires: now%+d s\r", int(at.Sub(now).Seconds()))
		}
	})
}
