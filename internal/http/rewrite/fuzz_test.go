package rewrite_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/http/rewrite"
	"github.com/baton-project/baton/internal/log"
)

// text is a configuration of one file.
type text string

func (s text) ReadFile(string) ([]byte, error)       { return []byte(s), nil }
func (text) Glob(string) ([]string, error)           { return nil, nil }
func (text) LookupHost(string) ([]netip.Addr, error) { return nil, nil }

// Whatever stands behind rewrite, if, set and return is taken or refused with a
// sentence.
func FuzzDirectives(f *testing.F) {
	f.Add(`rewrite ^/(a)(?<n>b)?$ /$1?x=$n&$2 last;`)
	f.Add(`rewrite "(" b permanent; rewrite a$ http://b? redirect;`)
	f.Add(`if ($uri !~* "a(b)") { set $a "$1${b}"; return 301 $scheme://$host$uri; }`)
	f.Add(`if (! -f a) { } if (-x $uri) { break; } if ($a = ) { }`)
	f.Add(`set $a $b$; return 200 "${x"; set $1 a;`)
	registry := conf.NewRegistry()
	features := []http.Module{rewrite.Feature}
	http.Register(registry, features)
	f.Fuzz(func(t *testing.T, statements string) {
		if strings.Contains(statements, "include") {
			return // it would be this text again
		}
		file := text("http { server { listen 127.0.0.1:1; location / {\n" + statements + "\n} } }")
		tree, err := conf.Parse("/n.conf", file, registry, conf.Options{})
		if err != nil {
			return
		}
		files := log.NewFiles()
		defer files.Close()
		logger, err := files.Logger(nil)
		if err != nil {
			t.Fatal(err)
		}
		if block := http.Block(tree); block != nil {
			_, _ = http.New(block, features, http.Env{Files: files, Logger: logger, Prefix: "/"})
		}
	})
}
