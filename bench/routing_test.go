package main

import (
	"regexp"
	"testing"
)

func TestRoutingPaths(t *testing.T) {
	const none = -1
	for i, want := range []int{0, 249, routingRegexes - 1, none} {
		got := none
		for n := range routingRegexes {
			if regexp.MustCompile(routingRegex(n)).MatchString(routingPaths[i]) {
				got = n
				break
			}
		}
		if got != want {
			t.Errorf("%s matches regex %d, want %d", routingPaths[i], got, want)
		}
	}
}
