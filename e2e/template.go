package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/freeport"
)

var (
	placeholder = regexp.MustCompile(`\{\{(\w+)(?:\.(port|unix))?\}\}`)
	listens     = regexp.MustCompile(`\blisten\s+(?:\S*:)?\{\{(\w+)(?:\.port)?\}\}(?:\s+(udp)\b)?`)
)

// ports reserves one TCP port per name until the test ends.
type ports struct {
	t      testing.TB
	byName map[string]int
}

func (p *ports) of(name string) int {
	port, ok := p.byName[name]
	if !ok {
		port = freeport.Reserve(p.t)
		p.byName[name] = port
	}
	return port
}

// expand replaces the placeholders of a text.
func (b *Server) expand(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(word string) string {
		m := placeholder.FindStringSubmatch(word)
		switch name, kind := m[1], m[2]; {
		case name == "dir":
			return b.Dir
		case kind == "unix":
			return "unix:" + b.socket(name)
		case kind == "port":
			return strconv.Itoa(b.ports.of(name))
		default:
			return fmt.Sprintf("127.0.0.1:%d", b.ports.of(name))
		}
	})
}

func (b *Server) socket(name string) string { return filepath.Join(b.Dir, name+".sock") }

// defaults says what the test left out, on the first line so that no line
// number changes. A real nginx would otherwise use its package's folders.
func (b *Server) defaults(conf string) string {
	var first, http strings.Builder
	says := func(directive string) bool {
		return regexp.MustCompile(`(?m)(?:^|[;{}\s])` + directive + `\s`).MatchString(conf)
	}
	if RaceEnabled {
		first.WriteString("env GORACE; ") // workers get no other environment
	}
	if !says("pid") {
		first.WriteString("pid nginx.pid; ")
	}
	if !regexp.MustCompile(`(?m)^error_log\s`).MatchString(conf) {
		first.WriteString("error_log error.log notice; ")
	}
	if !says("events") {
		first.WriteString("events {} ")
	}
	if !says("access_log") {
		http.WriteString(" access_log off;")
	}
	if b.nginx && os.Getuid() != 0 {
		for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
			fmt.Fprintf(&http, " %s_temp_path %s/%s_temp;", kind, b.Dir, kind)
		}
	}
	return first.String() + httpBlock.ReplaceAllString(conf, "${0}"+http.String())
}

var httpBlock = regexp.MustCompile(`(?m)(?:^|[;}\s])http\s*\{`)
