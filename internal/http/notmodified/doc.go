// Package notmodified answers conditional requests: 304 when the client's copy
// is still good, 412 when the client's condition does not hold. It is the first
// header filter, so that no other works for a body that is not sent.
//
// It has no directives of its own: if_modified_since and etag are the core's.
// See ngx_http_not_modified_filter_module; RFC 9110, section 13.
package notmodified
