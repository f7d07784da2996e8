package h1

// NoTime stands for "no time" where Unix seconds are expected.
const NoTime int64 = -1

// DateLen is the length of an HTTP-date.
const DateLen = len("Mon, 28 Sep 1970 06:00:00 GMT")

const (
	secondsPerDay = 24 * 60 * 60
	weekdays      = "SunMonTueWedThuFriSat"
	months        = "JanFebMarAprMayJunJulAugSepOctNovDec"
)

// AppendDate appends unix (seconds, years 0 to 9999) as an HTTP-date.
func AppendDate(dst []byte, unix int64) []byte {
	days := floorDiv(unix, secondsPerDay)
	second := int(unix - days*secondsPerDay)
	weekday := int(days+4-7*floorDiv(days+4, 7)) * 3 // 1970 began on a Thursday
	year, month, day := civil(days)
	dst = append(dst, weekdays[weekday:weekday+3]...)
	dst = append(dst, ',', ' ')
	dst = append2(dst, day)
	dst = append(dst, ' ')
	dst = append(dst, months[month*3:month*3+3]...)
	dst = append(dst, ' ')
	dst = append2(append2(dst, year/100), year%100)
	dst = append(dst, ' ')
	dst = append2(dst, second/3600)
	dst = append(dst, ':')
	dst = append2(dst, second/60%60)
	dst = append(dst, ':')
	dst = append2(dst, second%60)
	return append(dst, " GMT"...)
}

// append2 appends n as two digits.
func append2(dst []byte, n int) []byte {
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// Days in 400, 100, 4 and 1 years that begin in March, leap day last.
const (
	days400 = 146097
	days100 = 36524
	days4   = 1461
	days1   = 365
	epoch   = 719468 // days from 1 March of year 0 to 1 January 1970
)

// civil turns days since 1970 into year, month (0-11) and day (1-31) of the
// Gregorian calendar, counting years from March so that a leap day ends its year.
func civil(days int64) (year, month, day int) {
	days += epoch
	era := floorDiv(days, days400)
	d := int(days - era*days400)
	y := (d - d/(days4-1) + d/days100 - d/(days400-1)) / days1
	d -= y*days1 + y/4 - y/100
	m := (5*d + 2) / 153 // months of 31,30,31,30,31 days: 153 in five
	day = d - (153*m+2)/5 + 1
	year = int(era)*400 + y
	if m < 10 {
		return year, m + 2, day
	}
	return year + 1, m - 10, day
}

// daysOf is the inverse of civil.
func daysOf(year, month, day int) int64 {
	m := month - 2
	if m < 0 {
		m += 12
		year--
	}
	return int64(days1*year) + floorDiv(int64(year), 4) - floorDiv(int64(year), 100) +
		floorDiv(int64(year), 400) + int64((153*m+2)/5+day-1) - epoch
}

// dateForm is one of the three forms of an HTTP-date.
type dateForm uint8

const (
	rfc1123 dateForm = iota // Sun, 06 Nov 1994 08:49:37 GMT
	rfc850                  // Sunday, 06-Nov-94 08:49:37 GMT
	asctime                 // Sun Nov  6 08:49:37 1994
)

// ParseDate reads an HTTP-date in any of its three forms. As nginx it looks neither
// at the weekday nor at anything behind the time, and at a month only as far as
// needed to tell it from the others. NoTime goes with not ok.
func ParseDate(s string) (unix int64, ok bool) {
	r := dateReader{rest: s}
	form := r.weekday()
	var year, month, day int
	if form != asctime {
		day = r.number(2)
		if form = rfc1123; r.peek() == '-' {
			form = rfc850
			r.expect('-')
		} else {
			r.expect(' ')
		}
	}
	month = r.month()
	switch form {
	case rfc1123:
		r.expect(' ')
		year = r.number(4)
	case rfc850:
		r.expect('-')
		year = r.number(2) + 1900
		if year < 1970 {
			year += 100
		}
	case asctime:
		r.skip(1)
		day = r.dayOfMonth()
	}
	r.expect(' ')
	hour := r.number(2)
	r.expect(':')
	minute := r.number(2)
	r.expect(':')
	second := r.number(2)
	if form == asctime {
		r.expect(' ')
		year = r.number(4)
	}
	if r.bad || hour > 23 || minute > 59 || second > 59 || day > daysIn(year, month) {
		return NoTime, false
	}
	return daysOf(year, month, day)*secondsPerDay + int64(hour*3600+minute*60+second), true
}

// daysIn is the length of a month.
func daysIn(year, month int) int {
	switch month {
	case 1:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 3, 5, 8, 10:
		return 30
	}
	return 31
}

// A dateReader takes a date apart from the front. Once bad it stays so.
type dateReader struct {
	rest string
	bad  bool
}

// skip drops n bytes.
func (r *dateReader) skip(n int) {
	if len(r.rest) < n {
		r.rest, r.bad = "", true
		return
	}
	r.rest = r.rest[n:]
}

// peek is the next byte, 0 at the end.
func (r *dateReader) peek() byte {
	if r.rest == "" {
		return 0
	}
	return r.rest[0]
}

func (r *dateReader) expect(c byte) {
	r.bad = r.bad || r.peek() != c
	r.skip(1)
}

// number reads exactly n digits.
func (r *dateReader) number(n int) int {
	v := 0
	for ; n > 0; n-- {
		c := r.peek()
		r.bad = r.bad || !isDigit(c)
		v = v*10 + int(c-'0')
		r.skip(1)
	}
	return v
}

// weekday drops the weekday and the spaces behind it: behind a comma (not asctime)
// or without one (asctime).
func (r *dateReader) weekday() dateForm {
	form := rfc1123
	for r.rest != "" && r.peek() != ',' && r.peek() != ' ' {
		r.skip(1)
	}
	if r.peek() == ' ' {
		form = asctime
	}
	r.skip(1)
	for r.peek() == ' ' {
		r.skip(1)
	}
	return form
}

// dayOfMonth reads a day of one or two digits, perhaps behind a space.
func (r *dateReader) dayOfMonth() int {
	if r.peek() == ' ' {
		r.skip(1)
	}
	day := r.number(1)
	if r.peek() != ' ' {
		day = day*10 + r.number(1)
	}
	return day
}

// month reads three letters, 0 for January.
func (r *dateReader) month() int {
	m := r.rest
	r.skip(3)
	if r.bad {
		return 0
	}
	switch m[0] {
	case 'J':
		switch {
		case m[1] == 'a':
			return 0
		case m[2] == 'n':
			return 5
		}
		return 6
	case 'F':
		return 1
	case 'M':
		if m[2] == 'r' {
			return 2
		}
		return 4
	case 'A':
		if m[1] == 'p' {
			return 3
		}
		return 7
	case 'S':
		return 8
	case 'O':
		return 9
	case 'N':
		return 10
	case 'D':
		return 11
	}
	r.bad = true
	return 0
}

// A DateCache formats each second once. The zero value is ready. For one goroutine
// at a time.
type DateCache struct {
	second int64
	text   string
}

// At returns unix (seconds) as an HTTP-date.
func (c *DateCache) At(unix int64) string {
	if c.text == "" || c.second != unix {
		var room [DateLen]byte
		c.second, c.text = unix, string(AppendDate(room[:0], unix))
	}
	return c.text
}
