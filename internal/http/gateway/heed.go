package gateway

import (
	"math"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/http/cache"
	"github.com/baton-project/baton/internal/wire/h1"
)

// heed takes in what a line of the answer says of how long it may be kept.
func (x *Exchange) heed(id h1.AnswerID, value string) {
	k := x.kept
	if k == nil || k.cache == nil {
		return
	}
	ignored, now := x.Pass.Settings.IgnoreHeaders.V, x.Request.Time().Unix()
	switch {
	case id == h1.AnswerSetCookie && ignored&IgnoreSetCookie == 0:
		k.able = false
	case id == h1.AnswerCacheControl && ignored&IgnoreCacheControl == 0:
		k.heedControl(value, now)
	case id == h1.AnswerExpires && ignored&IgnoreExpires == 0 && k.header.ValidUntil == 0:
		until, ok := h1.ParseDate(value)
		if !ok || until < now {
			k.expired = true
			return
		}
		k.header.ValidUntil = until
	case id == h1.AnswerXAccelExpires:
		k.accelExpires = true
		if ignored&IgnoreAccelExpires == 0 {
			k.heedAccelExpires(value, now)
		}
	case id == h1.AnswerVary && ignored&IgnoreVary == 0 && k.able:
		k.heedVary(x, value)
	}
}

// heedAccelExpires takes in X-Accel-Expires: seconds, or a time behind "@".
func (k *kept) heedAccelExpires(value string, now int64) {
	until := int64(0)
	if len(value) > 0 && value[0] == '@' {
		n, err := conf.ParseNumber(value[1:])
		if err != nil {
			return
		}
		until = n
	} else {
		n, err := conf.ParseNumber(value)
		if err != nil {
			return
		}
		if n == 0 {
			k.able = false
			return
		}
		until = after(now, n)
	}
	k.header.ValidUntil, k.noCache, k.expired = until, false, false
}

// heedControl takes in a line of Cache-Control.
func (k *kept) heedControl(value string, now int64) {
	if k.header.ValidUntil == 0 || !k.accelExpires {
		if indexFold(value, "no-cache") >= 0 || indexFold(value, "no-store") >= 0 || indexFold(value, "private") >= 0 {
			k.noCache = true
			return
		}
		age, given, ok := seconds(value, "s-maxage=")
		if !given {
			age, given, ok = seconds(value, "max-age=")
		}
		switch {
		case given && !ok:
			k.able = false
			return
		case given && age == 0:
			k.noCache = true
			return
		case given:
			k.header.ValidUntil, k.expired = after(now, age), false
		}
	}
	if n, given, ok := seconds(value, "stale-while-revalidate="); given {
		if !ok {
			k.able = false
			return
		}
		k.header.UpdatingFor, k.header.ErrorFor = n, n
	}
	if n, given, ok := seconds(value, "stale-if-error="); given {
		if !ok {
			k.able = false
			return
		}
		k.header.ErrorFor = n
	}
}

// after is n seconds after now.
func after(now, n int64) int64 {
	if n > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + n
}

// heedVary takes in a line of Vary.
func (k *kept) heedVary(x *Exchange, value string) {
	if value == "*" {
		k.able = false
		return
	}
	if k.vary != "" && x.Answer.severalVary {
		value = k.vary + ", " + value
	}
	x.Answer.severalVary = true
	if len(value) > cache.MaxVary {
		k.able = false
	}
	k.vary = value
}

// seconds reads the number behind name, which is in lower case. given says that the
// name is there, and ok that a number is.
func seconds(value, name string) (n int64, given, ok bool) {
	at := indexFold(value, name)
	if at < 0 {
		return 0, false, false
	}
	for _, c := range []byte(value[at+len(name):]) {
		switch {
		case c == ',' || c == ';' || c == ' ':
			return n, true, true
		case c < '0' || c > '9':
			return 0, true, false
		case n > (math.MaxInt64-9)/10:
			return math.MaxInt64, true, true
		}
		n = n*10 + int64(c-'0')
	}
	return n, true, true
}

// indexFold is where low, in lower case, is in s; -1: nowhere.
func indexFold(s, low string) int {
	for i := 0; i+len(low) <= len(s); i++ {
		if h1.EqualFold(s[i:i+len(low)], low) {
			return i
		}
	}
	return -1
}
