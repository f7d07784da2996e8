package h1

// HeaderID names a header that the server itself understands.
type HeaderID uint8

const (
	HOther HeaderID = iota // any other header
	HHost
	HConnection
	HIfModifiedSince
	HIfUnmodifiedSince
	HIfMatch
	HIfNoneMatch
	HUserAgent
	HReferer
	HContentLength
	HContentRange
	HContentType
	HRange
	HIfRange
	HTransferEncoding
	HTE
	HExpect
	HUpgrade
	HAcceptEncoding
	HVia
	HAuthorization
	HProxyAuthorization
	HKeepAlive
	HXForwardedFor
	HXRealIP
	HAccept
	HAcceptLanguage
	HDepth
	HDestination
	HOverwrite
	HDate
	HCookie
	HProxyConnection
	HTrailer
	HOrigin
	numHeaderIDs
)

// headerNames are the names of the known headers in lower case.
var headerNames = [numHeaderIDs]string{
	HHost:               "host",
	HConnection:         "connection",
	HIfModifiedSince:    "if-modified-since",
	HIfUnmodifiedSince:  "if-unmodified-since",
	HIfMatch:            "if-match",
	HIfNoneMatch:        "if-none-match",
	HUserAgent:          "user-agent",
	HReferer:            "referer",
	HContentLength:      "content-length",
	HContentRange:       "content-range",
	HContentType:        "content-type",
	HRange:              "range",
	HIfRange:            "if-range",
	HTransferEncoding:   "transfer-encoding",
	HTE:                 "te",
	HExpect:             "expect",
	HUpgrade:            "upgrade",
	HAcceptEncoding:     "accept-encoding",
	HVia:                "via",
	HAuthorization:      "authorization",
	HProxyAuthorization: "proxy-authorization",
	HKeepAlive:          "keep-alive",
	HXForwardedFor:      "x-forwarded-for",
	HXRealIP:            "x-real-ip",
	HAccept:             "accept",
	HAcceptLanguage:     "accept-language",
	HDepth:              "depth",
	HDestination:        "destination",
	HOverwrite:          "overwrite",
	HDate:               "date",
	HCookie:             "cookie",
	HProxyConnection:    "proxy-connection",
	HTrailer:            "trailer",
	HOrigin:             "origin",
}

// uniqueHeaders are those that nginx refuses to see twice.
const uniqueHeaders uint64 = 1<<HHost | 1<<HIfModifiedSince | 1<<HIfUnmodifiedSince |
	1<<HIfMatch | 1<<HIfNoneMatch | 1<<HContentLength | 1<<HContentRange | 1<<HIfRange |
	1<<HTransferEncoding | 1<<HExpect | 1<<HAuthorization | 1<<HProxyAuthorization

// nameHash is free of collisions among the known names; a test holds it to that.
func nameHash(name []byte) uint8 {
	n := len(name)
	first, middle, last := name[0]|0x20, name[n/2]|0x20, name[n-1]|0x20
	return uint8(n)*hashLen + first*hashFirst + middle*hashMiddle + last*hashLast
}

// Factors of nameHash, found by trying.
const (
	hashLen    = 1
	hashFirst  = 1
	hashMiddle = 3
	hashLast   = 23
)

// hashedHeaders has every known header at the hash of its name.
var hashedHeaders = func() (t [256]HeaderID) {
	for id := HHost; id < numHeaderIDs; id++ {
		t[nameHash([]byte(headerNames[id]))] = id
	}
	return t
}()

// knownHeader is the ID of the header with this name (not empty).
func knownHeader(name []byte) HeaderID {
	id := hashedHeaders[nameHash(name)]
	if len(headerNames[id]) == len(name) && sameName(view(name), headerNames[id]) {
		return id
	}
	return HOther
}

// Name is the header's name in lower case; "" for HOther.
func (id HeaderID) Name() string { return headerNames[id] }

// HeaderIDOf is the ID of the request header with this name, in any case.
func HeaderIDOf(name string) HeaderID {
	if name == "" {
		return HOther
	}
	return knownHeader([]byte(name))
}
