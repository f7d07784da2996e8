package h1

// An AnswerID names a header of responses that a server in between understands.
type AnswerID uint8

// The headers that mean something to a server that passes a response on.
const (
	AnswerOther AnswerID = iota
	AnswerStatus
	AnswerContentType
	AnswerContentLength
	AnswerDate
	AnswerLastModified
	AnswerETag
	AnswerServer
	AnswerWWWAuthenticate
	AnswerLocation
	AnswerRefresh
	AnswerSetCookie
	AnswerContentDisposition
	AnswerCacheControl
	AnswerExpires
	AnswerAcceptRanges
	AnswerUpgrade
	AnswerContentRange
	AnswerConnection
	AnswerKeepAlive
	AnswerVary
	AnswerLink
	AnswerXAccelExpires
	AnswerXAccelRedirect
	AnswerXAccelLimitRate
	AnswerXAccelBuffering
	AnswerXAccelCharset
	AnswerTransferEncoding
	AnswerContentEncoding
	numAnswerIDs
)

// answerNames are the names of the known headers in lower case.
var answerNames = [numAnswerIDs]string{
	AnswerStatus:             "status",
	AnswerContentType:        "content-type",
	AnswerContentLength:      "content-length",
	AnswerDate:               "date",
	AnswerLastModified:       "last-modified",
	AnswerETag:               "etag",
	AnswerServer:             "server",
	AnswerWWWAuthenticate:    "www-authenticate",
	AnswerLocation:           "location",
	AnswerRefresh:            "refresh",
	AnswerSetCookie:          "set-cookie",
	AnswerContentDisposition: "content-disposition",
	AnswerCacheControl:       "cache-control",
	AnswerExpires:            "expires",
	AnswerAcceptRanges:       "accept-ranges",
	AnswerUpgrade:            "upgrade",
	AnswerContentRange:       "content-range",
	AnswerConnection:         "connection",
	AnswerKeepAlive:          "keep-alive",
	AnswerVary:               "vary",
	AnswerLink:               "link",
	AnswerXAccelExpires:      "x-accel-expires",
	AnswerXAccelRedirect:     "x-accel-redirect",
	AnswerXAccelLimitRate:    "x-accel-limit-rate",
	AnswerXAccelBuffering:    "x-accel-buffering",
	AnswerXAccelCharset:      "x-accel-charset",
	AnswerTransferEncoding:   "transfer-encoding",
	AnswerContentEncoding:    "content-encoding",
}

// answersByLength has the known headers at the length of their names.
var answersByLength = func() (t [20][]AnswerID) {
	for id := AnswerStatus; id < numAnswerIDs; id++ {
		n := len(answerNames[id])
		t[n] = append(t[n], id)
	}
	return t
}()

// answerID is the ID of the header with this name.
func answerID(name string) AnswerID {
	if len(name) >= len(answersByLength) {
		return AnswerOther
	}
	for _, id := range answersByLength[len(name)] {
		low := answerNames[id]
		if name[0]|0x20 == low[0] && EqualFold(name, low) {
			return id
		}
	}
	return AnswerOther
}

// AnswerIDOf is the ID of the response header with this name, in any case.
func AnswerIDOf(name string) AnswerID {
	if name == "" {
		return AnswerOther
	}
	return answerID(name)
}
