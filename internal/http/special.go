package http

import (
	"strings"

	"github.com/baton-project/baton/internal/wire/h1"
)

// The pages that the server makes up itself, byte for byte as nginx sends them:
// people match on them.
const (
	pageHead    = "<html>\r\n<head><title>"
	pageMiddle  = "</title></head>\r\n<body>\r\n<center><h1>"
	pageEnd     = "</h1></center>\r\n"
	pageFoot    = "</center>\r\n</body>\r\n</html>\r\n"
	pagePadding = "<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n"

	tailFull = "<hr><center>" + ServerProduct + pageFoot
	tailBare = "<hr><center>nginx" + pageFoot
)

// pageTitle is what stands in the title and heading; "" for a status whose body
// is empty.
func pageTitle(status int) string {
	switch status {
	case 301:
		return "301 Moved Permanently"
	case 302:
		return "302 Found"
	case 303:
		return "303 See Other"
	case 307:
		return "307 Temporary Redirect"
	case 308:
		return "308 Permanent Redirect"
	case 400:
		return "400 Bad Request"
	case 401:
		return "401 Authorization Required"
	case 402:
		return "402 Payment Required"
	case 403:
		return "403 Forbidden"
	case 404:
		return "404 Not Found"
	case 405:
		return "405 Not Allowed"
	case 406:
		return "406 Not Acceptable"
	case 407:
		return "407 Proxy Authentication Required"
	case 408:
		return "408 Request Time-out"
	case 409:
		return "409 Conflict"
	case 410:
		return "410 Gone"
	case 411:
		return "411 Length Required"
	case 412:
		return "412 Precondition Failed"
	case 413:
		return "413 Request Entity Too Large"
	case 414:
		return "414 Request-URI Too Large"
	case 415:
		return "415 Unsupported Media Type"
	case 416:
		return "416 Requested Range Not Satisfiable"
	case 421:
		return "421 Misdirected Request"
	case 429:
		return "429 Too Many Requests"
	case 498:
		return "404 Not Found"
	case 500:
		return "500 Internal Server Error"
	case 501:
		return "501 Not Implemented"
	case 502:
		return "502 Bad Gateway"
	case 503:
		return "503 Service Temporarily Unavailable"
	case 504:
		return "504 Gateway Time-out"
	case 505:
		return "505 HTTP Version Not Supported"
	case 507:
		return "507 Insufficient Storage"
	}
	return ""
}

// badRequestText is for statuses of nginx's own: the client sees a 400 that says
// more.
func badRequestText(status int) string {
	switch status {
	case 494:
		return "Request Header Or Cookie Too Large"
	case 495:
		return "The SSL certificate error"
	case 496:
		return "No required SSL certificate was sent"
	case 497:
		return "The plain HTTP request was sent to HTTPS port"
	}
	return ""
}

// appendPage appends the page of status; nothing when it has none.
func appendPage(dst []byte, status int, tokens ServerTokens, padding bool) []byte {
	if more := badRequestText(status); more != "" {
		dst = append(dst, pageHead+"400 "...)
		dst = append(dst, more...)
		dst = append(dst, pageMiddle+"400 Bad Request"+pageEnd+"<center>"...)
		dst = append(dst, more...)
		dst = append(dst, "</center>\r\n"...)
	} else if title := pageTitle(status); title != "" {
		dst = append(dst, pageHead...)
		dst = append(dst, title...)
		dst = append(dst, pageMiddle...)
		dst = append(dst, title...)
		dst = append(dst, pageEnd...)
	} else {
		return dst
	}
	if tokens == TokensOff {
		dst = append(dst, tailBare...)
	} else {
		dst = append(dst, tailFull...)
	}
	if padding && status >= 400 {
		for range 6 {
			dst = append(dst, pagePadding...)
		}
	}
	return dst
}

// special answers r with a status and the page that goes with it, or by the
// location's error_page. It returns Done, or restart after an internal redirect.
func (r *Request) special(status int) Result {
	r.errStatus = status
	switch status {
	case 400, 413, 414, 495, 496, 497, 500, 501:
		r.keepAlive = false
	}
	switch status {
	case 400, 495, 496, 497:
		r.linger = false
	}
	r.Out.ContentType = ""
	answers := r.loc.answers
	if !r.errorPage && len(r.loc.errorPages) > 0 && r.redirectsLeft > 0 {
		if !answers.Recursive.V {
			r.errorPage = true
		}
		for i := range r.loc.errorPages {
			if p := &r.loc.errorPages[i]; p.status == status {
				return r.sendErrorPage(p)
			}
		}
	}
	r.expectTested = true
	r.discardAvailable()
	if answers.MSIERefresh.V && (status == 301 || status == 302) && r.isMSIE() {
		return r.sendRefresh()
	}
	if badRequestText(status) != "" {
		r.errStatus = 400
	}
	return r.sendPage(status)
}

// sendPage sends the page of status with the status line of r.errStatus.
func (r *Request) sendPage(status int) Result {
	answers := r.loc.answers
	padding := answers.MSIEPadding.V && r.Head.Version >= h1.HTTP10 && (r.isMSIE() || r.isChrome())
	var room [1024]byte
	page := appendPage(room[:0], status, answers.Tokens.V, padding)
	out := &r.Out
	if len(page) > 0 {
		out.ContentType = "text/html"
	}
	out.ContentLength = int64(len(page))
	out.AllowRanges = false
	out.LastModified = h1.NoTime
	out.ETag = ""
	if r.SendHeader() == nil && len(page) > 0 {
		r.Write(page)
	}
	return Done
}

// sendRefresh is the redirect that old Internet Explorers understood.
func (r *Request) sendRefresh() Result {
	r.errStatus = 200
	body := append(r.Scratch(3*len(r.Out.Location)+100), `<html><head><meta http-equiv="Refresh" content="0; URL=`...)
	body = h1.AppendEscaped(body, r.Out.Location, h1.EscapeRefresh)
	body = append(body, "\"></head><body></body></html>\r\n"...)
	r.Out.Location = ""
	return r.Respond(200, "text/html", view(body))
}

// isMSIE and isChrome look at User-Agent as nginx does, for msie_padding and
// msie_refresh.
func (r *Request) isMSIE() bool {
	agent := r.Header(h1.HUserAgent)
	return strings.Contains(agent, "MSIE ") && !strings.Contains(agent, "Opera")
}

func (r *Request) isChrome() bool {
	return strings.Contains(r.Header(h1.HUserAgent), "Chrome/")
}
