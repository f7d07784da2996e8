package variable

import (
	"strconv"
	"sync/atomic"

	"github.com/baton-project/baton/internal/poll"
)

// Constant makes the getter of a text that is always the same.
func Constant[S Subject](text string) Getter[S] { return func(S) (string, bool) { return text, true } }

// Text makes the getter of something that always has a value.
func Text[S Subject](f func(S) string) Getter[S] {
	return func(s S) (string, bool) { return f(s), true }
}

// Number makes the getter of a number.
func Number[S Subject](f func(S) int64) Getter[S] {
	return func(s S) (string, bool) { return view(strconv.AppendInt(s.Scratch(20), f(s), 10)), true }
}

const longestAddress = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"

// Address is an address without port, in the memory of s.
func Address[S Subject](s S, addr poll.Sockaddr) string {
	text, _ := addr.AppendText(s.Scratch(len(longestAddress)))
	return view(text)
}

// Port is empty for port 0: a unix socket, or an address that came without.
func Port[S Subject](s S, port int) string {
	if port == 0 {
		return ""
	}
	return view(strconv.AppendInt(s.Scratch(5), int64(port), 10))
}

// binaryAddress is the address in 4 or 16 bytes, for zones.
func binaryAddress[S Subject](s S, peer poll.Sockaddr) string {
	if peer.IsUnix() {
		return "unix:"
	}
	addr := peer.Addr()
	if addr.Is4() {
		bytes := addr.As4()
		return view(append(s.Scratch(len(bytes)), bytes[:]...))
	}
	bytes := addr.As16()
	return view(append(s.Scratch(len(bytes)), bytes[:]...))
}

// Seconds writes milliseconds as nginx does: seconds with three decimals.
func Seconds[S Subject](s S, ms int64) string { return view(AppendSeconds(s.Scratch(24), ms)) }

// AppendSeconds appends milliseconds as seconds with three decimals.
func AppendSeconds(dst []byte, ms int64) []byte {
	ms = max(0, ms)
	dst = strconv.AppendInt(dst, ms/1000, 10)
	ms %= 1000
	return append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
}

// secondText is one second, formatted.
type secondText struct {
	second int64
	text   string
}

// clockText makes the getter of the time in a layout without fractions, which is
// formatted once a second.
func clockText[S Connected](layout string) Getter[S] {
	var last atomic.Pointer[secondText]
	return func(s S) (string, bool) {
		now := s.Time()
		t := last.Load()
		if second := now.Unix(); t == nil || t.second != second {
			t = &secondText{second, now.Format(layout)}
			last.Store(t)
		}
		return t.text, true
	}
}
