// Package sub replaces texts in answers.
//
//	sub_filter '<a href="http://127.0.0.1:8080/' '<a href="https://$host/';
//	sub_filter_once off;
//
// The search does not mind letter case, nor how the body is cut into pieces: the
// beginning of a text at the end of a piece is held back. Of several texts that
// begin at one place the first in the configuration is replaced. Answers lose
// their Content-Length and ranges, and Last-Modified and ETag as well unless
// sub_filter_last_modified is on.
//
// See ngx_http_sub_module in nginx's manual.
package sub
