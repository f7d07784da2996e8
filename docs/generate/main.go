// Command generate writes docs/directives.md from the directive tables. With
// -check it only says whether the file is current.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"

	"github.com/baton-project/baton/internal/modules"
)

const reference = "docs/directives.md"

func main() {
	check := flag.Bool("check", false, "exit with 1 when "+reference+" is not current")
	flag.Parse()
	text := directives(modules.Registry().All())
	if *check {
		have, err := os.ReadFile(reference)
		if err != nil || !bytes.Equal(have, text) {
			fmt.Fprintf(os.Stderr, "%s is not current, run make docs\n", reference)
			os.Exit(1)
		}
		return
	}
	if err := os.WriteFile(reference, text, 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
