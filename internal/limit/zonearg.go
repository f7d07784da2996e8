package limit

import (
	"os"
	"strings"

	"github.com/baton-project/baton/internal/conf"
	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/zone"
)

// ParseZone reads the argument "zone=NAME:SIZE" of limit_req_zone and
// limit_conn_zone. The name may be empty.
func ParseZone(d *conf.Directive, arg string) (name string, size int64, err error) {
	name, text, ok := strings.Cut(strings.TrimPrefix(arg, "zone="), ":")
	if ok {
		size, err = conf.ParseSize(text)
	}
	switch {
	case !ok || err != nil || size > zone.MaxSize:
		return "", 0, d.Errorf(`invalid zone size "%s"`, arg)
	case size < int64(8*os.Getpagesize()):
		return "", 0, d.Errorf(`zone "%s" is too small`, arg)
	}
	return name, size, nil
}

// LogLevels are the words of limit_req_log_level and limit_conn_log_level.
func LogLevels() []conf.Choice[log.Level] {
	return []conf.Choice[log.Level]{{Word: "info", V: log.Info}, {Word: "notice", V: log.Notice},
		{Word: "warn", V: log.Warn}, {Word: "error", V: log.Error}}
}
