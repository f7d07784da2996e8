package log

import (
	"fmt"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// maxLine is the longest line in bytes, with its line feed (NGX_MAX_ERROR_STR).
const maxLine = 2048

// stderrFD is descriptor 2, which belongs to the process: nobody closes it.
const stderrFD = 2

// A Logger writes to a set of outputs, each down to its own level. It is never
// changed; a nil Logger discards. Any number of goroutines may use it.
type Logger struct {
	level        Level    // of the most talkative output
	outputs      []output // most talkative first
	files        *Files   // whose outputs they are; nil if there are none
	console      string   // program name for lines on the console; empty for none
	consoleLevel Level
	atDebug      *Logger // the same outputs at the debug level; nil: itself
}

// An output is one error_log directive: exactly one of file and syslog is set.
type output struct {
	level  Level
	file   *File
	syslog *Sender
}

// NewConsole returns a logger that writes "NAME: [level] message" to stderr: the
// form of errors before, or without, a configuration.
func NewConsole(name string, level Level) *Logger {
	return &Logger{level: level, console: name, consoleLevel: level}
}

// WithConsole returns a logger that also writes lines of level warn or graver
// to stderr as "NAME: [level] message", unless they went to stderr anyway.
func (l *Logger) WithConsole(name string) *Logger {
	c := new(Logger)
	if l != nil {
		*c = *l
	}
	c.console, c.consoleLevel = name, Warn
	c.level = max(c.level, Warn)
	return c
}

// newLogger orders the outputs as nginx does, so that a line stops at the first
// one that does not want it.
func newLogger(fs *Files, outputs []output) *Logger {
	slices.SortStableFunc(outputs, func(a, b output) int { return int(b.level) - int(a.level) })
	l := &Logger{outputs: outputs, files: fs}
	if len(outputs) > 0 {
		l.level = outputs[0].level
		all := slices.Clone(outputs)
		for i := range all {
			all[i].level = Debug
		}
		l.atDebug = &Logger{level: Debug, outputs: all, files: fs}
	}
	return l
}

// AtDebug returns the logger whose outputs get everything (debug_connection).
func (l *Logger) AtDebug() *Logger {
	if l == nil || l.atDebug == nil {
		return l
	}
	return l.atDebug
}

// Enabled reports whether a line of this level is written anywhere. Ask before
// making an expensive message.
func (l *Logger) Enabled(level Level) bool { return l != nil && level <= l.level }

// Log writes one line; conn is the number of the connection it is about, 0 for
// none. What does not fit into 2048 bytes is cut off.
func (l *Logger) Log(level Level, conn uint64, msg string) {
	if l.Enabled(level) {
		write(l, level, conn, msg, nil)
	}
}

// LogBytes is Log for a message that was built in a buffer, which it does not
// keep.
func (l *Logger) LogBytes(level Level, conn uint64, msg []byte) {
	if l.Enabled(level) {
		write(l, level, conn, msg, nil)
	}
}

// Logf is Log with formatting, which is done only if the level is enabled.
func (l *Logger) Logf(level Level, conn uint64, format string, args ...any) {
	if l.Enabled(level) {
		write(l, level, conn, fmt.Sprintf(format, args...), nil)
	}
}

// write makes the line and gives it to every output but skip.
func write[T string | []byte](l *Logger, level Level, conn uint64, msg T, skip *Sender) {
	var buf [maxLine]byte
	line := buf[:0]
	if l.files != nil {
		line = append(line, l.files.clock.now().line...)
		line = append(line, " ["...)
		line = append(line, level.String()...)
		line = append(line, "] "...)
		line = append(line, l.files.pid...)
		line = append(line, ": "...)
		if conn != 0 {
			line = append(line, '*')
			line = strconv.AppendUint(line, conn, 10)
			line = append(line, ' ')
		}
	}
	start := len(line)
	line = append(line, msg[:min(len(msg), maxLine-1-start)]...)
	line = append(line, '\n')

	toStderr := false
	for i := range l.outputs {
		o := &l.outputs[i]
		if o.level < level {
			break
		}
		if o.syslog != nil {
			if o.syslog != skip {
				o.syslog.Send(int(level)-1, line[:len(line)-1])
			}
			continue
		}
		_, _ = o.file.Write(line) // nobody is left to be told
		toStderr = toStderr || o.file == l.files.stderr
	}
	if l.console != "" && level <= l.consoleLevel && !toStderr {
		writeConsole(l.console, level, line[start:])
	}
}

// writeConsole writes a message, which ends with a line feed, to stderr.
func writeConsole(name string, level Level, msg []byte) {
	line := make([]byte, 0, len(name)+len(msg)+16)
	line = append(line, name...)
	line = append(line, ": ["...)
	line = append(line, level.String()...)
	line = append(line, "] "...)
	line = append(line, msg...)
	_, _ = unix.Write(stderrFD, line) // nobody is left to be told
}
