package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCoverage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "directives.tsv")
	text := "directive\tconfigs\tmodule\nlocation\t63\thttp_core_module\nno_such_thing\t2\thttp_core_module\nsendfile\t1\thttp_core_module\nother_thing\t1\tmail\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run([]string{file, "http_core"}, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "of the first 4: 2 known") ||
		!strings.Contains(out.String(), "2. no_such_thing (http_core_module, 2 configurations)") ||
		strings.Contains(out.String(), "other_thing") {
		t.Error(out.String())
	}
}

func TestCoverageOfWhatIsNoTable(t *testing.T) {
	if _, err := read(strings.NewReader("heading\nonly a name\n")); err == nil {
		t.Error("no error")
	}
}
