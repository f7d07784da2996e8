package ssi

import (
	"testing"
	"time"
)

// The results are those of date(1) in the C locale.
func TestStrftime(t *testing.T) {
	at := time.Date(2027, time.January, 3, 0, 5, 9, 0, time.FixedZone("XYZ", -(3*60+30)*60))
	for format, want := range map[string]string{
		"%A %a %B %b %h": "Sunday Sun January Jan Jan", "%d %e %j": "03  3 003", "%H %I %k %l %p %P": "00 12  0 12 AM am",
		"%M %m %S %s": "05 01 09 1798947309", "%Y %y %C %G %g": "2027 27 20 2026 26", "%U %W %V %u %w": "01 00 53 7 0",
		"%D %F %T %R %r": "01/03/27 2027-01-03 00:05:09 00:05 12:05:09 AM", "%c|%x|%X": "Sun Jan  3 00:05:09 2027|01/03/27|00:05:09",
		"%z %Z": "-0330 XYZ", "%%|%n|%t|%q|%": "%|\n|\t|%q|%", "%Ey %Od": "27 03", "": "",
	} {
		if got := strftime(format, at, "XYZ"); got != want {
			t.Errorf("%q: %q, want %q", format, got, want)
		}
	}
}
