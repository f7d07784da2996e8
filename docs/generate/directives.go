package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/baton-project/baton/internal/conf"
)

const preface = `# Directives

Generated from the directive tables by ` + "`make docs`" + `; a test checks that it is
current. What is not listed here is refused by name, file and line. Meaning and
values are those of nginx's manual unless the text says otherwise.

`

// directives renders the reference: what works, feature by feature, and then
// what is accepted without effect, with the reason.
func directives(all []conf.Info) []byte {
	var b bytes.Buffer
	b.WriteString(preface)
	var order []string
	byFeature := make(map[string][]conf.Info)
	var accepted []conf.Info
	for _, d := range all {
		if d.Accepted != "" {
			accepted = append(accepted, d)
			continue
		}
		if byFeature[d.Feature] == nil {
			order = append(order, d.Feature)
		}
		byFeature[d.Feature] = append(byFeature[d.Feature], d)
	}
	for _, name := range order {
		writeFeature(&b, name, byFeature[name])
	}
	writeAccepted(&b, accepted)
	return b.Bytes()
}

func writeFeature(b *bytes.Buffer, name string, list []conf.Info) {
	fmt.Fprintf(b, "## %s\n\n", name)
	if doc := list[0].FeatureDoc; doc != "" {
		fmt.Fprintf(b, "%s\n\n", doc)
	}
	b.WriteString("| directive | arguments | default | where |\n|---|---|---|---|\n")
	byName(list)
	for _, d := range list {
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", d.Name, code(d.Syntax), code(d.Default), strings.Join(d.In.Names(), ", "))
	}
	b.WriteString("\n")
}

func writeAccepted(b *bytes.Buffer, list []conf.Info) {
	if len(list) == 0 {
		return
	}
	b.WriteString("## Accepted without effect\n\nThese tune something inside nginx that does not exist here. Their arguments are\nchecked, and that is all.\n\n")
	b.WriteString("| directive | where | why |\n|---|---|---|\n")
	byName(list)
	for _, d := range list {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", d.Name, strings.Join(d.In.Names(), ", "), d.Accepted)
	}
}

func byName(list []conf.Info) {
	slices.SortStableFunc(list, func(x, y conf.Info) int { return strings.Compare(x.Name, y.Name) })
}

// code shows text as code in a table's cell.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
}
