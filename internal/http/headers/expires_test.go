package headers

import (
	"testing"
	"time"

	"github.com/baton-project/baton/internal/wire/h1"
)

func TestParseExpires(t *testing.T) {
	for _, tt := range []struct {
		value    string
		modified bool
		want     expires
		err      string
	}{
		{value: "off"},
		{value: "epoch", want: expires{kind: expiresEpoch}},
		{value: "max", want: expires{kind: expiresMax}},
		{value: "30d", want: expires{expiresAccess, 30 * 24 * time.Hour}},
		{value: "+1h", want: expires{expiresAccess, time.Hour}},
		{value: "-1", want: expires{expiresAccess, -time.Second}},
		{value: "0", want: expires{expiresAccess, 0}},
		{value: "1h", modified: true, want: expires{expiresModified, time.Hour}},
		{value: "@15h30m", want: expires{expiresDaily, 15*time.Hour + 30*time.Minute}},
		{value: "@25h", err: "daily time value must be less than 24 hours"},
		{value: "@1h", modified: true, err: `daily time cannot be used with "modified" parameter`},
		{value: "max", modified: true, err: "invalid value"},
		{value: "tomorrow", err: "invalid value"},
		{value: "", err: "invalid value"},
	} {
		got, err := parseExpires(tt.value, tt.modified)
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%q: error %v, want %s", tt.value, err, tt.err)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("%q: %v, %v; want %v", tt.value, got, err, tt.want)
		}
	}
}

func TestExpiresAt(t *testing.T) {
	now := time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)
	modified := now.Add(-time.Hour)
	for _, tt := range []struct {
		value string
		mod   bool
		when  time.Time
		age   int64
	}{
		{value: "1h", when: now.Add(time.Hour), age: 3600},
		{value: "-1h", when: now.Add(-time.Hour), age: -3600},
		{value: "0", when: now, age: 0},
		{value: "3h", mod: true, when: modified.Add(3 * time.Hour), age: 7200},
		{value: "10m", mod: true, when: modified.Add(10 * time.Minute), age: -3000},
		{value: "epoch", when: time.Unix(1, 0), age: -1},
	} {
		e, err := parseExpires(tt.value, tt.mod)
		if err != nil {
			t.Fatal(err)
		}
		when, age := e.at(now, modified.Unix())
		if when != tt.when.Unix() || age != tt.age {
			t.Errorf("%q: %v, %d; want %v, %d", tt.value, when, age, tt.when, tt.age)
		}
	}
	daily := expires{kind: expiresDaily, offset: 15 * time.Hour}
	for _, from := range []time.Time{now, now.Add(10 * time.Hour), time.Date(2026, time.December, 31, 23, 59, 59, 0, time.Local)} {
		when, age := daily.at(from, h1.NoTime)
		if local := time.Unix(when, 0); local.Hour() != 15 || local.Minute() != 0 || age <= 0 || age > 25*3600 {
			t.Errorf("daily from %v: %v, %d", from, when, age)
		}
	}
}
