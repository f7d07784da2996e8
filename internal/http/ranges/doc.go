// Package ranges sends parts of a response when the request asks for them: 206
// with one part as it is or several as multipart/byteranges, 416 when none of
// them is in the response. Only responses whose handler says AllowRanges and
// whose length is known are cut. It is the last header filter, and the last sink
// a body passes, so that what it cuts is what the client would have got.
//
// It has no directives of its own: max_ranges is the core's.
// See ngx_http_range_filter_module; RFC 9110, section 14.
package ranges
