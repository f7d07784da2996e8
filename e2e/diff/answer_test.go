package diff_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/baton-project/baton/e2e"
)

// A requestCase is sent to nginx and to the program under test.
type requestCase struct {
	name string
	// conf stands in a server of its own, or is one or more whole servers that
	// listen at {{here}}. {{site}} is the folder that makeSite fills.
	conf string
	// send goes out as it is; then the client closes its side and reads until
	// the server has closed the other.
	send string
	// want is nil where baton does what Debian's nginx does.
	want *since
}

// A since is the answer of nginx 1.31 where it is another than Debian's 1.22.
type since struct {
	reason string
	answer string // normalized
}

func TestSameAnswers(t *testing.T) { compare(t, requests) }

// compare runs each program once with the servers of all cases and sends every
// request to both.
func compare(t *testing.T, table []requestCase) {
	t.Helper()
	reference := e2e.Nginx(t)
	site := makeSite(t)
	cases := loadable(t, site, table)
	theirs := start(t, site, reference, cases)
	ours := start(t, site, e2e.Binary(), cases)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want, got := theirs.Answer(place(cases, i), c.send), ours.Answer(place(cases, i), c.send)
			if want != got && strings.Contains(want, "\nExpires: now") { // the second changed before Date was written
				want, got = theirs.Answer(place(cases, i), c.send), ours.Answer(place(cases, i), c.send)
			}
			if c.want != nil && ours.Binary != theirs.Binary {
				if strings.TrimSpace(c.want.reason) == "" || want == c.want.answer {
					t.Errorf("nothing differs from the reference any more")
				}
				want = c.want.answer
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("server { %s }\nsent %q\nwant -, got +\n%s", c.conf, c.send, diff)
			}
		})
	}
}

// loadable fails for every case whose configuration one of the programs does
// not load, and returns the others.
func loadable(t *testing.T, site string, table []requestCase) (good []requestCase) {
	t.Helper()
	b := e2e.New(t, configuration(site, table))
	if b.Run("-t").Code == 0 {
		return table
	}
	for _, c := range table {
		one := e2e.New(t, configuration(site, []requestCase{c}))
		if r := one.Run("-t"); r.Code == 0 {
			good = append(good, c)
		} else {
			t.Errorf("%s: server { %s }: %s", c.name, c.conf, r.Errors)
		}
	}
	return good
}

func start(t *testing.T, site, binary string, cases []requestCase) *e2e.Server {
	t.Helper()
	b := e2e.New(t, configuration(site, cases))
	b.Use(binary)
	b.Launch()
	b.WaitReady()
	return b
}

func configuration(site string, cases []requestCase) string {
	var servers strings.Builder
	for i, c := range cases {
		conf := c.conf
		if place(cases, i) != placeOf(i) {
			continue
		}
		if !strings.Contains(conf, "{{here}}") {
			conf = "server { listen {{here}}; " + conf + " }"
		}
		conf = strings.ReplaceAll(conf, "{{here}}", "{{"+placeOf(i)+"}}")
		fmt.Fprintf(&servers, "%s\n", strings.ReplaceAll(conf, "{{site}}", site))
	}
	return "error_log error.log crit;\nhttp {\n" + servers.String() + "}\n"
}

// place names the address of a case: cases of one configuration share it.
func place(cases []requestCase, i int) string {
	return placeOf(slices.IndexFunc(cases, func(c requestCase) bool { return c.conf == cases[i].conf }))
}

func placeOf(i int) string { return "case" + strconv.Itoa(i) }

// makeSite fills a folder that both programs serve, so that times and tags are
// the same.
func makeSite(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e-site")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	modified := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, content := range map[string]string{
		"index.html":        "<p>home</p>\n",
		"a.txt":             "abcdefghijklmnopqrstuvwxyz",
		"empty.txt":         "",
		"big.bin":           strings.Repeat("0123456789", 30_000),
		"picture.JPG":       "not really\n",
		"noextension":       "plain\n",
		"with space.txt":    "space\n",
		"ünïcode.html":      "unicode\n",
		"50x.html":          "<p>our own page</p>\n",
		"dir/index.html":    "<p>dir</p>\n",
		"dir/other.htm":     "<p>other</p>\n",
		"dir/deep/file.txt": "deep\n",
		"noindex/file.txt":  "here\n",
		"secret.txt":        "nobody reads this\n",
		"two/first.html":    "first\n",
		"two/second.html":   "second\n",
		"a?b.txt":           "question\n",
		"percent%41.txt":    "percent\n",
		"dot/.hidden":       "hidden\n",
		"style.css":         "p {}\n",
	} {
		path := filepath.Join(dir, name)
		if err := errors.Join(
			os.MkdirAll(filepath.Dir(path), 0o755),
			os.WriteFile(path, []byte(content), 0o644),
			os.Chtimes(path, modified, modified),
		); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(filepath.Join(dir, "secret.txt"), 0)); err != nil {
		t.Fatal(err)
	}
	return dir
}
