package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/baton-project/baton/internal/modules"
)

func TestReferenceIsCurrent(t *testing.T) {
	have, err := os.ReadFile("../directives.md")
	if err != nil {
		t.Fatal(err)
	}
	want := directives(modules.Registry().All())
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("docs/directives.md is not current, run make docs:\n%s", diff)
	}
}
