package httptest

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/baton-project/baton/internal/http"
	"github.com/google/go-cmp/cmp"
)

// A Case is a request that two servers are to answer alike.
type Case struct {
	Name    string // "" takes the request's first line
	Request string // raw bytes; the server is to close the connection after it
}

// Gets makes a case of each target.
func Gets(targets ...string) []Case {
	cases := make([]Case, 0, len(targets))
	for _, target := range targets {
		cases = append(cases, Case{Request: Request("GET", target)})
	}
	return cases
}

// Compare serves site with features in this process and with the real nginx, and
// checks that both answer each case with the same bytes, apart from dates,
// versions, addresses, folders and boundaries. Afterwards it checks that both
// have logged the same errors and the same accesses, as far as the site logs
// them to access.log.
func Compare(t *testing.T, features []http.Module, site Site, cases []Case) {
	t.Helper()
	compare(t, features, site, cases, func(_ testing.TB, response string) string { return response })
}

// CompareUnpacked is [Compare] for bodies that two servers may send in other
// chunks, or compress to other bytes: what is in them is compared.
func CompareUnpacked(t *testing.T, features []http.Module, site Site, cases []Case) {
	t.Helper()
	compare(t, features, site, cases, Unpacked)
}

// CompareProxied is [CompareUnpacked] for answers that come from upstreams, whose
// lines two servers may pass on in another order.
func CompareProxied(t *testing.T, features []http.Module, site Site, cases []Case) {
	t.Helper()
	compare(t, features, site, cases, func(t testing.TB, response string) string {
		head, rest, _ := strings.Cut(Unpacked(t, response), "\r\n\r\n")
		status, lines, _ := strings.Cut(head, "\r\n")
		sorted := strings.Split(lines, "\r\n")
		slices.Sort(sorted)
		return status + "\r\n" + strings.Join(sorted, "\r\n") + "\r\n\r\n" + rest
	})
}

func compare(t *testing.T, features []http.Module, site Site, cases []Case, seen func(testing.TB, string) string) {
	t.Helper()
	want := StartNginx(t, site)
	got := Start(t, features, site)
	for _, c := range cases {
		name := c.Name
		if name == "" {
			name, _, _ = strings.Cut(c.Request, "\r\n")
		}
		t.Run(name, func(t *testing.T) {
			nginx, ours := seen(t, want.Raw(c.Request)), seen(t, got.Raw(c.Request))
			if diff := cmp.Diff(want.normal(nginx), got.normal(ours)); diff != "" {
				t.Errorf("%s\n(-nginx +baton)\n%s", c.Request, diff)
			}
		})
	}
	for _, file := range []string{"error.log", "access.log"} {
		if diff := compareLogs(want, got, file); diff != "" {
			t.Errorf("%s (-nginx +baton)\n%s", file, diff)
		}
	}
}

// compareLogs waits for the lines of requests whose connections close a little
// later than the client sees it.
func compareLogs(want, got *Server, file string) (diff string) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if diff = cmp.Diff(want.logLines(file), got.logLines(file)); diff == "" {
			return ""
		}
	}
	return diff
}

var (
	datePattern     = regexp.MustCompile(`(?m)^((?:Date|Expires): ).*\r$`)
	serverPattern   = regexp.MustCompile(`nginx/[0-9.]+`)
	boundaryPattern = regexp.MustCompile(`[0-9]{20}`)
	errorPattern    = regexp.MustCompile(`^[0-9/]+ [0-9:]+ (\[[a-z]+\]) [0-9]+#[0-9]+: \*[0-9]+ `)
	timePattern     = regexp.MustCompile(`\[[0-9]{2}/[A-Za-z]{3}/[0-9]{4}:[0-9:]{8} [-+][0-9]{4}\]`)
)

// normal is text without what differs between two servers and two moments.
func (s *Server) normal(text string) string {
	_, port, _ := strings.Cut(s.Addr, ":")
	text = strings.NewReplacer(s.Dir, "{{dir}}", s.Addr, "{{addr}}", port, "{{port}}").Replace(text)
	text = datePattern.ReplaceAllString(text, "${1}...\r")
	text = serverPattern.ReplaceAllString(text, "nginx/...")
	return boundaryPattern.ReplaceAllString(text, strings.Repeat("0", 20))
}

// logLines are the lines of a log about requests, from level error up, sorted:
// a request is logged when its connection lets go of it, not when it is answered.
func (s *Server) logLines(file string) []string {
	var lines []string
	for line := range strings.Lines(s.normal(s.ReadFile(file))) {
		if file == "error.log" {
			m := errorPattern.FindStringSubmatch(line)
			if m == nil || m[1] == "[info]" || m[1] == "[notice]" || m[1] == "[debug]" {
				continue
			}
			line = m[1] + " " + line[len(m[0]):]
		}
		lines = append(lines, timePattern.ReplaceAllString(line, "[...]"))
	}
	slices.Sort(lines)
	return lines
}
