package cache

import (
	"crypto/md5"
	"strings"
)

// Variant is the key of the answer to a request whose lines are those that vary
// names. main is the key of the answer without them; lines gives the values of the
// lines with a name, which is in lower case, in their order.
func Variant(main Key, vary string, lines func(name string) []string) (k Key) {
	sum := md5.New()
	sum.Write(main[:])
	vary = lowered(vary)
	for name := range words(vary) {
		sum.Write([]byte(name))
		sum.Write([]byte(":"))
		first := true
		add := func(text string) {
			if !first {
				sum.Write([]byte(","))
			}
			first = false
			sum.Write([]byte(text))
		}
		for _, value := range lines(name) {
			switch name {
			case "accept-charset", "accept-encoding", "accept-language":
				for word := range words(value) {
					add(word)
				}
			default:
				add(value)
			}
		}
		sum.Write([]byte("\r\n"))
	}
	sum.Sum(k[:0])
	return k
}

// lowered is s with ASCII letters in lower case.
func lowered(s string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c | 0x20
		}
		return c
	}, s)
}

// words are the parts of a list between commas and spaces.
func words(list string) func(yield func(string) bool) {
	return strings.FieldsFuncSeq(list, func(c rune) bool { return c == ',' || c == ' ' })
}
