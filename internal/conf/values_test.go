package conf

import (
	"math"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "10k": 10240, "10K": 10240, "1m": 1 << 20, "1M": 1 << 20, "1g": 1 << 30, "1G": 1 << 30,
		"007": 7, "9223372036854775807": math.MaxInt64, "8589934591g": 8589934591 << 30,
		"9007199254740991k": 9007199254740991 << 10,
		"":                  -1, "k": -1, "-1": -1, "+1": -1, "1kk": -1, "1 k": -1, "1.5m": -1, "1t": -1, "0x1": -1,
		"9223372036854775808": -1, "8589934592g": -1, "9007199254740992k": -1,
	} {
		check(t, "ParseOffset", ParseOffset, text, want)
		if strings.ContainsAny(text, "gG") {
			want = -1
		}
		check(t, "ParseSize", ParseSize, text, want)
	}
}

func TestTimes(t *testing.T) {
	const no = -1
	for _, tc := range []struct {
		text      string
		msec, sec time.Duration
	}{
		{"0", 0, 0},
		{"30", 30 * time.Second, 30 * time.Second},
		{"500ms", 500 * time.Millisecond, no},
		{"1s500ms", 1500 * time.Millisecond, no},
		{"1h30m", 90 * time.Minute, 90 * time.Minute},
		{"1h 30m", 90 * time.Minute, 90 * time.Minute},
		{"1h  30", time.Hour + 30*time.Second, time.Hour + 30*time.Second},
		{"1h30", time.Hour + 30*time.Second, time.Hour + 30*time.Second},
		{"1d", 24 * time.Hour, 24 * time.Hour},
		{"1w2d", 9 * 24 * time.Hour, 9 * 24 * time.Hour},
		{"1y", no, 365 * 24 * time.Hour},
		{"1M", no, 30 * 24 * time.Hour},
		{"1y1M1w", no, (365 + 30 + 7) * 24 * time.Hour},
		{"1 30", 31 * time.Second, 31 * time.Second},
		{"1m 30", 90 * time.Second, 90 * time.Second},
		{"1s30", 31 * time.Second, 31 * time.Second},
		{"30ms5", 5030 * time.Millisecond, no},
		{"1hs", time.Hour, time.Hour},
		{"1 ", time.Second, time.Second},
		{"", no, no}, {"s", no, no}, {" 1", 1 * time.Second, 1 * time.Second}, {"1s ", time.Second, time.Second},
		{"1s1s", no, no}, {"1s1m", no, no}, {"1s 1 1", no, no}, {"1 1 1", no, no}, {"1x", no, no}, {"-1", no, no},
		{"1H", no, no}, {"1.5s", no, no}, {"ms", no, no}, {"1ms1ms", no, no},
		{"9223372036854775808", no, no},
		{"9223372036854775807", no, math.MaxInt64},
		{"9223372036854775", math.MaxInt64, math.MaxInt64},
		{"9223372036854776", no, math.MaxInt64},
		{"9223372036854775807ms", math.MaxInt64, no},
		{"9223372036854775807s1", no, no},
		{"300000000000y", no, no},
	} {
		check(t, "ParseMsec", ParseMsec, tc.text, tc.msec)
		check(t, "ParseSec", ParseSec, tc.text, tc.sec)
	}
}

func TestParseAccess(t *testing.T) {
	for _, tc := range []struct {
		text  string
		want  uint32
		wrong string
	}{
		{"user:rw", 0o600, ""}, {"user:r", 0o400, ""}, {"group:rw all:r", 0o664, ""}, {"user:rw group:rw all:rw", 0o666, ""}, {"all:r", 0o604, ""},
		{"user:rwx", 0, "user:rwx"}, {"user", 0, "user"}, {"group:rw others:r", 0, "others:r"}, {"all:", 0, "all:"},
	} {
		if got, wrong := ParseAccess(strings.Fields(tc.text)); got != tc.want || wrong != tc.wrong {
			t.Errorf("ParseAccess(%q) = %o, %q; want %o, %q", tc.text, got, wrong, tc.want, tc.wrong)
		}
	}
}

func check[T ~int64](t *testing.T, name string, parse func(string) (T, error), text string, want T) {
	t.Helper()
	got, err := parse(text)
	if err != nil {
		got = -1
	}
	if got != want {
		t.Errorf("%s(%q) = %d, %v; want %d", name, text, got, err, want)
	}
}

var (
	number  = regexp.MustCompile(`^[0-9]+$`)
	regular = regexp.MustCompile(`^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$`)
)

// FuzzValues compares the parsers with big numbers, where nothing overflows.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{"1h30m", "10k", "9223372036854775807", "1d 2h", "99999999999999999999", "8g", "1y", "1 s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s)
		fuzzed(t, "ParseNumber", s, n, err, number.MatchString(s), s, 1)
		if s != "" {
			body, scale := s, int64(1)
			if i := strings.IndexByte("kKmMgG", s[len(s)-1]); i >= 0 {
				body, scale = s[:len(s)-1], 1<<(10*(i/2+1))
			}
			n, err = ParseOffset(s)
			fuzzed(t, "ParseOffset", s, n, err, number.MatchString(body), body, scale)
			n, err = ParseSize(s)
			fuzzed(t, "ParseSize", s, n, err, number.MatchString(body) && scale < 1<<30, body, scale)
		}
		d, err := ParseMsec(s)
		if m := regular.FindStringSubmatch(s); m != nil && s != "" {
			sum := new(big.Int)
			for i, ms := range []int64{604800000, 86400000, 3600000, 60000, 1000, 1} {
				if v, ok := new(big.Int).SetString(m[i+1], 10); ok {
					sum.Add(sum, v.Mul(v, big.NewInt(ms)))
				}
			}
			if sum.IsInt64() && err != nil || err == nil && (!sum.IsInt64() || d != duration(sum.Int64(), time.Millisecond)) {
				t.Fatalf("ParseMsec(%q) = %v, %v; want %v ms", s, d, err, sum)
			}
		}
		if d < 0 {
			t.Fatalf("ParseMsec(%q) = %v", s, d)
		}
		if d, _ := ParseSec(s); d < 0 {
			t.Fatalf("ParseSec(%q) = %v", s, d)
		}
	})
}

func fuzzed(t *testing.T, name, s string, got int64, err error, valid bool, digits string, scale int64) {
	t.Helper()
	want, ok := new(big.Int).SetString(digits, 10)
	if ok {
		want.Mul(want, big.NewInt(scale))
	}
	valid = valid && ok && want.IsInt64()
	if valid != (err == nil) || valid && got != want.Int64() {
		t.Fatalf("%s(%q) = %d, %v; want %v, valid %v", name, s, got, err, want, valid)
	}
}
