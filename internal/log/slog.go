package log

import (
	"context"
	"log/slog"
	"syscall"
)

// Slog returns l for packages that speak slog; a nil l discards. Attributes
// follow the message as nginx's details do, "message, name: value"; an attribute
// named "err" reads "message: text", and a bare system error as such
// "message (13: Permission denied)".
func (l *Logger) Slog() *slog.Logger { return slog.New(&handler{logger: l}) }

// A handler is an immutable slog.Handler.
type handler struct {
	logger *Logger
	group  string // "a.b." before names
	attrs  string // of WithAttrs, formatted
}

func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return h.logger.Enabled(FromSlog(level))
}

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	var buf [512]byte
	msg := append(buf[:0], r.Message...)
	msg = append(msg, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		msg = appendAttr(msg, h.group, a)
		return true
	})
	h.logger.LogBytes(FromSlog(r.Level), 0, msg)
	return nil
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var text []byte
	for _, a := range attrs {
		text = appendAttr(text, h.group, a)
	}
	return &handler{logger: h.logger, group: h.group, attrs: h.attrs + string(text)}
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &handler{logger: h.logger, group: h.group + name + ".", attrs: h.attrs}
}

func appendAttr(b []byte, group string, a slog.Attr) []byte {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, inner := range v.Group() {
			b = appendAttr(b, group, inner)
		}
		return b
	}
	if a.Equal(slog.Attr{}) {
		return b
	}
	if err, ok := v.Any().(error); ok && a.Key == "err" {
		return appendError(b, err)
	}
	b = append(b, ", "...)
	b = append(b, group...)
	b = append(b, a.Key...)
	b = append(b, ": "...)
	return append(b, v.String()...)
}

func appendError(b []byte, err error) []byte {
	if errno, ok := err.(syscall.Errno); ok {
		b = append(b, " ("...)
		b = append(b, ErrText(errno)...)
		return append(b, ')')
	}
	b = append(b, ": "...)
	return append(b, err.Error()...)
}
