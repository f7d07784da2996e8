package ssi

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/baton-project/baton/internal/http"
)

// timeFormat is the timefmt of one page.
type timeFormat struct {
	text  string
	given bool
}

// maxDate is how long a date may be.
const maxDate = 2048

func dateLocal(r *http.Request) (string, bool) { return date(r, r.Time().Local(), "") }

func dateGMT(r *http.Request) (string, bool) { return date(r, r.Time().UTC(), "GMT") }

// date is t as the page of r wants it; zone is its name unless it is "".
func date(r *http.Request, t time.Time, zone string) (string, bool) {
	format := "%A, %d-%b-%Y %H:%M:%S %Z"
	if f := http.KnownContext[timeFormat](r); f != nil && f.given {
		format = f.text
	}
	if zone == "" {
		zone, _ = t.Zone()
	}
	text := strftime(format, t, zone)
	return text, text != "" && len(text) < maxDate
}

// strftime is strftime(3) in the C locale.
func strftime(format string, t time.Time, zone string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		if (format[i] == 'E' || format[i] == 'O') && i+1 < len(format) {
			i++ // other calendars and digits: the C locale has none
		}
		if text, ok := conversion(format[i], t, zone); ok {
			b.WriteString(text)
		} else {
			b.WriteString("%" + format[i:i+1])
		}
	}
	return b.String()
}

// layouts are the conversions that package time knows.
var layouts = map[byte]string{
	'A': "Monday", 'a': "Mon", 'B': "January", 'b': "Jan", 'h': "Jan", 'c': "Mon Jan _2 15:04:05 2006",
	'D': "01/02/06", 'd': "02", 'e': "_2", 'F': "2006-01-02", 'H': "15", 'I': "03", 'j': "002", 'M': "04", 'm': "01",
	'p': "PM", 'R': "15:04", 'r': "03:04:05 PM", 'S': "05", 'T': "15:04:05", 'X': "15:04:05", 'x': "01/02/06",
	'Y': "2006", 'y': "06", 'z': "-0700", 'P': "pm",
}

func conversion(c byte, t time.Time, zone string) (text string, ok bool) {
	if layout, ok := layouts[c]; ok {
		return t.Format(layout), true
	}
	isoYear, isoWeek := t.ISOWeek()
	switch c {
	case '%':
		return "%", true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case 'Z':
		return zone, true
	case 's':
		return strconv.FormatInt(t.Unix(), 10), true
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100), true
	case 'G':
		return strconv.Itoa(isoYear), true
	case 'g':
		return fmt.Sprintf("%02d", isoYear%100), true
	case 'V':
		return fmt.Sprintf("%02d", isoWeek), true
	case 'k':
		return fmt.Sprintf("%2d", t.Hour()), true
	case 'l':
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1), true
	case 'u':
		return strconv.Itoa((int(t.Weekday())+6)%7 + 1), true
	case 'w':
		return strconv.Itoa(int(t.Weekday())), true
	case 'U':
		return fmt.Sprintf("%02d", (t.YearDay()+6-int(t.Weekday()))/7), true
	case 'W':
		return fmt.Sprintf("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7), true
	}
	return "", false
}
