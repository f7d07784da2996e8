package scgi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/gateway"
	"github.com/baton-project/baton/internal/http/httptest"
	"github.com/baton-project/baton/internal/http/rewrite"
	"github.com/baton-project/baton/internal/http/scgi"
)

func features() []http.Module {
	return []http.Module{rewrite.Feature, gateway.Feature, gateway.EarlyHints, scgi.Feature}
}

// startApp answers each connection's request with the text of answer, and closes it.
func startApp(t *testing.T, answer func(params []string, body string) string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			params, body, err := readRequest(bufio.NewReader(c))
			if err == nil {
				_, _ = io.WriteString(c, answer(params, body)) // the client finds out
			}
			_ = c.Close()
		}
	})
	return l.Addr().String()
}

func readRequest(in *bufio.Reader) (params []string, body string, err error) {
	text, err := in.ReadString(':')
	if err != nil {
		return nil, "", err
	}
	n, err := strconv.Atoi(text[:len(text)-1])
	if err != nil {
		return nil, "", err
	}
	packet := make([]byte, n+1)
	if _, err := io.ReadFull(in, packet); err != nil || packet[n] != ',' {
		return nil, "", fmt.Errorf("%q, %v", packet, err)
	}
	words := strings.Split(strings.TrimSuffix(string(packet[:n]), "\x00"), "\x00")
	for i := 0; i+1 < len(words); i += 2 {
		params = append(params, words[i]+"="+words[i+1])
	}
	if params[0] == "CONTENT_LENGTH=0" {
		return params, "", nil
	}
	size, err := strconv.Atoi(strings.TrimPrefix(params[0], "CONTENT_LENGTH="))
	if err != nil {
		return nil, "", err
	}
	content := make([]byte, size)
	_, err = io.ReadFull(in, content)
	return params, string(content), err
}

// TestRequestAndAnswers shows what an application is told, and that its answer may
// begin with a status line, or a line with the status, or without one.
func TestRequestAndAnswers(t *testing.T) {
	heads := map[string]string{
		"plain": "Content-Type: text/plain\n\n", "status": "Status: 201 Made\r\nContent-Type: text/plain\r\n\r\n",
		"http": "HTTP/1.0 202 Taken\r\nContent-Type: text/plain\r\n\r\n", "length": "Content-Length: 4\r\n\r\n", "broken": "no head",
	}
	addr := startApp(t, func(params []string, body string) string {
		for _, p := range params {
			if name, ok := strings.CutPrefix(p, "URI=/"); ok {
				return heads[name] + body + "|" + strings.Join(params, "|")
			}
		}
		return ""
	})
	s := httptest.Start(t, features(), httptest.Site{HTTP: fmt.Sprintf(`server {
		listen {{addr}}; server_name localhost; chunked_transfer_encoding off;
		scgi_param SCGI 1; scgi_param URI $uri; scgi_param HTTP_X_A "[$http_x_a]";
		location / { scgi_pass %s; }
	}`, addr)})
	for target, want := range map[string]string{"/plain": "HTTP/1.1 200 OK", "/status": "HTTP/1.1 201 Made", "/http": "HTTP/1.1 202 Taken"} {
		got := s.Raw(httptest.Request("POST", target, "X-A: b", "Content-Length: 4") + "text")
		body := "text|CONTENT_LENGTH=4|SCGI=1|URI=" + target + "|HTTP_X_A=[b]|HTTP_HOST=localhost|HTTP_CONNECTION=close|HTTP_CONTENT_LENGTH=4"
		if !strings.HasPrefix(got, want+"\r\n") || httptest.Body(got) != body {
			t.Errorf("%s: %s\nwant %s", target, got, body)
		}
	}
	if got := s.Raw(httptest.Request("POST", "/length", "Transfer-Encoding: chunked") + "4\r\ntext\r\n0\r\n\r\n"); httptest.Body(got) != "text" {
		t.Errorf("%s", got)
	}
	if got := s.Get("/broken"); httptest.Status(got) != 502 {
		t.Errorf("%s", got)
	}
	if log := s.ReadFile("error.log"); !strings.Contains(log, `upstream sent more data than specified in "Content-Length" header while reading upstream`) {
		t.Errorf("%s", log)
	}
}

func TestRefusedAsNginx(t *testing.T) {
	for _, text := range []string{"scgi_param A b c;", "location / { scgi_pass 127.0.0.1:1; scgi_pass 127.0.0.1:1; }", "location / { scgi_pass 127.0.0.1; }"} {
		httptest.CompareRejected(t, slices.Clip(features()), httptest.Site{HTTP: "server { listen {{addr}}; " + text + " }"})
	}
}
