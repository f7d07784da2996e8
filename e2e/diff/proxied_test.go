package diff_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/baton-project/baton/e2e"
)

// A proxiedCase is a request that nginx and the program under test pass on to
// the same backend. What is compared is what the client gets, what the backend
// gets, and what is logged.
type proxiedCase struct {
	name string
	// conf stands in a server of its own, or is one or more whole blocks of
	// http with one server that listens at {{here}}. {{back}} is the backend,
	// {{dead}} an address where nobody listens.
	conf string
	// send goes out as it is. The client reads until the server closes, so the
	// last request should ask for that.
	send string
	back string // see backend
	// unlike is nil where baton does what Debian's nginx does.
	unlike *unlike
}

// An unlike says what nginx 1.31 does otherwise than Debian's 1.22: the outcome,
// or pairs of a text in the outcome with 1.22 and of what stands in its place,
// which are exact: a text that is not found fails the test.
type unlike struct {
	reason  string
	outcome string
	pairs   []string
}

func since131(reason string, pairs ...string) *unlike { return &unlike{reason: reason, pairs: pairs} }

// apply makes what 1.31 would do of what 1.22 has done.
func (u *unlike) apply(t *testing.T, want string) string {
	t.Helper()
	if u == nil {
		return want
	}
	if u.outcome != "" {
		want = u.outcome
	}
	for k := 0; k < len(u.pairs); k += 2 {
		if !strings.Contains(want, u.pairs[k]) || u.reason == "" {
			t.Errorf("the reference has no %q any more:\n%s", u.pairs[k], want)
		}
		want = strings.Replace(want, u.pairs[k], u.pairs[k+1], 1)
	}
	return want
}

func TestSameProxying(t *testing.T) { compareProxied(t, proxied) }

func TestSameAnswersOfUpstreams(t *testing.T) { compareProxied(t, answered) }

func TestSameBrokenUpstreams(t *testing.T) { compareProxied(t, malformed) }

// compareProxied runs each program once with the servers of all cases.
func compareProxied(t *testing.T, table []proxiedCase) {
	t.Helper()
	t.Parallel()
	reference := e2e.Nginx(t)
	site := makeSite(t)
	backends := make([]*backend, len(table))
	for i, c := range table {
		backends[i] = startBackend(t, c.back)
	}
	conf := proxyConfiguration(site, table, backends)
	theirs, ours := startProxy(t, conf, reference), startProxy(t, conf, e2e.Binary())
	for i, c := range table {
		t.Run(c.name, func(t *testing.T) {
			want, got := outcome(t, theirs, backends[i], i, c, true), outcome(t, ours, backends[i], i, c, false)
			if ours.Binary != theirs.Binary {
				want = c.unlike.apply(t, want)
			}
			if want != got {
				if os.Getenv("E2E_SHOW") != "" {
					t.Logf("%q", got)
				}
				t.Errorf("server { %s }\nsent %.500q\nbackend %.500q\nwant -, got +\n%s", c.conf, c.send, c.back, cmp.Diff(strings.SplitAfter(want, "\n"), strings.SplitAfter(got, "\n")))
			}
		})
	}
}

// received are requests as the backend got them. Since 1.29 nginx names the host
// before everything else, and says nothing about the connection by itself.
func received(requests []string, old bool, conf string) string {
	if old {
		for i, r := range requests {
			line, rest, _ := strings.Cut(r, "\r\n")
			if at := hostLine.FindStringIndex(rest); at != nil {
				rest = rest[at[0]:at[1]] + rest[:at[0]] + rest[at[1]:]
			}
			if !strings.Contains(conf, "Connection") {
				rest = strings.Replace(rest, "Connection: close\r\n", "", 1)
			}
			requests[i] = line + "\r\n" + rest
		}
	}
	if strings.Contains(conf, "mirror") {
		slices.Sort(requests) // which come at the same time
	}
	return strings.Join(requests, "\n--\n")
}

var hostLine = regexp.MustCompile(`(?m)^Host: .*\n`)

func startProxy(t *testing.T, conf, binary string) *e2e.Server {
	t.Helper()
	b := e2e.New(t, conf)
	b.Use(binary)
	b.Launch()
	b.WaitReady()
	return b
}

func proxyConfiguration(site string, cases []proxiedCase, backends []*backend) string {
	var text strings.Builder
	text.WriteString(`error_log error.log warn;
events { worker_connections 1024; }
http {
	log_format up '$status $body_bytes_sent <$upstream_addr|$upstream_status|$upstream_response_length|$upstream_bytes_received|$upstream_connect_time $upstream_header_time $upstream_response_time> "$upstream_http_x_a" "$upstream_cookie_a" "$sent_http_x_a" $request_completion';
	access_log access.log up; server_tokens off; keepalive_timeout 30; lingering_close off;
	proxy_http_version 1.1; proxy_connect_timeout 20;
	proxy_temp_path {{dir}}/proxy_temp; client_body_temp_path {{dir}}/client_temp;
`)
	for i, c := range cases {
		conf := c.conf
		if !strings.Contains(conf, "{{here}}") {
			conf = "server { listen {{here}}; " + conf + " }"
		}
		fmt.Fprintf(&text, "%s\n", strings.NewReplacer("{{here}}", "{{"+placeOf(i)+"}}", "{{back}}", backends[i].addr(),
			"{{site}}", site, "{{n}}", fmt.Sprint(i)).Replace(conf))
	}
	text.WriteString("}\n")
	return text.String()
}

// outcome does what c says with one program, which may be an old one.
func outcome(t *testing.T, b *e2e.Server, back *backend, i int, c proxiedCase, old bool) string {
	t.Helper()
	access, failed := len(b.Read("access.log")), len(b.Log())
	network, address := b.Address(placeOf(i))
	answer := exchange(t, network, address, c.send)
	logged := func() string { return b.Read("access.log")[access:] }
	lines := max(1, strings.Count(answer, "HTTP/1.1 ")-strings.Count(answer, "HTTP/1.1 1"))
	if !e2e.Eventually(30*time.Second, func() bool { return strings.Count(logged(), "\n") >= lines }) {
		t.Errorf("%s logs %q, which is not one line for each of %d answers: %q", b.Binary, logged(), lines, answer)
	}
	_, dead := b.Address("dead")
	names := strings.NewReplacer(back.addr(), "BACK", dead, "DEAD", b.Dir, "DIR", address, "HERE")
	return names.Replace(fmt.Sprintf("client:\n%s\nbackend:\n%s\nlog:\n%s%s", e2e.Normalize(answer, address),
		received(back.taken(), old, c.conf), moments.ReplaceAllString(logged(), "T"), complaints(b.Log()[failed:])))
}

var (
	moments = regexp.MustCompile(`\b\d+\.\d{3}\b`)
	about   = regexp.MustCompile(`^[0-9/]+ [0-9:]+ (\[[a-z]+\]) \d+#\d+: (?:\*\d+ )?`)
	numbers = regexp.MustCompile(`/\d{10}\b`)
)

// complaints are the lines of an error log without time and numbers.
func complaints(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, numbers.ReplaceAllString(about.ReplaceAllString(line, "$1 "), "/N"))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// exchange sends text and reads until the server closes. Unlike Server.Answer it
// leaves its side open, as a client that closes it takes back its request.
func exchange(t *testing.T, network, address, text string) string {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(c, text) // what is missing shows at the other end
	}()
	answer, err := io.ReadAll(c)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after %.500q: %v", answer, err)
	}
	_ = c.Close()
	<-sent
	return string(answer)
}
