// Command coverage says how many of the most used directives baton knows.
//
//	coverage FILE.tsv [AREA...]
//
// The file has a heading and then one directive per line, the most used one
// first; of its columns the first names the directive, the second how many
// configurations use it, and the last the module of nginx that it belongs to.
// Areas such as http_core limit the list of what is missing to modules whose
// names begin so; without areas everything missing among the first 250 is listed.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/baton-project/baton/internal/modules"
)

// A directive is one line of the file.
type directive struct {
	name, configs, module string
	rank                  int
	accepted              bool // without effect
	known                 bool
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("usage: coverage FILE.tsv [AREA...]")
	}
	f, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer f.Close()
	all, err := read(f)
	if err != nil {
		return err
	}
	mark(all)
	return report(out, all, args[1:])
}

// read takes note of what the file says.
func read(f io.Reader) (all []directive, err error) {
	lines := bufio.NewScanner(f)
	lines.Scan() // heading
	for lines.Scan() {
		columns := strings.Split(lines.Text(), "\t")
		if len(columns) < 3 {
			return nil, fmt.Errorf("line %d has %d columns, want 3 or more", len(all)+2, len(columns))
		}
		all = append(all, directive{name: columns[0], configs: columns[1], module: columns[len(columns)-1], rank: len(all) + 1})
	}
	return all, lines.Err()
}

// mark looks the directives up in the tables.
func mark(all []directive) {
	tables := modules.Registry().All()
	for i := range all {
		for _, info := range tables {
			if info.Name == all[i].name {
				all[i].known = true
				all[i].accepted = info.Accepted != ""
			}
		}
	}
}

// report counts, and lists what is missing.
func report(out io.Writer, all []directive, areas []string) error {
	for _, first := range []int{50, 100, 150, 200, 250, len(all)} {
		known, accepted := 0, 0
		for _, d := range all[:min(first, len(all))] {
			if d.known {
				known++
			}
			if d.accepted {
				accepted++
			}
		}
		fmt.Fprintf(out, "of the first %d: %d known, %d of them accepted without effect\n", min(first, len(all)), known, accepted)
	}
	for _, d := range all {
		listed := d.rank <= 250
		if len(areas) > 0 {
			listed = slices.ContainsFunc(areas, func(a string) bool { return strings.HasPrefix(d.module, a) })
		}
		if !d.known && listed {
			if _, err := fmt.Fprintf(out, "%4d. %s (%s, %s configurations)\n", d.rank, d.name, d.module, d.configs); err != nil {
				return err
			}
		}
	}
	return nil
}
