package log

import "log/slog"

// Level is how grave a line is; a smaller number is graver. The zero value is
// [Stderr], which as a threshold lets nothing through.
type Level uint8

// The levels of error_log, with nginx's numbers.
const (
	Stderr Level = iota
	Emerg
	Alert
	Crit
	Error
	Warn
	Notice
	Info
	Debug
)

var levelNames = [...]string{"stderr", "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"}

// String returns the name as it stands in the log.
func (l Level) String() string {
	if int(l) < len(levelNames) {
		return levelNames[l]
	}
	return "debug"
}

// ParseLevel finds the level that error_log calls name; "stderr" is not one.
func ParseLevel(name string) (Level, bool) {
	for l := Emerg; l <= Debug; l++ {
		if levelNames[l] == name {
			return l, true
		}
	}
	return 0, false
}

// FromSlog maps the levels of package process, and whatever lies between them,
// to nginx's.
func FromSlog(l slog.Level) Level {
	switch {
	case l >= 14:
		return Emerg
	case l >= 12:
		return Alert
	case l >= 10:
		return Crit
	case l >= slog.LevelError:
		return Error
	case l >= slog.LevelWarn:
		return Warn
	case l >= 2:
		return Notice
	case l >= slog.LevelInfo:
		return Info
	}
	return Debug
}
