package conf

import (
	"testing"

	"go.uber.org/goleak"
)

// TestReaderLeavesNothingBehind: crossplane's lexer is a goroutine, which
// would wait for ever behind an error of crossplane's own.
func TestReaderLeavesNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, text := range []string{"", "note a", "}", "http { flag maybe; note \"a\"b; }", "types { a { } }", manyServers(100) + "}"} {
		if _, err := parseString(t, text); err == nil && text != "" {
			t.Errorf("%.20q was accepted", text)
		}
	}
}
