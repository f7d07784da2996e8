// Package headers adds lines to the head of responses.
//
//	add_header Strict-Transport-Security "max-age=31536000" always;
//	expires 30d;
//
// Without "always" a line is only added to 200, 201, 204, 206, 301, 302, 303,
// 304, 307 and 308. A level with add_header lines of its own does not get those
// of the enclosing level, unless add_header_inherit says merge.
// add_trailer does the same for lines behind the body; a response that may get
// one is sent in chunks, whatever is known of its length.
//
// See ngx_http_headers_module in nginx's manual.
package headers
