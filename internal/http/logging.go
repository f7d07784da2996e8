package http

import (
	"fmt"

	"github.com/baton-project/baton/internal/log"
	"github.com/baton-project/baton/internal/wire/h1"
)

// LogEnabled reports whether a line of that level would be written.
func (r *Request) LogEnabled(level log.Level) bool { return r.logger().Enabled(level) }

// Logf writes to the location's error log, with the connection's number before
// and nginx's context behind it: `, client: 127.0.0.1, server: x, request: ...`.
func (r *Request) Logf(level log.Level, format string, args ...any) {
	if r.LogEnabled(level) {
		r.write(level, fmt.Appendf(nil, format, args...))
	}
}

// LogErr is Logf with nginx's form of a system error behind the text:
// `open() "/x" failed (2: No such file or directory)`.
func (r *Request) LogErr(level log.Level, err error, format string, args ...any) {
	if r.LogEnabled(level) {
		line := fmt.Appendf(nil, format, args...)
		r.write(level, fmt.Appendf(line, " (%s)", log.ErrText(err)))
	}
}

// logger is that of the location, or of the server when the location is not
// chosen yet.
func (r *Request) logger() *log.Logger {
	if r.loc == nil {
		return r.conn.logger(r.conn.site.server.whole.logger)
	}
	return r.conn.logger(r.Main().loc.logger)
}

// write adds the context, which debug lines do not have.
func (r *Request) write(level log.Level, line []byte) {
	if level == log.Debug {
		r.logger().LogBytes(level, r.conn.number, line)
		return
	}
	if r.inBackground() {
		line = append(line, r.sub.doing...)
	} else {
		line = append(line, r.conn.doing...)
	}
	line = append(line, ", client: "...)
	line, _ = r.client.AppendText(line)
	server := r.server
	if server == nil {
		server = r.conn.site.server
	}
	line = append(append(line, ", server: "...), server.name...)
	if text := r.RequestLine(); text != "" {
		line = append(append(append(line, `, request: "`...), text...), '"')
	}
	if r.sub != nil {
		line = r.appendSubrequest(line)
	}
	if r.passed != nil {
		line = r.passed.AppendLog(line)
	}
	if host := r.Header(h1.HHost); host != "" {
		line = append(append(append(line, `, host: "`...), host...), '"')
	}
	if referer := r.Header(h1.HReferer); referer != "" {
		line = append(append(append(line, `, referrer: "`...), referer...), '"')
	}
	r.logger().LogBytes(level, r.conn.number, line)
}
