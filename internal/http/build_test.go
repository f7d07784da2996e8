package http_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/conf/bundle"
	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/log"
)

// parse reads an http{} block with the features of these tests.
func parse(t testing.TB, text string) *conf.Level {
	t.Helper()
	file := filepath.Join(t.TempDir(), "baton.conf")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	registry := conf.NewRegistry()
	http.Register(registry, features())
	tree, err := conf.Parse(file, new(bundle.Recorder), registry, conf.Options{Prefix: "/nowhere/"})
	if err != nil {
		t.Fatal(err)
	}
	return http.Block(tree)
}

// BenchmarkBuild compiles 2,645 servers as a hoster's configuration has them.
func BenchmarkBuild(b *testing.B) {
	var text strings.Builder
	text.WriteString("http { access_log off;\n")
	for i := range 2645 {
		fmt.Fprintf(&text, `server { listen 80; server_name site%d.example www.site%d.example; root /srv/%d;
			location / { try_files $uri $uri/ /index.html; }
			location /images/ { expires 30d; }
			location = /old { return 301 /new; } }
`, i, i, i)
	}
	text.WriteString("}\n")
	files := log.NewFiles()
	defer files.Close()
	blocks := make([]*conf.Level, b.N)
	for i := range blocks {
		blocks[i] = parse(b, text.String())
	}
	b.ReportAllocs()
	b.ResetTimer()
	for _, block := range blocks {
		if _, err := http.New(block, features(), http.Env{Files: files, Prefix: "/nowhere/"}); err != nil {
			b.Fatal(err)
		}
	}
}
