package h1

// statusTexts are nginx's, which are not always those of the RFCs.
var statusTexts = [600]string{
	200: "200 OK",
	201: "201 Created",
	202: "202 Accepted",
	204: "204 No Content",
	206: "206 Partial Content",

	301: "301 Moved Permanently",
	302: "302 Moved Temporarily",
	303: "303 See Other",
	304: "304 Not Modified",
	307: "307 Temporary Redirect",
	308: "308 Permanent Redirect",

	400: "400 Bad Request",
	401: "401 Unauthorized",
	402: "402 Payment Required",
	403: "403 Forbidden",
	404: "404 Not Found",
	405: "405 Not Allowed",
	406: "406 Not Acceptable",
	407: "407 Proxy Authentication Required",
	408: "408 Request Time-out",
	409: "409 Conflict",
	410: "410 Gone",
	411: "411 Length Required",
	412: "412 Precondition Failed",
	413: "413 Request Entity Too Large",
	414: "414 Request-URI Too Large",
	415: "415 Unsupported Media Type",
	416: "416 Requested Range Not Satisfiable",
	421: "421 Misdirected Request",
	429: "429 Too Many Requests",

	500: "500 Internal Server Error",
	501: "501 Not Implemented",
	502: "502 Bad Gateway",
	503: "503 Service Temporarily Unavailable",
	504: "504 Gateway Time-out",
	505: "505 HTTP Version Not Supported",
	507: "507 Insufficient Storage",
}

// StatusText is nginx's text of a status, with its number: "302 Moved Temporarily".
// "" for a status nginx has no text for.
func StatusText(status int) string {
	if status < 0 || status >= len(statusTexts) {
		return ""
	}
	return statusTexts[status]
}

// AppendStatusLine appends "HTTP/1.1 200 OK\r\n". A status without text is sent as
// its digits, at least three, and a space.
func AppendStatusLine(dst []byte, status int) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	if text := StatusText(status); text != "" {
		dst = append(dst, text...)
		return append(dst, '\r', '\n')
	}
	for most := 100; most > 1 && status < most; most /= 10 {
		dst = append(dst, '0')
	}
	dst = AppendInt(dst, int64(status))
	return append(dst, ' ', '\r', '\n')
}
