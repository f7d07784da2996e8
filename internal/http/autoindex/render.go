package autoindex

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/baton-project/baton/internal/http"
	"github.com/baton-project/baton/internal/wire/h1"
)

func (f format) contentType() string {
	switch f {
	case jsonFormat:
		return "application/json"
	case jsonpFormat:
		return "application/javascript"
	case xmlFormat:
		return "text/xml"
	}
	return "text/html"
}

// render is the listing, byte for byte as nginx writes it: programs read these
// pages.
func (h *handler) render(r *http.Request, f format, callback string, entries []entry) []byte {
	switch f {
	case jsonFormat:
		return appendJSON(nil, entries)
	case jsonpFormat:
		page := appendJSON([]byte("/* callback */\r\n"+callback+"("), entries)
		return append(page, ");"...)
	case xmlFormat:
		return appendXML(nil, entries)
	}
	return h.appendHTML(nil, r, entries)
}

// nameWidth is the width of the column of names.
const nameWidth = 50

func (h *handler) appendHTML(page []byte, r *http.Request, entries []entry) []byte {
	page = append(page, "<html>\r\n<head><title>Index of "...)
	page = h1.AppendHTML(page, r.URI)
	page = append(page, "</title></head>\r\n<body>\r\n<h1>Index of "...)
	page = h1.AppendHTML(page, r.URI)
	page = append(page, "</h1><hr><pre><a href=\"../\">../</a>\r\n"...)
	runes := strings.EqualFold(r.Out.Charset, "utf-8")
	for i := range entries {
		e := &entries[i]
		page = e.appendLink(page, runes)
		page = e.appendTime(page, h.conf.localTime.V)
		page = e.appendSize(page, h.conf.exactSize.V)
		page = append(page, "\r\n"...)
	}
	return append(page, "</pre><hr></body>\r\n</html>\r\n"...)
}

// appendLink appends the name as a link, in a column of nameWidth. Its width is
// counted in runes when the page is UTF-8, else in bytes.
func (e *entry) appendLink(page []byte, runes bool) []byte {
	page = append(page, "<a href=\""...)
	page = h1.AppendEscaped(page, e.name, h1.EscapeComponent)
	if e.Kind == http.Directory {
		page = append(page, '/')
	}
	page = append(page, "\">"...)
	width := len(e.name)
	if runes {
		width = utf8.RuneCountInString(e.name)
	}
	if width > nameWidth {
		page = h1.AppendHTML(page, cut(e.name, nameWidth-3, runes))
		return append(page, "..&gt;</a> "...)
	}
	page = h1.AppendHTML(page, e.name)
	if e.Kind == http.Directory && width < nameWidth {
		page = append(page, '/')
		width++
	}
	page = append(page, "</a>"...)
	for range nameWidth - width {
		page = append(page, ' ')
	}
	return append(page, ' ')
}

// cut is the first n bytes or runes of name.
func cut(name string, n int, runes bool) string {
	if !runes {
		return name[:n]
	}
	for i := range name {
		if n == 0 {
			return name[:i]
		}
		n--
	}
	return name
}

func (e *entry) appendTime(page []byte, local bool) []byte {
	t := time.Unix(e.Modified, 0)
	if !local {
		t = t.UTC()
	}
	return t.AppendFormat(page, "02-Jan-2006 15:04 ")
}

func (e *entry) appendSize(page []byte, exact bool) []byte {
	switch {
	case e.Kind == http.Directory && exact:
		return fmt.Appendf(page, "%19s", "-")
	case e.Kind == http.Directory:
		return fmt.Appendf(page, "%7s", "-")
	case exact:
		return fmt.Appendf(page, "%19d", e.Size)
	}
	switch {
	case e.Size >= 1<<30:
		return fmt.Appendf(page, "%6dG", rounded(e.Size, 1<<30))
	case e.Size >= 1<<20:
		return fmt.Appendf(page, "%6dM", rounded(e.Size, 1<<20))
	case e.Size > 9999:
		return fmt.Appendf(page, "%6dK", rounded(e.Size, 1<<10))
	}
	return fmt.Appendf(page, " %6d", e.Size)
}

func rounded(size, unit int64) int64 { return (size + unit/2) / unit }

func (e *entry) kind() string {
	switch e.Kind {
	case http.Directory:
		return "directory"
	case http.RegularFile:
		return "file"
	}
	return "other"
}

func appendJSON(page []byte, entries []entry) []byte {
	page = append(page, '[')
	for i := range entries {
		e := &entries[i]
		if i > 0 {
			page = append(page, ',')
		}
		page = append(page, "\r\n{ \"name\":\""...)
		page = h1.AppendJSON(page, e.name)
		page = append(append(page, "\", \"type\":\""...), e.kind()...)
		page = append(page, "\", \"mtime\":\""...)
		page = append(h1.AppendDate(page, e.Modified), '"')
		if e.Kind == http.RegularFile {
			page = fmt.Appendf(page, ", \"size\":%d", e.Size)
		}
		page = append(page, " }"...)
	}
	return append(page, "\r\n]"...)
}

func appendXML(page []byte, entries []entry) []byte {
	page = append(page, "<?xml version=\"1.0\"?>\r\n<list>\r\n"...)
	for i := range entries {
		e := &entries[i]
		page = append(append(page, '<'), e.kind()...)
		page = time.Unix(e.Modified, 0).UTC().AppendFormat(page, " mtime=\"2006-01-02T15:04:05Z\"")
		if e.Kind == http.RegularFile {
			page = fmt.Appendf(page, " size=\"%d\"", e.Size)
		}
		page = h1.AppendHTML(append(page, '>'), e.name)
		page = append(append(append(page, "</"...), e.kind()...), ">\r\n"...)
	}
	return append(page, "</list>\r\n"...)
}
